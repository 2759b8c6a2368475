"""What calls that only read answer: lists of runs, their activities, pipelines."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from adf_trigger.contracts import JoinedRun, PlaceInLine, RunChoice, RunLinks, RunView, WaitsFor
from adf_trigger.orders import HoldView
from adf_trigger.wire import Instant, Wire


class RunSummary(Wire):
    """A run, or a rejected message, as a list shows it; its link leads to all that is known.

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
        runs: perhaps fewer than were asked for, or none, where few of many match.
        continuation: what the next page takes; None on the last one.
    """

    runs: list[RunSummary]
    continuation: str | None = None


PreviewOutcome = Literal["start", "repeat", "held", "wait", "refuse", "join"]


class RunPreview(Wire):
    """What would become of a request that was only asked about, as things are now.

    Attributes:
        outcome: `start`, a run would be started; `repeat`, the same request has come before, and is answered with
            its run; `held`, it would be taken, and not started while an operator holds it; `wait`, it would be taken,
            and started once fewer runs of its pipeline, or of its key, go on; `join`, it would join the run of another
            request that is the same; `refuse`, it would be refused, since as many runs go on as may at once.
        request_id: the idempotency key, where one was given.
        parameters: what was given, secure ones masked.
        run: the run of the earlier request.
        message: what it would wait for, or why it would be refused.
        hold: who holds it, why and until when, where `held`.
        in_line: how many would be before it, where it would stand in line.
        joined_to: the request and the run that it would join, where `join`.
        in_the_way: the runs for which it would be refused, where `refuse`.
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
        status: Data Factory's own word.
        retry_attempt: which retry it is; null where Data Factory does not say.
        iteration_hash: what tells the rounds of a loop apart.
        input: as Data Factory shows it; null where details are withheld.
        output: as Data Factory shows it; null where details are withheld.
        child_run_ids: the runs that it has started; of one that goes on, as far as that can be told.
        truncated: whether something of it was cut, in the middle, to its JSON text.
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
        run_id: whose they are: the run's, or the child run's that was asked for.
        details: `withheld` where inputs, outputs and user properties are left out, since the pipeline has secure
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
        default: its default value, cut to its JSON text in the middle where it is long; masked where it is secure; null
            where there is none, too.
        required: whether there is none.
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
        unread: factories whose pipelines are missing here.
        truncated: whether there are more than are listed.
    """

    pipelines: list[PipelineView]
    unread: list[UnreadFactory] = Field(default_factory=list)
    truncated: bool = False
