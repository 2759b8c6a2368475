"""Who may call the control API: programs on this machine, and no page that a browser on it shows."""

import ipaddress
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request

_JSON = "application/json"


class ControlError(Exception):
    """A control call that is not understood; `faults` lists why."""

    def __init__(self, faults: list[dict[str, str]], status: int = 400) -> None:
        super().__init__(faults)
        self.faults = faults
        self.status = status


async def check_caller(request: Request) -> None:
    """Turn away a caller elsewhere, and a page that a browser of this machine shows.

    Raises:
        ControlError: it is one.
    """
    if request.client is None or not _is_loopback(request.client.host):
        raise ControlError([wrong("", "only callers on this machine")], status=HTTPStatus.FORBIDDEN)
    host = urlsplit(f"//{request.headers.get('host', '')}")
    if not _is_loopback(host.hostname):
        # A name that leads here may be anybody's: DNS rebinding.
        raise ControlError(
            [wrong("Host", "not a loopback address or localhost")], status=HTTPStatus.FORBIDDEN
        )
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.netloc.lower():
        raise ControlError([wrong("Origin", "not this address")], status=HTTPStatus.FORBIDDEN)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method not in {"GET", "HEAD"} and kind != _JSON and (kind or await request.body()):
        # A form can be sent by any page, and without a question first.
        raise ControlError([wrong("Content-Type", f"not {_JSON}")], status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def wrong(where: str, what: str) -> dict[str, str]:
    """One thing that is wrong, and where."""
    return {"where": where, "what": what}
