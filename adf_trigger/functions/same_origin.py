"""Protects calls with an effect against cross-site requests of browsers.

With App Service authentication, a browser adds its cookie to requests of any page, which the signed-in user may not
have intended. Such a call must prove that a page of this origin made it.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

import azure.functions as func

KEY_HEADER = "x-functions-key"
"""Not sent by pages of another origin: a browser needs a CORS preflight for it, which is not granted here."""
JSON = "application/json"
_OF_BROWSERS = ("cookie", "origin", "sec-fetch-site")
_DEFAULT_PORTS = (80, 443)


def fault_of_origin(req: func.HttpRequest, own: Collection[str]) -> str | None:
    """Why a call may come from another site, in a sentence; None if it does not.

    Exempt are calls with their function key in the header `x-functions-key`, and those that no browser made, with none
    of `Cookie`, `Origin` and `Sec-Fetch-Site`. Any other needs a Content-Type of application/json, and
    `Sec-Fetch-Site: same-origin` or, from a browser that does not send it, an `Origin` that is one of our own.

    Args:
        req: the request.
        own: URLs and host names of this app; the host in the call's own URL counts, too.
    """
    if req.headers.get(KEY_HEADER) or not any(name in req.headers for name in _OF_BROWSERS):
        return None
    if (req.headers.get("content-type") or "").partition(";")[0].strip().lower() != JSON:
        return f"a browser must send it with Content-Type: {JSON}"
    site = req.headers.get("sec-fetch-site")
    if site is not None:
        return (
            None if site == "same-origin" else "according to Sec-Fetch-Site, a page of another site made it"
        )
    origin = req.headers.get("origin")
    if origin is None:
        return "it has a cookie, but neither Sec-Fetch-Site nor Origin to show which page made it"
    made_by = _host(origin)
    if made_by is not None and made_by in {_host(each) for each in (*own, req.url)}:
        return None
    return "according to Origin, a page of another site made it"


def _host(url: str) -> tuple[str, int | None] | None:
    """Host and port of a URL, or None; the scheme is ignored, since the front end calls the app by plain http."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return None if host is None else (host, None if port in _DEFAULT_PORTS else port)
