"""The HTTP contracts: run requests in; run views and problems out. The messages of the queues are in news.py.

Wire names are camelCase, Python names snake_case. Unknown fields of a request are faults, so that a typo
fails early and is not ignored.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, JsonValue, StrictBool, WithJsonSchema

from adf_trigger.plain_text import LINE_PATTERN, NO_CONTROLS, NOT_BLANK, has_controls, is_blank
from adf_trigger.request_ids import MAX_REQUEST_ID, REQUEST_ID_FORM, is_request_id
from adf_trigger.results import ActivityError, ActivityResult, ChildRun, RouteDelivery, RunInvoker
from adf_trigger.wire import Instant, Wire

PIPELINE_NAME_PATTERN = r"^[A-Za-z0-9_][^<>*#.%&:\\+?/]*$"
"""Names of pipelines; from the service's OpenAPI description (api-version 2018-06-01)."""

MAX_PIPELINE_NAME = 260
MAX_METADATA_ENTRIES = 20
MAX_CORRELATION_ID = 256
MAX_NOTE = 1_024
MAX_ACTIVITY_NAME = 55
MAX_OVERDUE_SECONDS = 45 * 86_400
MAX_CALL_BACK_URI = 8_192


def _request_id(value: str) -> str:
    if not is_request_id(value):
        raise ValueError(REQUEST_ID_FORM)
    return value


RequestId = Annotated[
    str,
    AfterValidator(_request_id),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_REQUEST_ID}),
]
"""An idempotency key."""


def _line(value: str) -> str:
    if is_blank(value):
        raise ValueError(NOT_BLANK)
    if has_controls(value):
        raise ValueError(NO_CONTROLS)
    return value


ONE_LINE = AfterValidator(_line)
"""A text for people: not blank, and free of characters that would disguise it as another text."""
_FORM: dict[str, JsonValue] = {"pattern": LINE_PATTERN}

CorrelationId = Annotated[
    str, Field(min_length=1, max_length=MAX_CORRELATION_ID, json_schema_extra=_FORM), ONE_LINE
]
ActivityName = Annotated[
    str, Field(min_length=1, max_length=MAX_ACTIVITY_NAME, json_schema_extra=_FORM), ONE_LINE
]
LabelName = Annotated[str, Field(min_length=1, max_length=64, json_schema_extra=_FORM), ONE_LINE]
Label = Annotated[str, Field(min_length=1, max_length=256, json_schema_extra=_FORM), ONE_LINE]
Note = Annotated[str, Field(min_length=1, max_length=MAX_NOTE, json_schema_extra=_FORM), ONE_LINE]
"""The reason for an action, in the words of who takes it."""


class Source(StrEnum):
    """How a request arrived."""

    HTTP = "http"
    QUEUE = "queue"
    FACTORY = "factory"
    """Not through this service: it was started in Data Factory itself; its end is published if the policy says so."""


class RunStatus(StrEnum):
    """Status of a run: Data Factory's own words, and three of ours."""

    ACCEPTED = "Accepted"
    """Ours: accepted, not yet confirmed by Data Factory."""
    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    CANCELING = "Canceling"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"
    """Ours: Data Factory refused it for good; no run was started."""
    UNKNOWN = "Unknown"
    """Ours: its outcome cannot be determined; a person decides."""


