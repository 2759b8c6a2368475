"""Access to the control API: programs on this machine may call it, web pages in a browser may not."""

import ipaddress
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request

_JSON = "application/json"


class ControlError(Exception):
    """A rejected control call; `faults` lists why."""

    def __init__(self, faults: list[dict[str, str]], status: int = 400) -> None:
        super().__init__(faults)
        self.faults = faults
        self.status = status


async def check_caller(request: Request) -> None:
    """Reject a caller on another machine, and a web page in a browser on this machine.

    Raises:
        ControlError: the caller is rejected.
    """
    if request.client is None or not _is_loopback(request.client.host):
        raise ControlError([wrong("", "only callers on this machine")], status=HTTPStatus.FORBIDDEN)
    host = urlsplit(f"//{request.headers.get('host', '')}")
    if not _is_loopback(host.hostname):
        # Any name can resolve to this machine: DNS rebinding.
        raise ControlError(
            [wrong("Host", "not a loopback address or localhost")], status=HTTPStatus.FORBIDDEN
        )
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.netloc.lower():
        raise ControlError([wrong("Origin", "not this address")], status=HTTPStatus.FORBIDDEN)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method not in {"GET", "HEAD"} and kind != _JSON and (kind or await request.body()):
        # Any page can send a form, without a CORS preflight.
        raise ControlError([wrong("Content-Type", f"not {_JSON}")], status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def wrong(where: str, what: str) -> dict[str, str]:
    """One fault, and where it is."""
    return {"where": where, "what": what}
