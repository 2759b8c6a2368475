"""When a lease is over, and what a process remembers of leases that are not."""

import tracemalloc
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.elapsed import Leases
from tests.contracts.ledger_records import a_factory, a_full_record
from tests.support.world import MovingClock

LASTS = 90
RECORD = a_full_record(a_factory())
MANY = 5_000
LITTLE = 100_000
"""Bytes: remembering that many leases would take twenty times as much."""


@pytest.fixture
def clock() -> MovingClock:
    """A clock that stands still until it is moved."""
    return MovingClock()


def leased(clock: MovingClock, *, ahead: float = 0, number: int = 1) -> RunRecord:
    """A record that was just leased by a process whose clock is some seconds ahead."""
    until = clock() + timedelta(seconds=LASTS + ahead)
    return replace(RECORD, run_id=UUID(int=number), lease_until=until)


@pytest.mark.parametrize("ahead", [-30, 0, 1, 30, 89, 90, 91, 3_600])
def test_a_lease_is_over_after_its_time_whatever_the_clock_of_its_writer(
    clock: MovingClock, ahead: float
) -> None:
    """It ends by our clock where that is not behind its writer's, otherwise once it was seen for its whole length."""
    leases = Leases(clock, clock.seconds, lasts=timedelta(seconds=LASTS))
    record = leased(clock, ahead=ahead)
    seen = []
    for second in range(2 * LASTS):
        if leases.is_over(record):
            seen.append(second)
        clock.forward(1)
    assert seen[0] == LASTS + min(0, ahead)
    assert len(seen) == 2 * LASTS - seen[0]


def test_leases_that_expire_by_our_clock_are_not_remembered(clock: MovingClock) -> None:
    """Each request is leased once or twice, and a process serves millions."""
    leases = Leases(clock, clock.seconds, lasts=timedelta(seconds=LASTS))
    record = leased(clock)
    leases.is_over(record)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(MANY):
            assert not leases.is_over(leased(clock, number=number))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < LITTLE
