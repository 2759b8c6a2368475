"""Ids, names and keys as they are sent."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, quote, urlsplit

from adf_trigger.client.documents import given
from adf_trigger.contracts import RunChoice, RunView
from adf_trigger.errors import Fault, InvalidRequest
from adf_trigger.readings import RunSummary
from adf_trigger.request_ids import REQUEST_ID_FORM, in_path, is_request_id

KEY_HEADER = "Idempotency-Key"

_STEPS = ("", ".", "..")
_TO_ESCAPE = re.compile(r'["\\]')
_ESCAPED = r"\\\g<0>"
_RUN = re.compile(r"/runs/(?P<segment>[A-Za-z0-9_\-.~%:!$&'()*+,;=@]+)$")


@dataclass(frozen=True, slots=True)
class RunName:
    """An id that may name several runs, and what distinguishes them.

    Attributes:
        id: a requestId, a runId, or a rejected message's id.
        factory: alias or resource id of the factory.
        by: the kind of the id.
    """

    id: str
    factory: str | None = None
    by: Literal["requestId", "runId"] | None = None


Run = RunView | RunSummary | RunChoice | RunName | str
"""Names a run: a view or a choice returned by the service, a requestId, a runId, or a rejected message's id."""


def quoted(key: str) -> bytes:
    """An idempotency key as the value of its header.

    Raises:
        InvalidRequest: it cannot be sent in a header.
    """
    if not is_request_id(key):
        raise InvalidRequest([Fault(KEY_HEADER, REQUEST_ID_FORM)])
    return f'"{_TO_ESCAPE.sub(_ESCAPED, key)}"'.encode()


def pipeline_path(pipeline: str) -> str:
    """The path of a pipeline, below which its runs are.

    Raises:
        InvalidRequest: it cannot be part of a path.
    """
    if pipeline in _STEPS:
        raise InvalidRequest([Fault("pipeline", "is not a valid pipeline name")])
    return f"pipelines/{quote(pipeline, safe='')}"


def run_path(run: Run) -> tuple[str, dict[str, str]]:
    """The path of a run, and the query that makes it unambiguous, as in the service's link.

    Only the end of a link is used, so that the key is sent only to the client's own URL.

    Raises:
        InvalidRequest: the id is empty.
    """
    if isinstance(run, str):
        run = RunName(run)
    if isinstance(run, RunName):
        if not run.id:
            raise InvalidRequest([Fault("id", "is empty")])
        return f"runs/{in_path(run.id)}", given(factory=run.factory, by=run.by)
    link = urlsplit(run.link if isinstance(run, RunChoice) else run.links.self)
    found = _RUN.search(link.path)
    if found is None:
        return f"runs/{in_path(run.request_id)}", {}
    return f"runs/{found['segment']}", dict(parse_qsl(link.query))
