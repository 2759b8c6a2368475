"""From when and until when a request may be started, to the very instant."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from adf_trigger.ledger.records import Held
from adf_trigger.service.admission.start_times import LONGEST_WAIT, StartTimes
from adf_trigger.service.elapsed import Leases
from adf_trigger.service.holds.hold import NONE, Hold, Holds, Scope
from tests.contracts.ledger_records import a_factory, a_full_record
from tests.support.world import MovingClock

DEADLINE = timedelta(hours=1)
A_MOMENT = timedelta(microseconds=1)
CLOCK = MovingClock()
NOW = CLOCK()
RECORD = replace(
    a_full_record(a_factory()),
    lease_until=None,
    not_before=None,
    resubmitted_at=None,
    held=None,
    held_seconds=0.0,
)
HELD = Held(by="x", since=NOW - DEADLINE)
HOLD = Hold(scope=Scope(), reason="why", since=NOW, until=NOW, written_at=NOW)


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
    """At the deadline itself it still may; a request that is resubmitted has the same time once more."""
    record = replace(RECORD, requested_at=requested, resubmitted_at=resubmitted)
    assert times.is_too_late(record, NONE) is late


@pytest.mark.parametrize(
    ("waited", "before", "holds", "late"),
    [
        (2 * DEADLINE, timedelta(), Holds({"x": HOLD}), False),
        (2 * DEADLINE + A_MOMENT, timedelta(), Holds({"x": HOLD}), True),
        (2 * DEADLINE + A_MOMENT, A_MOMENT, Holds({"x": HOLD}), False),
        (2 * DEADLINE - A_MOMENT, timedelta(), Holds({}, {"x": NOW - A_MOMENT}), False),
        (2 * DEADLINE, timedelta(), Holds({}, {"x": NOW - A_MOMENT}), True),
        (DEADLINE, timedelta(), Holds({}), False),
        (DEADLINE + A_MOMENT, timedelta(), Holds({}), True),
    ],
)
def test_time_on_hold_does_not_count(
    times: StartTimes, waited: timedelta, before: timedelta, holds: Holds, *, late: bool
) -> None:
    """It counts up to the end of the hold; a hold that is no longer known ended long ago."""
    record = replace(RECORD, requested_at=NOW - waited, held=HELD, held_seconds=before.total_seconds())
    assert times.is_too_late(record, holds) is late


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
    """A wait longer than the longest possible one was written by a wrong clock."""
    assert times.is_due(replace(RECORD, not_before=not_before)) is due


def test_a_leased_request_is_not_due(times: StartTimes) -> None:
    """Another process holds it exclusively."""
    leased = replace(RECORD, lease_until=NOW + timedelta(seconds=1))
    assert (times.is_free(leased), times.is_due(leased)) == (False, False)
    assert (times.is_free(RECORD), times.is_due(RECORD)) == (True, True)
