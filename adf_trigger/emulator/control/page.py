"""The page of the control API: static files of a folder that is given when the emulator starts.

`GET /_emulator/` and `GET /` stay JSON for programs; a browser, which asks for HTML, is redirected to the page.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from adf_trigger.emulator.control.callers import ControlError, check_caller

PREFIX = "/_emulator/console/"
HOME = "factory/"
"""Path, within the folder, of the page that reads the control API."""
INDEX = "index.html"
_MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str
    etag: str


class ConsolePage:
    """The files of the page, as they were when the emulator started.

    Args:
        folder: of the files; None for no page.
    """

    def __init__(self, folder: Path | None) -> None:
        self._files = {} if folder is None else dict(_files(folder))

    def routes(self) -> list[Route]:
        """Its routes, without the prefix of the control API."""
        if not self._files:
            return []
        return [
            Route("/console", self._redirect, methods=["GET"]),
            Route("/console/", self._redirect, methods=["GET"]),
            Route(f"/console/{HOME[:-1]}", self._redirect, methods=["GET"]),
            Route("/console/{name:path}", self._serve, methods=["GET"]),
        ]

    def redirect_for(self, request: Request) -> Response | None:
        """The redirect of a browser to the page; None for a program, or if there is no page."""
        wants = "text/html" in request.headers.get("accept", "").lower()
        if not self._files or not wants or request.method != "GET":
            return None
        return RedirectResponse(PREFIX + HOME, status_code=HTTPStatus.SEE_OTHER)

    async def _redirect(self, _request: Request) -> Response:
        return RedirectResponse(PREFIX + HOME, status_code=HTTPStatus.SEE_OTHER)

    async def _serve(self, request: Request) -> Response:
        try:
            await check_caller(request)
        except ControlError as exc:
            return JSONResponse({"errors": exc.faults}, status_code=exc.status)
        name = str(request.path_params["name"])
        file = self._files.get(f"{name}{INDEX}" if name.endswith("/") else name)
        if file is None:
            return Response("The console has no such file.\n", HTTPStatus.NOT_FOUND, _HEADERS, "text/plain")
        headers = {**_HEADERS, "ETag": file.etag, "Content-Type": file.media_type}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(file.content, headers=headers)


def _files(folder: Path) -> Iterator[tuple[str, _File]]:
    for path in sorted(folder.rglob("*")):
        if (media_type := _MEDIA_TYPES.get(path.suffix)) is not None:
            content = path.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            yield path.relative_to(folder).as_posix(), _File(content, media_type, etag)
