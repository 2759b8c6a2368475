"""The reason of a run's state in one line, for a list, a terminal or an alert."""

import re
from collections.abc import Sequence

from adf_trigger.contracts import ENDED_IN_DATA_FACTORY, RunStatus
from adf_trigger.ledger.records import RunRecord
from adf_trigger.messages.limits import LONGEST_LINE, one_line
from adf_trigger.results import ANOTHER_FAILED, ActivityError, ChildRun

_LONGEST_NAME = 100
_BEING_SENT = "it is being sent to Data Factory"
_TO_BE_CANCELLED = "it is to be cancelled"
_CODE = re.compile(r"\bErrorCode=([A-Za-z][A-Za-z0-9_.]{0,99})\b")
"""The code of a Copy activity's error, which is in the message: its errorCode is always 2200.

Source: docs data-factory-troubleshoot-guide, and copy logs.
"""


def reason_of(record: RunRecord) -> str | None:
    """Why a run has failed, was refused or waits; None if there is no reason.

    The reason of a failed run is `activity: code` of the activity that failed first, except for containers of failed
    activities and activities whose retry succeeded. If it failed with a child run, that run's cause is named.
    """
    if record.status == RunStatus.SUCCEEDED:
        return None
    standing = [each for each in record.errors or () if not each.cured]
    children = [] if record.results is None else record.results.children
    if standing:
        cause = _first_cause(standing)
        others = len(standing) - 1 + (0 if record.results is None else record.results.errors_left_out)
        more = f" (and {others} more)" if others else ""
        return one_line(f"{_to_the_bottom(cause, children)}{more}")
    if record.ended_at is not None and (going_on := _going_on(children)):
        return one_line("; ".join(each for each in (record.message, going_on) if each))
    if (asked := record.cancellation) is not None and asked.due_at is not None and record.ended_at is None:
        return one_line("; ".join(each for each in (_TO_BE_CANCELLED, asked.waits, record.message) if each))
    if record.message:
        return one_line(record.message)
    return _BEING_SENT if record.status == RunStatus.ACCEPTED else None


def _first_cause(errors: Sequence[ActivityError]) -> ActivityError:
    return next((each for each in errors if each.error_code != ANOTHER_FAILED), errors[0])


def _to_the_bottom(cause: ActivityError, children: Sequence[ChildRun]) -> str:
    """Follow a cause into the child run that it started, if that was read."""
    started = next((each for each in children if each.run_id == cause.child_run_id), None)
    below = [each for each in (started and started.errors) or () if not each.cured]
    if not below:
        return _cause(cause)
    return f"{one_line(cause.activity_name, _LONGEST_NAME)}: {_cause(_first_cause(below))}"


def _going_on(children: Sequence[ChildRun]) -> str:
    """The child runs of a cancelled run that have not ended."""
    unended = [each for each in children if each.status and each.status not in ENDED_IN_DATA_FACTORY]
    if not unended:
        return ""
    first = unended[0]
    more = f", and {len(unended) - 1} more" if len(unended) > 1 else ""
    name = one_line(first.pipeline, _LONGEST_NAME)
    return f"a run that it has started is still active: {name} {first.run_id} is {first.status}{more}"


def _cause(error: ActivityError) -> str:
    name = one_line(error.activity_name, _LONGEST_NAME)
    code = _CODE.search(error.message)
    if code:
        return f"{name}: {code[1]}"
    words = one_line(f"{error.error_code} {error.message}", LONGEST_LINE // 2)
    return f"{name}: {words}" if words else name
