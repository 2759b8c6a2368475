"""How many calls of storage and of Data Factory a tick makes: they follow the ended runs, and not the active ones."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from adf_trigger.service.starting.backlog import NOTE
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.faulty_ledger import FaultyLedger, FaultyNotes, FaultyRejected
from tests.support.world import FACTORY_ID, World

pytestmark = pytest.mark.untraced

LEDGER = ("get", "find", "save", "claim", "cursor", "save_cursor", "purge", "active", "runs")
NOTES = ("get", "put", "named", "remove")


class Counted:
    """Counts the calls of storage's parts, each of which is one request except for the pages of a list."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    def watch(self, part: object, name: str, methods: tuple[str, ...]) -> None:
        """Count the calls of a part."""
        for method in methods:
            setattr(part, method, self._counting(f"{name}.{method}", getattr(part, method)))

    def _counting(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **kwargs: Any) -> Any:
            self.count[name] += 1
            return call(*args, **kwargs)

        return counting


class Busy:
    """A service with a number of active runs, which has ticked before."""

    def __init__(self, active: int, tick_threads: TickThreads | None) -> None:
        ledger, notes, rejected = FaultyLedger(), FaultyNotes(), FaultyRejected()
        self.world = World(ledger=ledger, notes=notes, rejected=rejected, tick_threads=tick_threads)
        self.world.factory.declare("load")
        self.runs = [self.start(number) for number in range(active)]
        self.storage = Counted()
        self.storage.watch(ledger, "ledger", LEDGER)
        self.storage.watch(notes, "notes", NOTES)
        self.storage.watch(rejected, "rejected", ("purge",))
        for _ in range(2):
            self.world.tick(after=400)  # leases are over, and the sweep has begun

    def start(self, number: int) -> Any:
        """Start a run without the pacing of starts."""
        self.world.clock.forward(1)
        return self.world.submit(f"run-{number}").record.run_id

    @contextmanager
    def counted(self) -> Iterator[tuple[Counter[str], Counter[str]]]:
        """The calls of storage and of Data Factory meanwhile."""
        storage, calls = Counter[str](), Counter[str]()
        self.storage.count.clear()
        self.world.factory.calls.clear()
        yield storage, calls
        storage.update(self.storage.count)
        calls.update(self.world.factory.calls)


@pytest.fixture(params=[0, 8], ids=["alone", "threads"])
def tick_threads(request: pytest.FixtureRequest) -> TickThreads | None:
    """With threads and without."""
    return TickThreads(request.param) if request.param else None


@pytest.mark.parametrize("active", [10, 150])
def test_with_nothing_changed_a_tick_costs_the_same_for_any_number_of_active_runs(
    active: int, tick_threads: TickThreads | None
) -> None:
    """It makes a list and two look-ups by id; the pages of the active rows and six calls of storage."""
    busy = Busy(active, tick_threads)
    with busy.counted() as (storage, calls):
        busy.world.tick(after=15)
    assert calls.total() <= 3
    # Two of the four are those of the looked-up runs: what is new of each is in its record.
    assert storage.pop("ledger.active") == 1
    assert storage["ledger.get"] <= 2
    assert storage.total() - storage["ledger.get"] - storage["ledger.save"] <= 6


@pytest.mark.parametrize("ended", [1, 30])
def test_an_end_costs_three_calls_of_storage_and_one_query(
    ended: int, tick_threads: TickThreads | None
) -> None:
    """Its record is read once and written twice; its message is the fourth call, and its activities are one query."""
    busy = Busy(60, tick_threads)
    for run_id in busy.runs[:ended]:
        busy.world.factory.finish(run_id)
    with busy.counted() as (storage, calls):
        busy.world.tick(after=15)
    assert len(busy.world.outbox.events) == ended
    assert calls["query_activity_runs"] == ended
    assert calls.total() - ended <= 3
    assert storage["ledger.save"] <= 2 * ended + 2
    assert storage["ledger.get"] <= ended + 2


def test_runs_of_others_cost_pages_of_the_list_alone(tick_threads: TickThreads | None) -> None:
    """For ended runs that are not ours nothing is read or written, however many there are."""
    busy = Busy(10, tick_threads)
    others = World(clock=busy.world.clock)
    others.factory.declare("load")
    for number in range(190):
        others.clock.forward(1)
        run_id = others.submit(f"other-{number}").record.run_id
        busy.world.factory.runs[run_id] = others.factory.runs[run_id]
        busy.world.factory.finish(run_id)
    busy.world.tick(after=15)
    with busy.counted() as (storage, calls):
        busy.world.tick(after=15)
    assert calls["query_runs"] == 2
    assert storage["ledger.get"] <= 2
    assert busy.world.outbox.events == []


def test_a_claim_that_waits_for_its_turn_costs_one_write(tick_threads: TickThreads | None) -> None:
    """A burst is accepted as fast as storage commits one transaction each."""
    busy = Busy(10, tick_threads)
    busy.world.notes.put(FACTORY_ID, NOTE, {"since": busy.world.clock().isoformat()})
    busy.world.clock.forward(2)
    busy.world.submit("first")
    with busy.counted() as (storage, calls):
        busy.world.submit("late")
    assert (storage["ledger.claim"], storage["ledger.save"], calls.total()) == (1, 0, 0)
