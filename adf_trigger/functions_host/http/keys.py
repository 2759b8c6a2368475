"""Who may call what: the keys that a request brings against the level that a function asks."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from adf_trigger.functions_host.index import AuthLevel

KEY_HEADER = "x-functions-key"
KEY_PARAMETER = "code"


@dataclass(frozen=True, slots=True)
class Keys:
    """The host key (level function) and the master key (level admin)."""

    host: str = field(repr=False)
    master: str = field(repr=False)

    def level(self, headers: Mapping[str, str], query: Mapping[str, str]) -> AuthLevel:
        """The level that a request's key gives. The header wins over ?code=, even with a wrong key."""
        given = (headers[KEY_HEADER] if KEY_HEADER in headers else query.get(KEY_PARAMETER, "")).encode()
        if hmac.compare_digest(given, self.master.encode()):
            return "admin"
        if hmac.compare_digest(given, self.host.encode()):
            return "function"
        return "anonymous"

    @staticmethod
    def suffices(given: AuthLevel, required: AuthLevel) -> bool:
        """Whether a level opens a function of a level. Admin opens everything."""
        return required == "anonymous" or given in {required, "admin"}
