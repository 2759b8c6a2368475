"""The results of a run: its activities' results and errors, and its return value, each bounded.

Sizes are characters of ASCII JSON, which is how records and events are written.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adf_trigger.datafactory.lenient import json_object
from adf_trigger.datafactory.models import ActivityRun, PipelineRun
from adf_trigger.messages.fitting import LONGEST_NAME, fitted_errors, fitted_results
from adf_trigger.messages.limits import bounded_json, shorten_middle
from adf_trigger.results import FAILED_ACTIVITY, ActivityError, ActivityResult
from adf_trigger.service.watching.figures import figures_of

SUCCEEDED = "Succeeded"
MOST_ERRORS = 10
MAX_MESSAGES_SIZE = 24_000
"""Maximum size of all error messages of a run: a loop of thousands may fail in every iteration."""

MAX_RESULTS_SIZE = 30_000
MAX_RETURN_VALUE_SIZE = 8_000
MAX_PROPERTIES_SIZE = 1_000
MOST_PROPERTIES = 10

_STARTS_A_RUN = "ExecutePipeline"
_SETS = "SetVariable"
_RETURN_VALUE = "pipelineReturnValue"
_FIRST = datetime.min.replace(tzinfo=UTC)


def in_order(activities: Iterable[ActivityRun]) -> list[ActivityRun]:
    """Activity runs in the order in which they began; those that never began come first."""
    return sorted(activities, key=lambda each: each.activity_run_start or _FIRST)


def results_of(activities: Sequence[ActivityRun], *, withheld: bool) -> tuple[list[ActivityResult], int]:
    """The results of activity runs that are stored, and how many are left out.

    Args:
        activities: in the order in which they began.
        withheld: whether figures and user properties are left out.
    """
    results = [_result_of(each, withheld=withheld) for each in activities]
    kept = fitted_results(results, MAX_RESULTS_SIZE)
    return kept, len(results) - len(kept)


def errors_of(activities: Sequence[ActivityRun], *, withheld: bool) -> list[ActivityError]:
    """The errors of failed activity runs.

    Args:
        activities: in the order in which they began.
        withheld: whether user properties are left out.
    """
    cured = cured_among(activities)
    return [
        ActivityError(
            activity_name=each.activity_name,
            activity_type=each.activity_type,
            error_code=each.error.error_code,
            failure_type=each.error.failure_type,
            message=each.error.message,
            activity_run_id=each.activity_run_id or None,
            iteration_hash=each.iteration_hash or None,
            retry_attempt=each.retry_attempt,
            user_properties=None if withheld else _properties_of(each),
            cured=number in cured,
            child_run_id=child_of(each),
        )
        for number, each in enumerate(activities)
        if each.status in FAILED_ACTIVITY
    ]


def cured_among(activities: Sequence[ActivityRun]) -> set[int]:
    """The indices of failed activity runs whose retry has succeeded.

    The attempts of one activity in one iteration follow one another, with rising numbers. Where that is not visible,
    none is considered cured.

    Args:
        activities: in the order in which they began.
    """
    attempts: dict[tuple[str, str], list[int]] = {}
    cured: set[int] = set()
    for number, each in enumerate(activities):
        key = (each.activity_name, each.iteration_hash or "")
        chain = attempts.get(key, [])
        chain = [*chain, number] if chain and _follows(activities[chain[-1]], each) else [number]
        attempts[key] = chain
        if each.status == SUCCEEDED:
            cured.update(chain[:-1])
    return cured


def _follows(earlier: ActivityRun, later: ActivityRun) -> bool:
    """Whether an activity run is the retry of another."""
    ended, began = earlier.activity_run_end, later.activity_run_start
    apart = ended is None or began is None or ended <= began
    return (
        apart
        and earlier.status in FAILED_ACTIVITY
        and (later.retry_attempt or 0) == (earlier.retry_attempt or 0) + 1
    )


def kept_errors(errors: Sequence[ActivityError]) -> tuple[list[ActivityError], int, bool]:
    """The errors that are stored, how many are left out, and whether a stored one is cut."""
    kept = fitted_errors(errors, most=MOST_ERRORS, size=MAX_MESSAGES_SIZE)
    return kept, len(errors) - len(kept), any(each not in errors for each in kept)


def return_value_of(run: PipelineRun, activities: Sequence[ActivityRun]) -> tuple[Any, bool]:
    """The return value of a pipeline, and whether it was cut; None where it has none.

    Runs carry it since 2024. For older runs, and where the list of runs lacks it, it is taken from the activities that
    set it.
    """
    returned = dict(json_object((run.model_extra or {}).get(_RETURN_VALUE)))
    if not returned:
        for each in activities:
            returned |= _returned_by(each)
    return bounded_json(returned, MAX_RETURN_VALUE_SIZE) if returned else (None, False)


def _returned_by(activity: ActivityRun) -> Mapping[str, Any]:
    output = json_object(activity.output)
    if activity.activity_type != _SETS or output.get("name") != _RETURN_VALUE or activity.status != SUCCEEDED:
        return {}
    return json_object(output.get("value"))


def starts_a_run(activity: ActivityRun) -> bool:
    """Whether an activity is of the type that starts a run of another pipeline."""
    return activity.activity_type == _STARTS_A_RUN


def child_of(activity: ActivityRun) -> str | None:
    """The run of another pipeline that an activity has started, according to its output."""
    if not starts_a_run(activity):
        return None
    child = json_object(activity.output).get("pipelineRunId")
    return shorten_middle(child, LONGEST_NAME) if isinstance(child, str) and child else None


def _result_of(activity: ActivityRun, *, withheld: bool) -> ActivityResult:
    return ActivityResult(
        activity_name=shorten_middle(activity.activity_name, LONGEST_NAME),
        activity_type=shorten_middle(activity.activity_type, LONGEST_NAME),
        activity_run_id=_short(activity.activity_run_id),
        status=shorten_middle(activity.status, LONGEST_NAME),
        started_at=activity.activity_run_start,
        ended_at=activity.activity_run_end,
        duration_ms=activity.duration_in_ms,
        retry_attempt=activity.retry_attempt,
        iteration_hash=_short(activity.iteration_hash),
        user_properties=None if withheld else _properties_of(activity),
        figures=None if withheld else figures_of(activity),
        error_code=_short(activity.error.error_code) if activity.status in FAILED_ACTIVITY else None,
        child_run_id=child_of(activity),
    )


def _short(text: str | None) -> str | None:
    return shorten_middle(text, LONGEST_NAME) if text else None


def _properties_of(activity: ActivityRun) -> dict[str, Any]:
    """The user properties of an activity: Data Factory accepts up to five, and strings only."""
    whole, cut = bounded_json(activity.user_properties, MAX_PROPERTIES_SIZE)
    if not cut:
        return json_object(whole)
    size = MAX_PROPERTIES_SIZE // MOST_PROPERTIES // 2
    first = [*activity.user_properties.items()][:MOST_PROPERTIES]
    return {bounded_json(name, size)[0]: bounded_json(value, size)[0] for name, value in first}
