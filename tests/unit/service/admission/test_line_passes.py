"""The lines of a factory are seen in one pass over its rows, however many there are."""

from collections.abc import Iterator, Sequence
from typing import Any

from adf_trigger.ledger.records import ActiveRun
from tests.support.admitted import a_world, finish, found, start
from tests.support.faulty_ledger import FaultyLedger
from tests.support.world import STARTED

KEYS = 60


class Counted(list[ActiveRun]):
    """Rows that count how often they were iterated."""

    passes = 0

    def __iter__(self) -> Iterator[ActiveRun]:
        Counted.passes += 1
        return super().__iter__()


class CountedLedger(FaultyLedger):
    """A ledger that returns its active rows as such."""

    def active(self, factory: str) -> Sequence[ActiveRun]:
        """See Ledger."""
        return Counted(super().active(factory))


def passes(keys: int) -> int:
    """How often a tick iterates all rows where a number of keys each have a request that waits and is admitted."""
    ledger = CountedLedger()
    world = a_world(ledger=ledger)
    for number in range(keys):
        start(world, f"{number}-1", str(number))
        start(world, f"{number}-2", str(number))
    for number in range(keys):
        finish(world, f"{number}-1")
    Counted.passes = 0
    world.tick(after=60)
    counted = Counted.passes
    started: list[Any] = [found(world, f"{number}-2").status in STARTED for number in range(keys)]
    assert all(started)
    return counted


def test_a_tick_iterates_the_rows_as_often_for_many_keys_as_for_few() -> None:
    """Otherwise ten thousand keys would take ten thousand passes."""
    few = passes(2)
    assert passes(KEYS) <= few + 5
