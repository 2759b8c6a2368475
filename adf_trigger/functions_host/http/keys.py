"""Authorisation: the key of a request against the level that a function requires."""

import base64
import hashlib
import hmac

from adf_trigger.functions_host.worker.index import AuthLevel

KEY_HEADER = "x-functions-key"
KEY_PARAMETER = "code"


class Keys:
    """The host key (level function, for every function), the master key (level admin), and each function's own.

    A key is compared exactly; once accepted, it is accepted in any letter case, as on the platform, which caches it
    that way.

    Args:
        host: the host key.
        master: the master key. The functions' keys are derived from it, so that they survive a restart.
    """

    def __init__(self, host: str, master: str) -> None:
        self._host = host
        self._master = master
        self._accepted: dict[tuple[str, str], AuthLevel] = {}

    @property
    def host(self) -> str:
        """The host key."""
        return self._host

    def of(self, function: str) -> str:
        """The key of one function."""
        digest = hmac.digest(self._master.encode(), f"function {function.lower()}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def level(self, given: str, function: str | None = None) -> AuthLevel:
        """The level that a key grants.

        Args:
            given: the key of the request; empty if it has none.
            function: the called function; None for the host's own routes.
        """
        remembered = (given.lower(), (function or "").lower())
        level = self._exactly(given, function)
        if level == "anonymous":
            return self._accepted.get(remembered, level)
        self._accepted[remembered] = level
        return level

    @staticmethod
    def suffices(given: AuthLevel, required: AuthLevel) -> bool:
        """Whether a granted level satisfies a required one. Admin satisfies every level."""
        return required == "anonymous" or given in {required, "admin"}

    def _exactly(self, given: str, function: str | None) -> AuthLevel:
        key = given.encode()
        if hmac.compare_digest(key, self._master.encode()):
            return "admin"
        own = self._host if function is None else self.of(function)
        if hmac.compare_digest(key, self._host.encode()) or hmac.compare_digest(key, own.encode()):
            return "function"
        return "anonymous"