ENDED_IN_DATA_FACTORY = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED})
"""Data Factory's final statuses. Any other status of its, known to us or not, means that the run has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """The four rerun parameters of createRun, which travel together.

    Attributes:
        reference_pipeline_run_id: rerun this run, with its parameters.
        is_recovery: group the new run with the one it reruns.
        start_activity_name: rerun from this activity on; takes precedence over start_from_failure.
        start_from_failure: rerun from the failed activities on.
    """

    reference_pipeline_run_id: UUID | None = None
    is_recovery: bool | None = None
    start_activity_name: str | None = None
    start_from_failure: bool | None = None


NO_RERUN = Rerun()


class RunRequest(Wire):
    """The body of a request to start a run; every field is optional.

    Attributes:
        parameters: name → value, as Data Factory's createRun takes them.
        factory: alias of a configured factory; optional if only one is configured.
        correlation_id: the caller's own id, carried through to the event.
        metadata: small labels carried through to the event (at most 20).
        reference_pipeline_run_id: rerun this run; with it Data Factory takes that run's parameters.
        is_recovery: group the new run with the one it reruns.
        start_activity_name: rerun from this activity on.
        start_from_failure: rerun from the failed activities on.
        overdue_after_seconds: publish one event if the run has not ended this long after it was started; takes
            precedence over the pipeline's policy.
        cancel_when_overdue: whether to cancel it then, too.
        call_back_uri: where to POST the end, as Data Factory's WebHook activity adds it to the body that it sends.
            Anyone who knows it can answer in our place, so it is never shown.
    """

    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    factory: str | None = Field(default=None, min_length=1, max_length=64)
    correlation_id: CorrelationId | None = None
    metadata: dict[LabelName, Label] = Field(default_factory=dict, max_length=MAX_METADATA_ENTRIES)
    reference_pipeline_run_id: UUID | None = None
    is_recovery: bool | None = None
    start_activity_name: ActivityName | None = None
    start_from_failure: bool | None = None
    overdue_after_seconds: int | None = Field(default=None, ge=1, le=MAX_OVERDUE_SECONDS)
    cancel_when_overdue: StrictBool | None = None
    call_back_uri: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_CALL_BACK_URI,
        repr=False,
        json_schema_extra={"format": "uri", "writeOnly": True},
    )

    @property
    def rerun(self) -> Rerun:
        """Its four rerun fields."""
        return Rerun(
            reference_pipeline_run_id=self.reference_pipeline_run_id,
            is_recovery=self.is_recovery,
            start_activity_name=self.start_activity_name,
            start_from_failure=self.start_from_failure,
        )


class QueuedRunRequest(RunRequest):
    """A message of the requests queue: the body of a request, and what the URL and headers carry over HTTP.

    Attributes:
        traceparent: the trace that it is part of (W3C Trace Context), carried through to the event; an invalid one is
            ignored. In a CloudEvent it is the event's own attribute.
    """

    pipeline: str = Field(pattern=PIPELINE_NAME_PATTERN, max_length=MAX_PIPELINE_NAME)
    request_id: RequestId | None = None
    traceparent: str | None = None


class HistoryEntry(Wire):
    """An action of a person, or of a program on its own account, on a run after it was requested.

    Attributes:
        by: who took it, if known.
        action: `cancel`, `rerun`, and the like.
        note: the reason, in their own words, or the result.
    """

    at: Instant
    by: str | None = None
    action: str
    note: str | None = None


class RunLinks(Wire):
    """Links of a run. Paths are relative to the service's root; studio is absolute.

    `cancel`, `rerun`, `resolve` and `replay` take a POST, and are present if the run allows the operation.
    """

    self: str
    result: str | None = None
    cancel: str | None = None
    rerun: str | None = None
    resolve: str | None = None
    replay: str | None = None
    activities: str | None = None
    studio: str | None = None


class JoinedRun(Wire):
    """The run that another request has joined, since it asked for the same while that run was under way.

    Attributes:
        request_id: the request that the run was started for.
        run_id: the run; null until it is known.
    """

    request_id: str
    run_id: UUID | None = None


WaitsFor = Literal["hold", "line", "joined", "pipeline", "caller"]
"""Why an accepted request is not started yet, where the cause is its own."""


class PlaceInLine(Wire):
    """The position of a request that waits for other runs of its pipeline, or of its key, to end.

    Attributes:
        before: how many others are started before it, as of the last few seconds; 0 if it is the next one.
        exact: whether they were counted. If not, this many got a number before it, and some may have stopped waiting.
    """

    before: int
    exact: bool


class RunView(Wire):
    """A run as callers see it.

    Attributes:
        message_id: id of a message that was rejected before it became a run; its link uses it.
        ended: whether the status is final.
        reason: one line: why it has failed (`CopyOrders: UserErrorSourceBlobNotExist`) or was rejected, what an
            accepted run waits for, or why its outcome is not known. `message` and `errors` have the whole text.
        activities: see Results; null before the end, too.
        activities_left_out: see Results.
        errors_left_out: see Results.
        children: see Results.
        children_left_out: see Results.
        return_value: see Results.
        details: see Results.
        overdue_since: since when it is overdue, once that was published.
        routes: the routes that its end was published to, and whether each delivery succeeded; empty in events.
        source: how it arrived: `http`, `queue`, or `factory` if it was started in Data Factory itself.
        invoked_by: who started it there.
        rerun_of: runId of the run that it reruns; of a rerun made in Data Factory itself, the first run of its group.
        group_id: runId of the first of the runs that rerun one another, as Data Factory groups them.
        attempt: its number among them, which grows with each rerun.
        history: the actions on it, oldest first.
        admission_key: JSON text of the key that the pipeline's admission policy counts it under; a long one ends with
            its SHA-256.
        joined_to: the run that it has joined, and ends with; it has no run of its own, so its `run_id` is null.
        in_line: its position in the line; null if it does not wait in line, or the position is not known.
        waits_for: why it is not started: `hold`, an operator holds it; `line`, other runs have to end first; `joined`,
            it ends with the run of another request; `pipeline`, Data Factory queues no more runs of it; `caller`, its
            secure parameters are not stored. Null if it is none of these; `reason` says it in words.
    """

    request_id: str
    message_id: str | None = None
    run_id: UUID | None = None
    factory: str
    pipeline: str
    status: str
    ended: bool
    reason: str | None = None
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    correlation_id: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    requested_by: str | None = None
    requested_at: Instant
    submitted_at: Instant | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    overdue_since: Instant | None = None
    duration_ms: int | None = None
    message: str | None = None
    errors: list[ActivityError] | None = Field(default_factory=list)
    errors_left_out: int = 0
    activities: list[ActivityResult] | None = None
    activities_left_out: int = 0
    children: list[ChildRun] = Field(default_factory=list)
    children_left_out: int = 0
    return_value: JsonValue = None
    details: Literal["full", "withheld"] | None = None
    source: str | None = None
    invoked_by: RunInvoker | None = None
    rerun_of: UUID | None = None
    group_id: UUID | None = None
    attempt: int = 1
    admission_key: str | None = None
    joined_to: JoinedRun | None = None
    in_line: PlaceInLine | None = None
    waits_for: WaitsFor | None = None
    history: list[HistoryEntry] = Field(default_factory=list)
    routes: list[RouteDelivery] = Field(default_factory=list)
    links: RunLinks


class RunChoice(Wire):
    """One of several runs: that an id matches, or that occupy the places another run waits for.

    Attributes:
        factory: its alias; the resource id if its record is not kept under the alias's own.
        link: path of this run alone.
    """

    request_id: str
    run_id: UUID | None = None
    factory: str
    pipeline: str
    status: str
    requested_at: Instant
    link: str


class RunCandidate(Wire):
    """A run that a call without an answer may have started.

    Attributes:
        started_at: null while it is queued.
        parameters: its parameters, secure ones masked, long ones cut.
    """

    run_id: UUID
    status: str
    started_at: Instant | None = None
    updated_at: Instant | None = None
    parameters: dict[str, JsonValue] = Field(default_factory=dict)


class ProblemFault(Wire):
    """One fault of a problem: its location (JSON pointer, header or query parameter) and a sentence."""

    pointer: str
    message: str


class Problem(Wire):
    """An RFC 9457 problem.

    Attributes:
        choices: the runs that an ambiguous id matches.
        candidates: the runs that a request without an answer may have started.
        run: the run that has failed.
        in_the_way: the runs that occupy all places of the pipeline's limit.
    """

    type: str
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    errors: list[ProblemFault] = Field(default_factory=list)
    choices: list[RunChoice] | None = None
    candidates: list[RunCandidate] | None = None
    run: RunView | None = None
    in_the_way: list[RunChoice] | None = None


def as_dict(model: BaseModel) -> dict[str, Any]:
    """The JSON object of a model, absent values left out."""
    return model.model_dump(mode="json", exclude_none=True)
