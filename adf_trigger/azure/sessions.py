"""Sessions of requests that ask the environment once for each server, and not at every call."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

if TYPE_CHECKING:
    from requests.sessions import _Settings  # its stubs alone have it


class LastingSession(requests.Session):
    """A session whose proxies and certificates are what the environment said at the first call of a server.

    To look each of them up for every call takes a quarter of the processor time of the call. A `.netrc` file is not
    read: what it says of a host would go in the place of the token or the signature.
    """

    def __init__(self) -> None:
        super().__init__()
        self.auth = _as_it_is
        self._known: dict[tuple[object, ...], _Settings] = {}

    def merge_environment_settings(
        self,
        url: str | bytes | None,
        proxies: Any,  # noqa: ANN401  # as wide as the base class takes it
        stream: Any,  # noqa: ANN401
        verify: Any,  # noqa: ANN401
        cert: Any,  # noqa: ANN401
    ) -> "_Settings":
        """See requests.Session. What a call itself says of proxies goes before the environment, and is not kept."""
        if proxies or not isinstance(url, str):
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        server = urlsplit(url)
        key = (server.scheme, server.netloc, stream, verify, cert)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = super().merge_environment_settings(url, proxies, stream, verify, cert)
        return {**known, "proxies": dict(known["proxies"])}


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An auth object, so that requests looks for no other."""
    return request
