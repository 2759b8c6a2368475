"""The answers of calls that only read: lists of runs, their activities, pipelines."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from adf_trigger.contracts import JoinedRun, PlaceInLine, RunChoice, RunLinks, RunView, WaitsFor
from adf_trigger.orders import HoldView
from adf_trigger.wire import Instant, Wire


class RunSummary(Wire):
    """A run, or a rejected message, as a list shows it; its link leads to the full view.

    Attributes:
        message_id: see RunView.
        ended: see RunView.
        reason: see RunView.
        source: see RunView; null for runs of earlier versions, and messages.
        waits_for: see RunView.
    """

    request_id: str
    message_id: str | None = None
    run_id: UUID | None = None
    factory: str
    pipeline: str
    status: str
    ended: bool
    reason: str | None = None
    correlation_id: str | None = None
    requested_by: str | None = None
    requested_at: Instant
    started_at: Instant | None = None
    ended_at: Instant | None = None
    duration_ms: int | None = None
    source: str | None = None
    rerun_of: UUID | None = None
    waits_for: WaitsFor | None = None
    links: RunLinks


class RunList(Wire):
    """A page of a list of runs, newest first.

    Attributes:
        runs: may be fewer than were asked for, or none, if few of many match.
        continuation: the token of the next page; null on the last one.
    """

    runs: list[RunSummary]
    continuation: str | None = None


PreviewOutcome = Literal["start", "repeat", "held", "wait", "refuse", "join"]


class RunPreview(Wire):
    """What the service would do with a request now; nothing was started.

    Attributes:
        outcome: `start`, a run would be started; `repeat`, the same request was made before, and is answered with
            its run; `held`, it would be accepted, and not started while an operator holds it; `wait`, it would be
            accepted, and started once other runs of its pipeline, or of its key, have ended; `join`, it would join the
            run of another request that is the same; `refuse`, it would be refused, since the limit of concurrent runs
            is reached.
        request_id: the idempotency key, if one was given.
        parameters: the given parameters, secure ones masked.
        run: the run of the earlier request.
        message: what it would wait for, or why it would be refused.
        hold: who holds it, why and until when, if `held`.
        in_line: how many would be before it, if it would wait in line.
        joined_to: the request and the run that it would join, if `join`.
        in_the_way: the runs because of which it would be refused, if `refuse`.
    """

    outcome: PreviewOutcome
    request_id: str | None = None
    factory: str
    pipeline: str
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    run: RunView | None = None
    message: str | None = None
    hold: HoldView | None = None
    in_line: PlaceInLine | None = None
    joined_to: JoinedRun | None = None
    in_the_way: list[RunChoice] = Field(default_factory=list)


class ActivityFailure(Wire):
    """Why an activity run failed, in Data Factory's words."""

    error_code: str
    failure_type: str = ""
    message: str = ""
    target: str = ""


class ActivityView(Wire):
    """A run of an activity; each retry and each round of a loop is one of its own.

    Attributes:
        status: as Data Factory reports it.
        retry_attempt: which retry it is; null if Data Factory does not say.
        iteration_hash: distinguishes the rounds of a loop.
        input: as Data Factory reports it; null if details are withheld.
        output: as Data Factory reports it; null if details are withheld.
        child_run_ids: the runs that it has started; while it is running, those known so far.
        truncated: whether a value was replaced by its JSON text, cut in the middle.
    """

    activity_name: str
    activity_type: str
    activity_run_id: str
    status: str
    started_at: Instant | None = None
    ended_at: Instant | None = None
    duration_ms: int | None = None
    retry_attempt: int | None = None
    iteration_hash: str | None = None
    user_properties: Any = None
    input: Any = None
    output: Any = None
    error: ActivityFailure | None = None
    child_run_ids: list[str] = Field(default_factory=list)
    truncated: bool = False


class RunActivities(Wire):
    """The activity runs of a run, in the order in which they began.

    Attributes:
        run_id: the run that they belong to, or the child run that was asked for.
        details: `withheld` if inputs, outputs and user properties are left out, since the pipeline has secure
            parameters or may have some.
        truncated: whether there are more.
    """

    request_id: str
    run_id: UUID | None = None
    activities: list[ActivityView]
    details: Literal["full", "withheld"]
    truncated: bool = False


class DeclaredParameter(Wire):
    """A parameter that a pipeline declares.

    Attributes:
        type: as the pipeline writes it, such as String, Int, Float, Bool, Array, Object, SecureString.
        default: its default value; a long one is its JSON text, cut in the middle; a secure one is masked; null also if
            there is none.
        required: whether it has no default value.
    """

    type: str
    default: JsonValue = None
    secure: bool
    required: bool


class PipelineView(Wire):
    """A pipeline that can be started."""

    factory: str
    name: str
    description: str | None = None
    parameters: dict[str, DeclaredParameter] = Field(default_factory=dict)


class UnreadFactory(Wire):
    """A factory whose pipelines could not be read, and why."""

    factory: str
    reason: str


class PipelineList(Wire):
    """Pipelines by factory and name.

    Attributes:
        unread: factories whose pipelines could not be listed.
        truncated: whether there are more than are listed.
    """

    pipelines: list[PipelineView]
    unread: list[UnreadFactory] = Field(default_factory=list)
    truncated: bool = False
