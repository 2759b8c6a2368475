"""The parameters of the HTTP API, by the keys that OPERATIONS uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adf_trigger.contracts import MAX_CORRELATION_ID, MAX_PIPELINE_NAME, PIPELINE_NAME_PATTERN, RunStatus
from adf_trigger.functions.prefer import MOST_SECONDS
from adf_trigger.functions.query_parameters import MAX_RUNS, USUAL_RUNS
from adf_trigger.request_ids import MAX_REQUEST_ID

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of one or more calls."""

    name: str
    where: Literal["path", "query", "header"]
    schema: Schema
    description: str


_TEXT: Schema = {"type": "string", "minLength": 1}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_STATUS: Schema = {"type": "string", "enum": [str(status) for status in RunStatus]}

PARAMETERS: Mapping[str, Parameter] = {
    "id": Parameter(
        "id",
        "path",
        _TEXT,
        "A requestId, a runId, or a rejected message's id. In the encoding that every host reads alike, each byte "
        "except `A-Z a-z 0-9 _ -` is `~XX`; any other text is taken literally.",
    ),
    "alias": Parameter(
        "alias",
        "path",
        {"type": "string", "minLength": 1, "maxLength": 64},
        "Alias of a configured factory, encoded like an id; `default` if the settings give none.",
    ),
    "origin": Parameter(
        "WebHook-Request-Origin",
        "header",
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "The origin that wants to send events.",
    ),
    "pipeline": Parameter(
        "pipeline",
        "path",
        {"type": "string", "pattern": PIPELINE_NAME_PATTERN, "maxLength": MAX_PIPELINE_NAME},
        "Name of a pipeline.",
    ),
    "factory": Parameter(
        "factory",
        "query",
        _TEXT,
        "Alias of a configured factory, or the resource id of one whose runs are stored.",
    ),
    "by": Parameter(
        "by",
        "query",
        {"type": "string", "enum": ["requestId", "runId", "messageId"]},
        "Which kind of id is given, for an id that matches several runs.",
    ),
    "child": Parameter(
        "child",
        "query",
        {"type": "string", "format": "uuid"},
        "runId of a run that it has started, directly or through others, whose activities are wanted instead: one of "
        "an activity's `childRunIds`.",
    ),
    "validateOnly": Parameter(
        "validateOnly", "query", {"type": "string", "enum": ["true", "false"]}, "Check it, and start nothing."
    ),
    "onFailure": Parameter(
        "onFailure",
        "query",
        {"type": "string", "enum": ["error"]},
        "Answer with 424 if the run has ended and did not succeed.",
    ),
    "key": Parameter(
        "Idempotency-Key",
        "header",
        {"type": "string", "minLength": 1, "maxLength": 2 * MAX_REQUEST_ID + 2},
        f"Names the request: 1 to {MAX_REQUEST_ID} characters, bare or as a quoted string, non-ASCII ones in UTF-8. "
        "The same key with the same request is the same run.",
    ),
    "traceparent": Parameter(
        "traceparent",
        "header",
        {"type": "string"},
        "The trace that the call is part of (W3C Trace Context), carried through to the event; ignored if invalid.",
    ),
    "prefer": Parameter(
        "Prefer",
        "header",
        {"type": "string"},
        f"`wait=N` (RFC 7240): answer once the run has ended, or after N seconds, at most {MOST_SECONDS}.",
    ),
    "status": Parameter("status", "query", _STATUS, "Only runs of this status."),
    "onlyPipeline": Parameter("pipeline", "query", _TEXT, "Only runs of this pipeline."),
    "since": Parameter("since", "query", _INSTANT, "Only runs requested at that instant or later."),
    "until": Parameter("until", "query", _INSTANT, "Only runs requested before that instant."),
    "correlationId": Parameter(
        "correlationId",
        "query",
        {"type": "string", "minLength": 1, "maxLength": MAX_CORRELATION_ID},
        "Only runs with this correlationId.",
    ),
    "limit": Parameter(
        "limit",
        "query",
        {"type": "integer", "minimum": 1, "maximum": MAX_RUNS, "default": USUAL_RUNS},
        "Maximum runs on a page.",
    ),
    "continuation": Parameter("continuation", "query", _TEXT, "The `continuation` of the page before."),
}
