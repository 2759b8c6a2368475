"""Many factories in one app: each has a cursor, a budget and a state of its own, and none waits for another."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.datafactory.models import Page, PipelineRun, RunFilter, RunGlance
from adf_trigger.errors import Forbidden, Throttled, Unavailable
from adf_trigger.functions.services import Services
from adf_trigger.service.calls.factory_state import Trouble
from adf_trigger.service.threads.tick_threads import THREADS, TickThreads
from adf_trigger.service.watching.monitor import FEW
from tests.support.memory_factory import MemoryFactory
from tests.support.resettled import restarted, submit
from tests.support.world import FACTORY_ID, World

pytestmark = pytest.mark.untraced

MANY = 50
RUNS = FEW + 1


class Hanging(MemoryFactory):
    """A factory whose reads block until they are released."""

    may_answer: threading.Event
    asked: threading.Event

    def _hang(self) -> None:
        self.asked.set()
        assert self.may_answer.wait(timeout=60)

    def get_run(self, run_id: UUID) -> PipelineRun:
        """See PipelineRuns."""
        self._hang()
        return super().get_run(run_id)

    def query_runs(
        self, run_filter: RunFilter, *, wanted: Callable[[RunGlance], bool] | None = None
    ) -> Iterator[Page[PipelineRun]]:
        """See PipelineRuns."""
        self._hang()
        yield from super().query_runs(run_filter, wanted=wanted)


class Fleet:
    """A service of many factories, in some subscriptions."""

    def __init__(self, tick_threads: TickThreads | None) -> None:
        self.world = World(tick_threads=tick_threads)
        self.factories = [MemoryFactory(self.world.clock) for _ in range(MANY)]
        self.services: Services
        self.wire()

    def wire(self) -> None:
        """Start the service with the factories."""
        ids = [
            FACTORY_ID.replace("factory-one", f"f-{n}").replace("000001", f"00000{n % 3}")
            for n in range(MANY)
        ]
        self.ids = ids
        self.services = restarted(
            self.world, {f"f{n}": (ids[n], each) for n, each in enumerate(self.factories)}
        )
        for each in self.factories:
            each.declare("load")

    def start(self) -> None:
        """Start some runs in each factory, and end them all."""
        for number, each in enumerate(self.factories):
            for run in range(RUNS):
                record = submit(self.services, f"{number}-{run}", f"f{number}").record
                each.finish(record.run_id)

    def tick(self, after: float = 15.0) -> None:
        """Let time pass, then tick once."""
        self.world.clock.forward(after)
        self.services.tick.run()

    def published(self) -> set[str]:
        """The published requests."""
        return {event.subject for event in self.world.outbox.events}

    def of(self, *numbers: int) -> set[str]:
        """All requests of some factories."""
        return {f"{number}-{run}" for number in numbers for run in range(RUNS)}


@pytest.fixture(params=[0, THREADS])
def fleet(request: pytest.FixtureRequest) -> Fleet:
    """A service of fifty factories, with threads and without."""
    return Fleet(TickThreads(request.param) if request.param else None)


def test_fifty_factories_have_their_ends_published_in_one_tick(fleet: Fleet) -> None:
    """There is one list each, whatever the others do; each has a cursor of its own."""
    fleet.start()
    fleet.tick()
    assert fleet.published() == fleet.of(*range(MANY))
    assert len(fleet.world.outbox.events) == MANY * RUNS
    cursors = {fleet.world.ledger.cursor(each).polled_until for each in fleet.ids}
    assert None not in cursors
    for each in fleet.factories:
        assert Counter(each.calls)["query_runs"] == 1


def test_the_trouble_of_some_is_theirs_alone(fleet: Fleet) -> None:
    """They are forbidden, throttled, and down: each has its state, and all others their events."""
    fleet.start()
    fleet.factories[3].always["query_runs"] = Forbidden("no role", status=403)
    fleet.factories[4].always["query_runs"] = Throttled("slow down", retry_after=60)
    fleet.factories[5].always["query_runs"] = Unavailable("down", status=503)
    fleet.tick()
    others = set(range(MANY)) - {3, 4, 5}
    assert fleet.published() == fleet.of(*others)
    held = {number for number, each in enumerate(fleet.ids) if fleet.services.states.of(each) is not None}
    assert held == {3}
    state = fleet.services.states.of(fleet.ids[3])
    assert state is not None
    assert state.kind is Trouble.DENIED
    note = fleet.services.notes.get("app", "tick")
    assert note is not None
    assert sorted(note.value["trouble"]) == ["monitor f3", "monitor f4", "monitor f5"]
    fleet.factories[3].always.clear()
    fleet.factories[5].always.clear()
    for _ in range(6):
        fleet.tick()
    assert fleet.published() == fleet.of(*(set(range(MANY)) - {4}))


def test_a_bug_in_one_turn_affects_that_turn_alone(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    """All others have theirs, the rest of that turn is done, and the tick is noted with what it could not do."""
    fleet.start()
    fleet.factories[0].always["query_runs"] = KeyError("a bug")
    fleet.tick()
    assert fleet.published() == fleet.of(*range(1, MANY))
    note = fleet.services.notes.get("app", "tick")
    assert note is not None
    assert note.value["trouble"] == ["monitor f0"]
    logged = [each for each in caplog.records if getattr(each, "action", "") == "monitor_failed"]
    assert [(each.levelname, each.exc_info is not None) for each in logged] == [("ERROR", True)]


def test_a_factory_that_does_not_answer_delays_no_other() -> None:
    """While the calls of three factories hang, the events of all others are sent."""
    fleet = Fleet(TickThreads(THREADS))
    hanging = []
    for number in (0, 1, 2):
        slow = Hanging(fleet.world.clock)
        slow.may_answer, slow.asked = threading.Event(), threading.Event()
        fleet.factories[number] = slow
        hanging.append(slow)
    fleet.wire()
    fleet.start()
    ticking = threading.Thread(target=fleet.tick)
    ticking.start()
    try:
        for slow in hanging:
            assert slow.asked.wait(timeout=60)
        others = fleet.of(*range(3, MANY))
        wait_until(lambda: fleet.published() >= others)
        assert fleet.published() == others
    finally:
        for slow in hanging:
            slow.may_answer.set()
        ticking.join(timeout=60)
    assert fleet.published() == fleet.of(*range(MANY))


def test_a_tick_that_waits_for_one_factory_continues_with_the_others() -> None:
    """The timer does not fire before its function has returned; no factory has two turns at once."""
    fleet = Fleet(TickThreads(THREADS))
    slow = fleet.factories[0] = Hanging(fleet.world.clock)
    slow.may_answer, slow.asked = threading.Event(), threading.Event()
    fleet.services = _rewired(fleet, ADF_TRIGGER_POLL_SCHEDULE="* * * * * *")
    for each in fleet.factories:
        each.declare("load")
    fleet.start()
    ticking = threading.Thread(target=fleet.tick)
    ticking.start()
    try:
        wait_until(lambda: fleet.published() >= fleet.of(*range(1, MANY)))

        def is_published(key: str) -> bool:
            return key in fleet.published()

        for number in range(3):
            later = submit(fleet.services, f"later-{number}", "f7").record
            fleet.factories[7].finish(later.run_id)
            wait_until(partial(is_published, f"later-{number}"))
        assert Counter(slow.calls)["query_runs"] == 0
    finally:
        slow.may_answer.set()
        ticking.join(timeout=60)
    assert not ticking.is_alive()
    assert fleet.published() >= fleet.of(*range(MANY))
    assert Counter(slow.calls)["query_runs"] == 1


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for another thread."""
    pause = threading.Event()
    for _ in range(6_000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come true in time")


def test_a_tick_s_calls_are_counted_by_factory(fleet: Fleet) -> None:
    """A factory that spends all of its calls leaves the others theirs."""
    fleet.services = _rewired(fleet, ADF_TRIGGER_TICK_CALLS=str(RUNS + 1))
    fleet.start()
    for run in range(20):
        record = submit(fleet.services, f"more-{run}", "f7").record
        fleet.factories[7].finish(record.run_id)
    for each in fleet.factories:
        each.calls.clear()
    fleet.tick()
    assert fleet.published() >= fleet.of(*(set(range(MANY)) - {7}))
    assert len(fleet.factories[7].calls) <= RUNS + 1


def _rewired(fleet: Fleet, **changes: Any) -> Services:
    runs = {f"f{n}": (fleet.ids[n], each) for n, each in enumerate(fleet.factories)}
    return restarted(fleet.world, runs, **changes)
