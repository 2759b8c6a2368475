"""The function that serves the console's static files, which hold no data, without a key.

The page's user authenticates at the API that it calls, with a key that is sent as a header.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files

import azure.functions as func

from adf_trigger.functions.decoding import path_of

INDEX = "index.html"
MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Media types of the files, by suffix."""

POLICY: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    # A text can never become HTML, even after a careless change of the page.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
"""The Content-Security-Policy."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Revalidated each time, but rarely sent again: a new version of the app shows its page immediately.
    "Cache-Control": "no-cache",
}
"""Headers of every answer."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the page."""

    content: bytes
    media_type: str
    etag: str


def _static_files() -> Mapping[str, StaticFile]:
    found = {}
    for each in files("adf_trigger.console").iterdir():
        media_type = MEDIA_TYPES.get("." + each.name.rpartition(".")[2])
        if media_type is not None and each.is_file():
            content = each.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:32]
            found[each.name] = StaticFile(content, media_type, f'"{digest}"')
    return found


STATIC_FILES = _static_files()
"""All files by name, read when the app was loaded: no path of a request ever reaches the disk."""


def console_functions() -> func.Blueprint:
    """The function; it needs no settings."""
    blueprint = func.Blueprint()

    @blueprint.function_name("console")
    @blueprint.route("console/{*path}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    async def console(req: func.HttpRequest) -> func.HttpResponse:
        """A file of the console."""
        name = req.route_params.get("path") or ""
        if not name and not path_of(req).endswith("/"):
            return _with_a_slash(req)
        file = STATIC_FILES.get(name or INDEX)
        if file is None:
            return func.HttpResponse(
                "The console has no such file.\n",
                status_code=HTTPStatus.NOT_FOUND,
                headers=dict(HEADERS),
                mimetype="text/plain",
            )
        headers = {**HEADERS, "ETag": file.etag, "Content-Type": file.media_type}
        if _is_known(req.headers.get("If-None-Match"), file.etag):
            return func.HttpResponse(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return func.HttpResponse(file.content, headers=headers)

    return blueprint


def _with_a_slash(req: func.HttpRequest) -> func.HttpResponse:
    """A redirect that adds a missing trailing slash, without which the page's relative links break.

    It is relative, so that it works behind any route prefix and host, and ends in a name, so that it never loops behind
    a gateway that strips slashes; the browser keeps the fragment.
    """
    last = path_of(req).rpartition("/")[2]
    return func.HttpResponse(
        status_code=HTTPStatus.PERMANENT_REDIRECT, headers={**HEADERS, "Location": f"{last}/{INDEX}"}
    )


def _is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller has the current file; proxies that compress make an ETag weak."""
    given = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return etag in given or "*" in given
