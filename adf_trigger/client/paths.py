"""Ids, names and keys as they go over the wire."""

import re
from urllib.parse import parse_qsl, quote, urlsplit

from adf_trigger.contracts import RunChoice, RunView
from adf_trigger.errors import Fault, InvalidRequest

KEY_HEADER = "Idempotency-Key"

_STEPS = ("", ".", "..")
_PLAIN = re.compile(rb"[A-Za-z0-9_\-]")
_RUN = re.compile(r"/runs/(?P<segment>[A-Za-z0-9_\-.~%:!$&'()*+,;=@]+)$")

Run = RunView | RunChoice | str
"""What names a run: a view or a choice that the service has given, a requestId, a runId, or a rejected message's id."""


def segment(run_id: str) -> str:
    """An id as a segment of a path: every byte but letters and digits of ASCII, `_` and `-` as `~XX`.

    What is percent-encoded does not come back one way on the platform: `%2F` stays, `+` and `%2B` are one.
    """
    return "".join(
        chr(byte) if _PLAIN.match(bytes([byte])) else f"~{byte:02X}"
        for byte in run_id.encode(errors="surrogatepass")
    )


def quoted(key: str) -> bytes:
    """An idempotency key as its header says it.

    Raises:
        InvalidRequest: no header can.
    """
    if not key or not key.isprintable() or set('"\\') & set(key):
        raise InvalidRequest([Fault(KEY_HEADER, "must be on one line, without quotes and backslashes")])
    return f'"{key}"'.encode(errors="replace")


def pipeline_path(pipeline: str) -> str:
    """The path below which a pipeline's runs are.

    Raises:
        InvalidRequest: no path can name it.
    """
    if pipeline in _STEPS:
        raise InvalidRequest([Fault("pipeline", "is not a name that a pipeline can have")])
    return f"pipelines/{quote(pipeline, safe='')}"


def run_path(run: Run) -> tuple[str, dict[str, str]]:
    """The path of a run, and the query that makes it the only one, as the service has linked it.

    Of a link only its end is taken, so that a key goes nowhere but to the client's own URL.

    Raises:
        InvalidRequest: it names nothing.
    """
    if isinstance(run, str):
        if not run:
            raise InvalidRequest([Fault("id", "is empty")])
        return f"runs/{segment(run)}", {}
    link = urlsplit(run.link if isinstance(run, RunChoice) else run.links.self)
    found = _RUN.search(link.path)
    if found is None:
        return f"runs/{segment(run.request_id)}", {}
    return f"runs/{found['segment']}", dict(parse_qsl(link.query))
