"""When a request may be taken up, and until when it may be started, to the very instant."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from adf_trigger.service.elapsed import Leases
from adf_trigger.service.start_times import LONGEST_WAIT, StartTimes
from tests.contracts.ledger_records import a_factory, a_full_record
from tests.support.world import MovingClock

DEADLINE = timedelta(hours=1)
A_MOMENT = timedelta(microseconds=1)
CLOCK = MovingClock()
NOW = CLOCK()
RECORD = replace(a_full_record(a_factory()), lease_until=None, not_before=None, resubmitted_at=None)


@pytest.fixture
def times() -> StartTimes:
    """A request has an hour to be started."""
    leases = Leases(CLOCK, CLOCK.seconds, lasts=timedelta(seconds=90))
    return StartTimes(CLOCK, leases, deadline=DEADLINE)


@pytest.mark.parametrize(
    ("requested", "resubmitted", "late"),
    [
        (NOW - DEADLINE, None, False),
        (NOW - DEADLINE - A_MOMENT, None, True),
        (NOW - DEADLINE - A_MOMENT, NOW - DEADLINE, False),
        (NOW - 3 * DEADLINE, NOW - DEADLINE - A_MOMENT, True),
    ],
)
def test_a_request_may_be_started_up_to_its_deadline(
    times: StartTimes, requested: datetime, resubmitted: datetime | None, *, late: bool
) -> None:
    """At its end it still may; one that somebody has sent again has as long once more."""
    record = replace(RECORD, requested_at=requested, resubmitted_at=resubmitted)
    assert times.is_too_late(record) is late


@pytest.mark.parametrize(
    ("not_before", "due"),
    [
        (None, True),
        (NOW, True),
        (NOW + A_MOMENT, False),
        (NOW + LONGEST_WAIT, False),
        (NOW + LONGEST_WAIT + A_MOMENT, True),
    ],
)
def test_a_request_is_due_once_its_wait_is_over(
    times: StartTimes, not_before: datetime | None, *, due: bool
) -> None:
    """A wait that is longer than any could be was written by a clock that is wrong."""
    assert times.is_due(replace(RECORD, not_before=not_before)) is due


def test_a_request_that_is_leased_is_not_due(times: StartTimes) -> None:
    """Another process has it to itself."""
    leased = replace(RECORD, lease_until=NOW + timedelta(seconds=1))
    assert (times.is_free(leased), times.is_due(leased)) == (False, False)
    assert (times.is_free(RECORD), times.is_due(RECORD)) == (True, True)
