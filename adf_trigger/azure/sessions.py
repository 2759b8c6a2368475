"""Sessions of requests for many similar calls, without repeated look-ups and preparation.

For a call of the usual size, requests' preparation and its processing of the answer (proxies and certificates from the
environment, cookies, redirects, hooks) take two thirds of the total processor time.
"""

import re
from collections.abc import Mapping
from itertools import starmap
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict

if TYPE_CHECKING:
    from requests.sessions import _Settings  # only in its stubs

_STRAIGHT = frozenset(
    {"headers", "data", "files", "auth", "timeout", "allow_redirects", "proxies", "stream", "verify", "cert"}
)
"""The arguments of calls that bypass requests' preparation."""

_PLAIN = r"[A-Za-z0-9\-._~!$&'()*+,;=:@/?]*"
_URL = re.compile(
    rf"https?://(?:[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?/{_PLAIN}(?:%[0-9A-Fa-f]{{2}}{_PLAIN})*"
)
"""A URL without characters to escape. It matches in one way only: a long text that does not match is rejected fast."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
"""The name of a header."""

_BODILESS = frozenset({"GET", "HEAD"})


class CachingSession(requests.Session):
    """A session that reads proxies and certificates from the environment once for each server, at its first call.

    A `.netrc` file is not read: its entry for a host would replace the token or the signature. A call that follows no
    redirects, and whose URL, headers and body need no preparation, is sent directly, without cookies.
    """

    def __init__(self) -> None:
        super().__init__()
        self.auth = _as_it_is
        self._known: dict[tuple[object, ...], _Settings] = {}

    def request(  # type: ignore[override]  # it accepts the same as the base class
        self, method: str, url: str | bytes, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """See requests.Session."""
        auth = kwargs.get("auth") or _as_it_is
        if args or kwargs.keys() - _STRAIGHT or kwargs.get("files") or not callable(auth):
            return super().request(method, url, *args, **kwargs)
        request = self._prepared(method, url, kwargs.get("headers") or {}, kwargs.get("data") or None)
        if request is None or kwargs.get("allow_redirects", True):
            return super().request(method, url, **kwargs)
        request = auth(request)
        chosen = (kwargs.get(name) for name in ("stream", "verify", "cert"))
        settings: Any = self.merge_environment_settings(url, kwargs.get("proxies") or {}, *chosen)
        response = self.get_adapter(str(url)).send(request, timeout=kwargs.get("timeout"), **settings)
        if not settings["stream"]:
            _ = response.content  # read now, as requests does
        return response

    def _prepared(
        self, method: str, url: object, headers: Mapping[str, Any], body: object
    ) -> requests.PreparedRequest | None:
        """A request that needs no preparation; None if it may need some."""
        if not isinstance(url, str) or _URL.fullmatch(url) is None or "/." in url or not method.isupper():
            return None
        if not (body is None or isinstance(body, bytes)) or not all(starmap(_is_plain, headers.items())):
            return None
        request = requests.PreparedRequest()
        request.method, request.url, request.body = method, url, body
        defaults: Mapping[str, Any] = self.headers
        request.headers = CaseInsensitiveDict(defaults)
        request.headers.update(headers)
        if body is not None or method not in _BODILESS:
            request.headers["Content-Length"] = str(len(body or b""))
        return request

    def merge_environment_settings(
        self,
        url: str | bytes | None,
        proxies: Any,  # noqa: ANN401  # as in the base class
        stream: Any,  # noqa: ANN401
        verify: Any,  # noqa: ANN401
        cert: Any,  # noqa: ANN401
    ) -> "_Settings":
        """See requests.Session. Proxies given with a call take precedence over the environment, and are not cached."""
        if proxies or not isinstance(url, str):
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        server = urlsplit(url)
        key = (server.scheme, server.netloc, stream, verify, cert)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = super().merge_environment_settings(url, proxies, stream, verify, cert)
        return {**known, "proxies": dict(known["proxies"])}


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An auth object that changes nothing, so that requests looks for no other."""
    return request


def _is_plain(name: object, value: object) -> bool:
    """Whether a header is safe against header injection, and its value has no surrounding blanks."""
    if not isinstance(name, str) or _NAME.fullmatch(name) is None or not isinstance(value, str):
        return False
    return value.isascii() and value.isprintable() and value.strip() == value
