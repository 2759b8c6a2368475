"""How a page, a cursor, a clock or a list can mislead the watcher, and what watching costs."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.datafactory.models import Page, PipelineRun, RunFilter, RunGlance
from adf_trigger.errors import ResourceNotFound, ScopeNotFound
from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import Cursor, Stored
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.service.watching.ends import MOST_ACTIVITY_PAGES
from adf_trigger.service.watching.monitor import FEW, SWEPT_PER_TICK
from tests.support.faulty_ledger import FaultyLedger
from tests.support.memory_factory import MemoryFactory
from tests.support.world import FACTORY_ID, MovingClock, World, settings

MANY = FEW + 3


class Counting(FaultyLedger):
    """Counts reads and writes of records."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()

    def get(self, factory: str, request_id: str) -> Stored | None:
        """See Ledger."""
        self.count["get"] += 1
        return super().get(factory, request_id)

    def save(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """See Ledger."""
        self.count["save"] += 1
        return super().save(stored, record, places)

    def active(self, factory: str) -> Any:
        """See Ledger."""
        self.count["active"] += 1
        return super().active(factory)


class AskedFactory(MemoryFactory):
    """Notes which lists and which runs were requested."""

    filters: list[RunFilter]
    asked: list[str]

    def query_runs(
        self, run_filter: RunFilter, *, wanted: Callable[[RunGlance], bool] | None = None
    ) -> Iterator[Page[PipelineRun]]:
        """See PipelineRuns."""
        self.filters.append(run_filter)
        return super().query_runs(run_filter, wanted=wanted)

    def get_run(self, run_id: Any) -> PipelineRun:
        """See PipelineRuns."""
        self.asked.append(str(run_id))
        return super().get_run(run_id)


class Watched(World):
    """A service whose ledger counts, and whose factory notes the calls."""

    ledger: Counting
    factory: AskedFactory


def a_world(count: int = MANY, *, clock: MovingClock | None = None, **changes: str) -> Watched:
    """A service that has started a number of runs; the factory may have a clock of its own."""
    world = Watched(ledger=Counting(), settings=settings(**changes))
    world.factory = AskedFactory(clock or world.clock)
    world.factory.filters, world.factory.asked = [], []
    world.factory.declare("load")
    world.restart()
    for number in range(count):
        world.submit(f"run-{number}")
    return world


def finish(world: Watched, *numbers: int, **changes: Any) -> None:
    """End runs."""
    for number in numbers:
        world.factory.finish(run_id_of(world, number), "Succeeded", **changes)


def run_id_of(world: World, number: int) -> Any:
    """The run of a request."""
    return world.services.query.find(f"run-{number}").run_id


def published(world: World) -> list[str]:
    """The requests that were published, sorted."""
    return sorted(event.subject for event in world.outbox.events)


def test_the_list_is_filtered_to_ended_runs() -> None:
    """Active runs are in no page, however many there are."""
    world = a_world(250)
    world.tick(after=15)
    (asked,) = world.factory.filters
    (condition,) = asked.filters
    assert (condition.operand, condition.operator) == ("Status", "In")
    assert set(condition.values) == {"Succeeded", "Failed", "Cancelled"}
    assert Counter(world.factory.calls)["query_runs"] == 1


def test_an_end_costs_one_read_two_writes_and_one_message() -> None:
    """The publisher's lease is taken in the write that records the end."""
    world = a_world()
    world.tick(after=15)
    world.ledger.count.clear()
    finish(world, 0)
    world.tick(after=15)
    assert world.ledger.count == {
        "active": 1,
        "get": 1 + 1,
        "save": 2,
    }  # one get is `finish` asking for the run
    assert published(world) == ["run-0"]


def test_runs_in_the_overlap_of_two_lists_cost_nothing_in_storage() -> None:
    """A published run is not looked up again, however often lists show it."""
    world = a_world()
    world.tick(after=91)  # their senders' leases are over
    finish(world, 0, 1)
    world.tick(after=15)
    world.ledger.count.clear()
    for _ in range(5):
        world.tick(after=15)
    assert world.ledger.count == {"active": 5}
    assert len(world.factory.filters) == 7


def test_idle_runs_cost_no_write_and_each_has_its_turn() -> None:
    """Over hours without changes the sweep queries every run, two per tick, and writes no record."""
    world = a_world(20)
    world.tick(after=91)  # their senders' leases are over
    world.ledger.count.clear()
    world.clock.forward(300)
    for _ in range(20 // SWEPT_PER_TICK):
        world.factory.calls.clear()
        world.tick(after=15)
        assert Counter(world.factory.calls) == {"query_runs": 1, "get_run": SWEPT_PER_TICK}
    assert len(set(world.factory.asked)) == 20
    assert world.ledger.count["save"] == 20  # each was seen to be in progress, once
    world.ledger.count.clear()
    for _ in range(30):
        world.tick(after=15)
    assert world.ledger.count["save"] == 0


def test_the_sweep_continues_where_another_process_left_it() -> None:
    """Its place is in the ledger."""
    world = a_world(8)
    world.clock.forward(400)
    for _ in range(8 // SWEPT_PER_TICK):
        world.restart()
        world.tick(after=15)
    assert len(set(world.factory.asked)) == 8


@pytest.mark.parametrize("ahead", [-600, 600, -1_500, 3_000])
def test_a_clock_of_the_service_that_differs_from_ours_hides_no_end(ahead: int) -> None:
    """Ends are seen by the next ticks, whichever clock is ahead."""
    clock = MovingClock()
    clock.forward(ahead)
    world = a_world(clock=clock)
    for number in range(MANY):
        finish(world, number)
        for _ in range(2):
            clock.forward(15)
            world.tick(after=15)
        assert f"run-{number}" in published(world)


def test_an_end_that_a_list_shows_late_is_seen_within_the_overlap() -> None:
    """The list looks back behind its position: an older end may appear after a newer one."""
    world = a_world()
    finish(world, 0)
    world.factory.hidden.add(run_id_of(world, 0))
    world.clock.forward(100)
    finish(world, 1)
    world.tick(after=15)
    assert published(world) == ["run-1"]
    world.factory.hidden.clear()
    world.tick(after=15)
    assert published(world) == ["run-0", "run-1"]


def test_an_end_older_than_any_list_is_found_by_the_sweep() -> None:
    """A run whose last update lies before all windows is queried by its id."""
    world = a_world()
    finish(world, 2, updated=world.clock() - timedelta(days=30))
    for _ in range(30):
        world.tick(after=60)
    assert published(world) == ["run-2"]


def test_a_time_from_the_far_future_does_not_blind_the_watcher() -> None:
    """A run that reports an end years ahead does not move the cursor there."""
    world = a_world()
    finish(world, 0, updated=world.clock() + timedelta(hours=20))
    world.tick(after=15)
    finish(world, 1)
    world.tick(after=15)
    assert published(world) == ["run-0", "run-1"]


@pytest.mark.parametrize("lost", [None, 40 * 86_400])
def test_a_cursor_that_is_lost_or_old_loses_no_event(lost: int | None) -> None:
    """The first list looks back to the oldest run that is still active, and no further."""
    world = a_world()
    world.tick(after=15)
    until = None if lost is None else world.clock() - timedelta(seconds=lost)
    world.ledger.save_cursor(FACTORY_ID, Cursor(polled_until=until))
    finish(world, 0)
    world.tick(after=15)
    assert published(world) == ["run-0"]
    assert world.factory.filters[-1].last_updated_after > world.clock() - timedelta(hours=2)


def test_a_run_on_two_pages_is_published_once() -> None:
    """Runs move between pages while these are read."""
    world = a_world()
    finish(world, *range(MANY))
    twice = world.factory.query_runs

    def moving(run_filter: RunFilter, **sifting: Any) -> Iterator[Page[PipelineRun]]:
        for page in twice(run_filter, **sifting):
            yield Page(items=page.items, more=True)
            yield page

    world.factory.query_runs = moving  # type: ignore[method-assign]
    world.tick(after=15)
    assert published(world) == [f"run-{number}" for number in range(MANY)]


@pytest.mark.parametrize("status", ["Pondering", "succeeded", "", "InProgress"])
def test_a_list_that_ignores_its_filter_ends_nothing(status: str) -> None:
    """A status that is not a final one is no end, whichever list shows it."""
    world = a_world()
    for run in world.factory.runs.values():
        run.status = status
    unfiltered = world.factory.query_runs

    def careless(run_filter: RunFilter, **sifting: Any) -> Iterator[Page[PipelineRun]]:
        return unfiltered(run_filter.model_copy(update={"filters": ()}), **sifting)

    world.factory.query_runs = careless  # type: ignore[method-assign]
    world.tick(after=15)
    assert published(world) == []


@pytest.mark.parametrize("count", [1, MANY])
def test_a_run_that_the_factory_does_not_have_ends_as_unknown_after_a_day(count: int) -> None:
    """Each record has a last day: then its event is sent, once, with the run's id and the reason."""
    world = a_world(count)
    world.factory.hidden.add(run_id_of(world, 0))
    for _ in range(23 * 4):
        world.tick(after=900)
    assert published(world) == []
    for _ in range(3 * 4):
        world.tick(after=900)
    (event,) = world.outbox.events
    assert (event.subject, event.data.status) == ("run-0", "Unknown")
    assert event.data.run_id == run_id_of(world, 0)
    assert "Data Factory has had no run" in str(event.data.message)
    assert world.services.query.find("run-0").state is RunState.PUBLISHED


def test_a_run_that_shows_again_is_not_lost() -> None:
    """Times in which it was missing are not added up."""
    world = a_world(1)
    run_id = run_id_of(world, 0)
    for _ in range(3):
        world.factory.hidden.add(run_id)
        for _ in range(20):
            world.tick(after=3_600)
        world.factory.hidden.clear()
        world.tick(after=60)
        assert world.services.query.find("run-0").missing_since is None
    finish(world, 0)
    world.tick(after=15)
    assert [event.data.status for event in world.outbox.events] == ["Succeeded"]


def test_sixty_runs_that_are_gone_take_turns_with_the_others() -> None:
    """Runs that cannot be read do not use up the reads of those that can."""
    world = a_world(64)
    for number in range(60):
        world.factory.hidden.add(run_id_of(world, number))
    finish(world, 60, 61, 62, 63, updated=world.clock() - timedelta(days=30))
    for _ in range(64):
        world.tick(after=300)
    assert published(world) == ["run-60", "run-61", "run-62", "run-63"]


def test_a_missing_factory_ends_no_run() -> None:
    """While the factory itself is not found no run counts as missing."""
    world = a_world(1)
    for _ in range(60):
        world.factory.fail_next("get_run", ScopeNotFound("no such group", code="ResourceGroupNotFound"))
    for _ in range(50):
        world.tick(after=3_600)
    assert published(world) == []
    assert world.services.query.find("run-0").missing_since is None


def test_the_pages_of_one_run_are_spent_from_the_budget() -> None:
    """A loop of thousands neither uses up a tick's calls alone nor withholds its own event."""
    world = a_world(1)
    failed = [{"activityName": f"a{n}", "status": "Failed", "error": {}} for n in range(2_500)]
    finish(world, 0, failed=failed)
    world.factory.calls.clear()
    world.tick(after=15)
    assert Counter(world.factory.calls)["query_activity_runs"] == MOST_ACTIVITY_PAGES
    (event,) = world.outbox.events
    assert event.data.truncated


def test_a_budget_that_is_too_small_delays_the_reasons_and_loses_none() -> None:
    """Activities that could not be read completely are read again at the next tick."""
    world = a_world(1, ADF_TRIGGER_TICK_CALLS="3")
    failed = [{"activityName": f"a{n}", "status": "Succeeded"} for n in range(250)]
    finish(world, 0, failed=[*failed, {"activityName": "last", "status": "Failed", "error": {}}])
    world.tick(after=15)
    assert published(world) == []
    world.tick(after=700)
    assert published(world) == ["run-0"], "after a while the news goes out with what could be read"


def test_a_run_that_one_look_does_not_find_is_looked_up_again() -> None:
    """A single 404 is a look like any other: it decides nothing alone."""
    world = a_world(1)
    world.factory.fail_next("get_run", ResourceNotFound("no such run", status=404))
    world.tick(after=15)
    finish(world, 0)
    world.tick(after=15)
    assert published(world) == ["run-0"]
