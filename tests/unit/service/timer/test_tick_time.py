"""How long a tick takes: the platform kills a worker, with all its calls, when a function exceeds its time-out."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from adf_trigger.errors import LedgerError, NotSent
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import ActiveRun, RunState
from adf_trigger.service.timer.limits import LEAST_SECONDS, SHARE_OF_PERIOD, TICK_SECONDS
from tests.support.faulty_ledger import FaultyLedger
from tests.support.memory_factory import MemoryFactory
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, World

OTHER_ID = FACTORY_ID.replace("factory-one", "factory-two")
MANY = 60
SLOW = 5.0
"""Seconds that storage takes for one record."""


class SlowLedger(FaultyLedger):
    """A ledger that takes time, on a clock that only it moves."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.takes = 0.0
        self.reading_takes = 0.0
        self.hangs = False

    def get(self, factory: str, request_id: str) -> Stored | None:
        """See Ledger."""
        self.now += self.takes
        return super().get(factory, request_id)

    def active(self, factory: str) -> Sequence[ActiveRun]:
        """See Ledger."""
        if self.hangs:
            self.now += SLOW * 8
            raise LedgerError("no answer")
        self.now += self.reading_takes
        return super().active(factory)


class Slow:
    """A world of two factories, and its ticks on the ledger's clock."""

    def __init__(self, schedule: str = "*/15 * * * * *") -> None:
        self.ledger = SlowLedger()
        self.world = World(ledger=self.ledger)
        self.other = MemoryFactory(self.world.clock)
        factories = {"one": (FACTORY_ID, self.world.factory), "two": (OTHER_ID, self.other)}
        self.services = restarted(self.world, factories, ADF_TRIGGER_POLL_SCHEDULE=schedule)
        self.services.tick._seconds = lambda: self.ledger.now

    def tick(self) -> float:
        """Seconds that one tick took."""
        begun = self.ledger.now
        self.services.tick.run()
        return self.ledger.now - begun


@pytest.fixture
def slow() -> Slow:
    """Two factories on storage that can be slow."""
    return Slow()


def ended(slow: Slow, count: int) -> None:
    """Runs of the first factory that have ended and are not published."""
    slow.world.factory.declare("load")
    for number in range(count):
        run_id = slow.world.submit(f"key-{number}").record.run_id
        stored = slow.ledger.find(FACTORY_ID, run_id)
        assert stored is not None
        record = replace(stored.record, state=RunState.ENDED, status="Succeeded", lease_until=None)
        slow.ledger.save(stored, record)


def test_a_tick_ends_well_before_the_platform_ends_it(slow: Slow) -> None:
    """With more to publish than a tick has time for it stops, and later ticks publish the rest, each once."""
    ended(slow, MANY)
    slow.ledger.takes = SLOW
    for _ in range(20):
        assert slow.tick() <= TICK_SECONDS + SLOW
    assert sorted(event.subject for event in slow.world.outbox.events) == sorted(
        f"key-{number}" for number in range(MANY)
    )


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        ("*/15 * * * * *", SHARE_OF_PERIOD * 15),
        ("0 * * * * *", SHARE_OF_PERIOD * 60),
        ("* * * * * *", 2 * LEAST_SECONDS),
        ("0 0 * * * *", TICK_SECONDS),
    ],
)
def test_a_tick_ends_before_the_next_is_due(schedule: str, seconds: float) -> None:
    """It begins no work after its period, or after some seconds where that is very short."""
    slow = Slow(schedule)
    ended(slow, MANY)
    slow.ledger.takes = 1.0
    assert slow.tick() <= seconds + 1.0
    assert slow.world.outbox.events


def test_reading_that_takes_all_of_the_time_leaves_the_rest_its_minimum() -> None:
    """With so many rows that reading them exceeds the period, runs are still started and ends published."""
    slow = Slow()
    ended(slow, 3)
    slow.ledger.reading_takes = SHARE_OF_PERIOD * 15 + 1
    for _ in range(3):
        slow.tick()
    assert len(slow.world.outbox.events) == 3


def test_storage_that_hangs_does_not_prolong_a_tick(slow: Slow) -> None:
    """A call that fails after a long wait is not repeated once the time is over."""
    slow.ledger.hangs = True
    assert slow.tick() <= TICK_SECONDS + SLOW * 8


def test_a_busy_factory_keeps_no_other_from_its_turn(slow: Slow, caplog: pytest.LogCaptureFixture) -> None:
    """Where the time was over before the second factory, the next tick begins with it; and both are logged."""
    slow.world.factory.declare("load")
    slow.world.factory.always["create_run"] = NotSent("no route")
    for number in range(MANY):
        slow.world.submit(f"key-{number}")
    slow.world.factory.always.clear()
    ended(slow, MANY)
    slow.other.declare("load")
    slow.ledger.takes = TICK_SECONDS
    slow.tick()
    assert "get_factory" not in slow.other.calls
    note = slow.services.notes.get("app", "tick")
    assert note is not None
    assert "reach 1 factories" in note.value["trouble"]
    cut = [vars(each) for each in caplog.records if getattr(each, "action", "") == "tick_cut"]
    assert cut
    assert all({"factory", "part"} <= each.keys() for each in cut)
    assert slow.services.tick._first == 1
