"""The parameters that calls of the HTTP API may have, by the name that OPERATIONS gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adf_trigger.contracts import MAX_CORRELATION_ID, MAX_PIPELINE_NAME, PIPELINE_NAME_PATTERN, RunStatus
from adf_trigger.functions.asked import MAX_RUNS, USUAL_RUNS
from adf_trigger.functions.prefer import MOST_SECONDS
from adf_trigger.request_ids import MAX_REQUEST_ID

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that several calls may have."""

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
        "A requestId, a runId, or a rejected message's id. Written so that every host reads it alike, each byte but "
        "`A-Z a-z 0-9 _ -` is `~XX`; else it is taken as it is.",
    ),
    "alias": Parameter(
        "alias",
        "path",
        {"type": "string", "minLength": 1, "maxLength": 64},
        "Alias of a configured factory, written as an id is; `default` where the settings give none.",
    ),
    "origin": Parameter(
        "WebHook-Request-Origin",
        "header",
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "Who wants to send events.",
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
        "Alias of a configured factory, or the resource id of one that runs are kept of.",
    ),
    "by": Parameter(
        "by",
        "query",
        {"type": "string", "enum": ["requestId", "runId", "messageId"]},
        "Which id is given, where it may be another's, too.",
    ),
    "child": Parameter(
        "child",
        "query",
        {"type": "string", "format": "uuid"},
        "Of a run that it has started, directly or through others, by its runId: one of an activity's `childRunIds`.",
    ),
    "validateOnly": Parameter(
        "validateOnly", "query", {"type": "string", "enum": ["true", "false"]}, "Check it, and start nothing."
    ),
    "onFailure": Parameter(
        "onFailure",
        "query",
        {"type": "string", "enum": ["error"]},
        "Answer with 424 where the run has ended and did not succeed.",
    ),
    "key": Parameter(
        "Idempotency-Key",
        "header",
        {"type": "string", "minLength": 1, "maxLength": 2 * MAX_REQUEST_ID + 2},
        f"Names the request: 1 to {MAX_REQUEST_ID} characters, bare or as a quoted string. The same key with the same "
        "request is the same run; in UTF-8 where it is not ASCII.",
    ),
    "traceparent": Parameter(
        "traceparent",
        "header",
        {"type": "string"},
        "The trace that the call is part of (W3C Trace Context), carried on to the event; what is none is passed over.",
    ),
    "prefer": Parameter(
        "Prefer",
        "header",
        {"type": "string"},
        f"`wait=N` (RFC 7240): answer once the run has ended, or after so many seconds, at most {MOST_SECONDS}.",
    ),
    "status": Parameter("status", "query", _STATUS, "Only runs of this status."),
    "onlyPipeline": Parameter("pipeline", "query", _TEXT, "Only runs of this pipeline."),
    "since": Parameter("since", "query", _INSTANT, "Only what was requested at that instant or later."),
    "until": Parameter("until", "query", _INSTANT, "Only what was requested before that instant."),
    "correlationId": Parameter(
        "correlationId",
        "query",
        {"type": "string", "minLength": 1, "maxLength": MAX_CORRELATION_ID},
        "Only runs with this id of their caller's.",
    ),
    "limit": Parameter(
        "limit",
        "query",
        {"type": "integer", "minimum": 1, "maximum": MAX_RUNS, "default": USUAL_RUNS},
        "Runs on a page at most.",
    ),
    "continuation": Parameter("continuation", "query", _TEXT, "Where an earlier page ended, as it said."),
}
