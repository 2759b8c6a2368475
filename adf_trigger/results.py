"""The results of a run as Data Factory reports them: its activities, and why some of them failed."""

from typing import Literal

from pydantic import Field, JsonValue

from adf_trigger.wire import Instant, Wire

FAILED_ACTIVITY = frozenset({"Failed", "TimedOut"})
"""Statuses of an activity run that has failed."""

ANOTHER_FAILED = "ActionFailed"
"""Error code of a container activity when an activity inside it has failed."""

Figures = dict[str, int | float | bool]
"""Numbers of an activity's output, under Data Factory's own names."""


class ActivityError(Wire):
    """Why an activity failed, in Data Factory's words.

    Attributes:
        activity_run_id: id of the attempt that failed.
        iteration_hash: distinguishes the rounds of a loop; user properties name them in the pipeline's own terms.
        retry_attempt: which retry it was; null for the first attempt.
        user_properties: the activity's user properties; null if details are withheld.
        cured: whether a retry has succeeded since, so that it is not why the run failed.
        child_run_id: the run of another pipeline that it has started; `children` has it if it was read.
    """

    activity_name: str
    activity_type: str = ""
    error_code: str = ""
    failure_type: str = ""
    message: str = ""
    activity_run_id: str | None = None
    iteration_hash: str | None = None
    retry_attempt: int | None = None
    user_properties: dict[str, JsonValue] | None = None
    cured: bool = False
    child_run_id: str | None = None


class ActivityResult(Wire):
    """The result of a run of an activity; each retry and each round of a loop is one of its own.

    Attributes:
        activity_run_id: its own id.
        status: as Data Factory reports it.
        retry_attempt: which retry it is; null for the first attempt.
        iteration_hash: distinguishes the rounds of a loop; null outside of loops.
        user_properties: as the pipeline sets them; null if details are withheld.
        figures: the key numbers of its output: bytes, rows, files, seconds, an HTTP status; null if details are
            withheld.
        error_code: set if it has failed; `errors` has the rest.
        child_run_id: the run of another pipeline that it has started.
    """

    activity_name: str
    activity_type: str = ""
    activity_run_id: str | None = None
    status: str
    started_at: Instant | None = None
    ended_at: Instant | None = None
    duration_ms: int | None = None
    retry_attempt: int | None = None
    iteration_hash: str | None = None
    user_properties: dict[str, JsonValue] | None = None
    figures: Figures | None = None
    error_code: str | None = None
    child_run_id: str | None = None


class ChildRun(Wire):
    """A run of another pipeline that a run has started.

    Attributes:
        pipeline: its name; empty if Data Factory does not say.
        activity_name: the activity that has started it.
        activity_run_id: the id of that activity's run.
        waited_for: whether that activity ends with it (`waitOnCompletion`); null if Data Factory does not say.
        status: as Data Factory reported it when the run that has started it ended; null if it was not read.
        errors: why its activities failed; null if they were not read.
        errors_left_out: how many more of its activities failed than are listed.
    """

    run_id: str
    pipeline: str = ""
    activity_name: str = ""
    activity_run_id: str | None = None
    waited_for: bool | None = None
    status: str | None = None
    errors: list[ActivityError] | None = None
    errors_left_out: int = 0


class Results(Wire):
    """The results of a run that has ended.

    Attributes:
        activities: the results of its activities, in the order in which they began; null if they were not read.
        activities_left_out: how many more there are: those that failed are kept first, then the last ones.
        errors_left_out: how many more activities failed than are listed.
        children: the runs that it has started, those that failed first.
        children_left_out: how many more there are.
        return_value: what the pipeline returns (`pipelineReturnValue`); null if it returns nothing, or if details are
            withheld.
        details: `withheld` if user properties, figures and the return value are left out, since the pipeline has
            secure parameters or may have some; null if activities were not read.
    """

    activities: list[ActivityResult] | None = None
    activities_left_out: int = 0
    errors_left_out: int = 0
    children: list[ChildRun] = Field(default_factory=list)
    children_left_out: int = 0
    return_value: JsonValue = None
    details: Literal["full", "withheld"] | None = None


class RouteDelivery(Wire):
    """The delivery of a run's event along a route.

    Attributes:
        status: `pending` is retried; `givenUp` is not.
        at: when it was delivered, given up, or last tried.
        attempts: how often it was tried.
        why: why it was not delivered, in a sentence.
    """

    route: str
    status: Literal["pending", "delivered", "givenUp"]
    at: Instant
    attempts: int = 0
    why: str | None = None


class RunInvoker(Wire):
    """Who or what has started a run, as Data Factory reports it.

    Attributes:
        type: `Manual` (the Studio, a script, any caller of createRun), `ScheduleTrigger` and the like, or
            `PipelineActivity`.
        name: the name of the trigger or activity.
        id: its id in Data Factory.
        pipeline_name: the activity's pipeline.
        pipeline_run_id: the run that the activity belongs to.
    """

    type: str
    name: str | None = None
    id: str | None = None
    pipeline_name: str | None = None
    pipeline_run_id: str | None = None
