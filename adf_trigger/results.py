"""What a run has come to, in Data Factory's words: the results of its activities, and why some of them failed."""

from typing import Literal

from pydantic import Field, JsonValue

from adf_trigger.wire import Instant, Wire

FAILED_ACTIVITY = frozenset({"Failed", "TimedOut"})
"""The words of an activity run that has failed."""

ANOTHER_FAILED = "ActionFailed"
"""What an activity that holds others says when one of them has failed."""

Figures = dict[str, int | float | bool]
"""Numbers of an activity's output, under Data Factory's own names."""


class ActivityError(Wire):
    """Why an activity failed, in Data Factory's words.

    Attributes:
        activity_run_id: of the attempt that failed.
        iteration_hash: what tells the rounds of a loop apart; user properties say it in the pipeline's own words.
        retry_attempt: which retry it was; null for the first attempt.
        user_properties: of the activity; null where details are withheld.
        cured: whether a retry has succeeded since, so that it is not why the run failed.
        child_run_id: the run of another pipeline that it has started; `children` has it where it was looked into.
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
    """What a run of an activity has come to; each retry and each round of a loop is one of its own.

    Attributes:
        activity_run_id: its own id.
        status: Data Factory's own word.
        retry_attempt: which retry it is; null for the first attempt.
        iteration_hash: what tells the rounds of a loop apart; null outside of loops.
        user_properties: as the pipeline sets them; null where details are withheld.
        figures: the numbers that matter of its output: bytes, rows, files, seconds, an HTTP status; null where details
            are withheld.
        error_code: where it has failed; `errors` has the rest.
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
        pipeline: its name; empty where Data Factory does not say.
        activity_name: the activity that has started it.
        activity_run_id: its own id.
        waited_for: whether that activity ends with it (`waitOnCompletion`); null where Data Factory does not say.
        status: Data Factory's own word, when the run that has started it ended; null where it was not read.
        errors: why its activities failed; null where they were not read.
        errors_left_out: how many more of its activities failed than are told.
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
    """What a run that has ended has come to.

    Attributes:
        activities: the results of its activities, in the order in which they began; null where they were not read.
        activities_left_out: how many more there are: those that failed are kept first, then the last ones.
        errors_left_out: how many more activities failed than are told.
        children: the runs that it has started, those that failed first.
        children_left_out: how many more there are.
        return_value: what the pipeline returns (`pipelineReturnValue`); null where it returns nothing, and where
            details are withheld.
        details: `withheld` where user properties, figures and the return value are left out, since the pipeline has
            secure parameters or may have some; null where activities were not read.
    """

    activities: list[ActivityResult] | None = None
    activities_left_out: int = 0
    errors_left_out: int = 0
    children: list[ChildRun] = Field(default_factory=list)
    children_left_out: int = 0
    return_value: JsonValue = None
    details: Literal["full", "withheld"] | None = None


class RouteDelivery(Wire):
    """What has become of the news of a run along a route.

    Attributes:
        status: `pending` is tried again; `givenUp` is not.
        at: when it was delivered, given up, or last tried.
        attempts: how often it was tried.
        why: why not, in a sentence.
    """

    route: str
    status: Literal["pending", "delivered", "givenUp"]
    at: Instant
    attempts: int = 0
    why: str | None = None


class RunInvoker(Wire):
    """Who or what has started a run, as Data Factory tells it.

    Attributes:
        type: Data Factory's own word: `Manual` (the Studio, a script, any caller of createRun), `ScheduleTrigger`
            and its like, `PipelineActivity`.
        name: of the trigger, or of the activity.
        id: Data Factory's own.
        pipeline_name: of an activity, its pipeline.
        pipeline_run_id: of an activity, the run that it is of.
    """

    type: str
    name: str | None = None
    id: str | None = None
    pipeline_name: str | None = None
    pipeline_run_id: str | None = None
