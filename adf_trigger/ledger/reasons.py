"""Why a run is where it is, in one line: what a list, a terminal or an alert has room for."""

import re

from adf_trigger.contracts import RunStatus
from adf_trigger.ledger.records import RunRecord
from adf_trigger.messages.limits import LONGEST_LINE, one_line
from adf_trigger.results import ANOTHER_FAILED, ActivityError

_LONGEST_NAME = 100
_BEING_SENT = "it is being sent to Data Factory"
_TO_BE_CANCELLED = "it is to be cancelled"
_CODE = re.compile(r"\bErrorCode=([A-Za-z][A-Za-z0-9_.]{0,99})\b")
"""The code of a copy's error stands in its message, its errorCode being 2200 whatever went wrong.

Source: docs data-factory-troubleshoot-guide, and copy logs.
"""


def reason_of(record: RunRecord) -> str | None:
    """Why a run has failed, was refused or waits; None where there is nothing to say.

    A failed run's is `activity: code`, of the activity that failed first but for those that only hold one that did.
    """
    if record.status == RunStatus.SUCCEEDED:
        return None
    if record.errors:
        cause = next((each for each in record.errors if each.error_code != ANOTHER_FAILED), record.errors[0])
        others = len(record.errors) - 1
        return one_line(f"{_cause(cause)}{f' (and {others} more)' if others else ''}")
    if (asked := record.cancellation) is not None and asked.due_at is not None and record.ended_at is None:
        return one_line("; ".join(each for each in (_TO_BE_CANCELLED, asked.waits, record.message) if each))
    if record.message:
        return one_line(record.message)
    return _BEING_SENT if record.status == RunStatus.ACCEPTED else None


def _cause(error: ActivityError) -> str:
    name = one_line(error.activity_name, _LONGEST_NAME)
    code = _CODE.search(error.message)
    if code:
        return f"{name}: {code[1]}"
    words = one_line(f"{error.error_code} {error.message}", LONGEST_LINE // 2)
    return f"{name}: {words}" if words else name
