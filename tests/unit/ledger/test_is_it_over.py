"""Whether a request is over has one answer for every caller."""

from dataclasses import replace

import pytest

from adf_trigger.contracts import RunStatus
from adf_trigger.ledger.records import RunState
from tests.contracts.ledger_records import a_factory, a_record


@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize(
    ("status", "dismissed", "over"),
    [
        (RunStatus.SUCCEEDED, False, True),
        (RunStatus.FAILED, False, True),
        (RunStatus.CANCELLED, False, True),
        (RunStatus.REJECTED, False, False),
        (RunStatus.UNKNOWN, False, False),
        (RunStatus.UNKNOWN, True, True),
    ],
)
def test_a_request_is_over_when_its_key_can_have_no_further_outcome(
    state: RunState, status: RunStatus, *, dismissed: bool, over: bool
) -> None:
    """A rejected one may come again; one of unknown fate waits for an operator; all others that have ended are over."""
    record = replace(a_record(a_factory()), state=state, status=status, dismissed=dismissed)
    ended = state in (RunState.ENDED, RunState.PUBLISHED)
    assert record.ended is ended
    assert record.over is (ended and over)
    assert record.rejected is (ended and status is RunStatus.REJECTED)
    assert record.undecided is (ended and status is RunStatus.UNKNOWN and not dismissed)
