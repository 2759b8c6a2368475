"""Further ways in which a page, a cursor, a clock or a list misleads the watcher."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.datafactory.models import Page, PipelineRun, RunFilter, RunGlance
from adf_trigger.errors import Unavailable
from adf_trigger.ledger.port import Cursor
from adf_trigger.ledger.records import RunState
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.watching.monitor import FEW
from tests.support.memory_factory import MemoryFactory, sifted
from tests.support.world import FACTORY_ID, MovingClock, World, settings

MANY = FEW + 3
Listing = Callable[[RunFilter], Iterator[Page[PipelineRun]]]


def a_world(count: int = MANY, *, tick_threads: TickThreads | None = None, **changes: str) -> World:
    """A service that has started some runs."""
    world = World(settings=settings(**changes), tick_threads=tick_threads)
    world.factory.declare("load")
    for number in range(count):
        world.submit(f"run-{number}")
    return world


def finish(world: World, *numbers: int, **changes: Any) -> None:
    """End runs."""
    for number in numbers:
        world.factory.finish(world.services.query.find(f"run-{number}").run_id, **changes)


def published(world: World) -> list[str]:
    """The requests that were published, sorted."""
    return sorted(event.subject for event in world.outbox.events)


def listing(world: World, change: Callable[[Listing, RunFilter], Iterator[Page[PipelineRun]]]) -> None:
    """Have lists changed in transit."""
    as_it_is = world.factory.query_runs

    def changed(
        run_filter: RunFilter, *, wanted: Callable[[RunGlance], bool] | None = None
    ) -> Iterator[Page[PipelineRun]]:
        return sifted(change(as_it_is, run_filter), wanted)

    world.factory.query_runs = changed  # type: ignore[method-assign]


def test_a_run_that_slips_between_two_pages_is_seen_by_the_next_list() -> None:
    """While pages are read a run may move to an earlier one, so that none shows it."""
    world = a_world()
    finish(world, *range(MANY))
    slips = [True]

    def slipping(lists: Listing, run_filter: RunFilter) -> Iterator[Page[PipelineRun]]:
        for page in lists(run_filter):
            items = page.items[1:] if slips else page.items
            slips.clear()
            yield Page(items=items[:2], more=True)
            yield Page(items=items[2:])

    listing(world, slipping)
    world.tick(after=15)
    assert len(published(world)) == MANY - 1
    world.tick(after=15)
    assert published(world) == [f"run-{number}" for number in range(MANY)]
    assert len(world.outbox.events) == MANY


def test_a_list_that_never_ends_is_left_and_its_runs_are_recorded() -> None:
    """A tick spends no more than half of its calls on it, and queries the others by id."""
    world = a_world(ADF_TRIGGER_TICK_CALLS="40")
    finish(world, 0)
    finish(world, 1, updated=world.clock() - timedelta(days=30))

    def endless(lists: Listing, run_filter: RunFilter) -> Iterator[Page[PipelineRun]]:
        while True:
            for page in lists(run_filter):
                yield Page(items=page.items, more=True)

    listing(world, endless)
    for _ in range(3):
        world.factory.calls.clear()
        world.tick(after=400)
        assert len(world.factory.calls) <= 40
    assert published(world) == ["run-0", "run-1"]
    assert world.ledger.cursor(FACTORY_ID).polled_until is None


def test_a_page_that_fails_hides_no_run_permanently() -> None:
    """The runs of the pages before it come again with the next list."""
    world = a_world()
    finish(world, *range(MANY))
    fails = [True]

    def failing(lists: Listing, run_filter: RunFilter) -> Iterator[Page[PipelineRun]]:
        for page in lists(run_filter):
            yield Page(items=page.items[:2], more=True)
            if fails:
                fails.clear()
                raise Unavailable("down", status=503)
            yield Page(items=page.items[2:])

    listing(world, failing)
    world.tick(after=15)
    world.tick(after=15)
    assert published(world) == [f"run-{number}" for number in range(MANY)]


@pytest.mark.parametrize("ahead", [60, 3_000, 86_400, 40 * 86_400])
def test_a_cursor_from_the_future_hides_no_end(ahead: int) -> None:
    """A wrong clock has written it."""
    world = a_world()
    world.tick(after=15)
    world.ledger.save_cursor(FACTORY_ID, Cursor(polled_until=world.clock() + timedelta(seconds=ahead)))
    finish(world, 0)
    world.tick(after=15)
    assert published(world) == ["run-0"]


def test_one_run_that_reports_a_later_end_hides_no_other() -> None:
    """Fifty minutes ahead is within the tolerance of clocks, and beyond what a single run may report."""
    world = a_world()
    finish(world, 0, updated=world.clock() + timedelta(minutes=50))
    world.tick(after=15)
    for number in range(1, MANY):
        finish(world, number)
        world.tick(after=15)
        assert f"run-{number}" in published(world)


@pytest.mark.parametrize("back", [30, 600, 7_200])
def test_our_own_clock_that_is_set_back_hides_no_end(back: int) -> None:
    """It is corrected between two ticks, while the service's clock runs on."""
    world, theirs = World(), MovingClock()
    world.factory = MemoryFactory(theirs)
    world.factory.declare("load")
    world.restart()
    for number in range(MANY):
        world.submit(f"run-{number}")
    finish(world, 0)
    world.tick(after=15)
    theirs.forward(30)
    world.clock.forward(-back)
    finish(world, 1)
    world.tick(after=15)
    assert published(world) == ["run-0", "run-1"]


def test_runs_without_a_time_are_recorded_and_move_no_cursor() -> None:
    """A list may omit when a run was last updated."""
    world = a_world()
    finish(world, 0)

    def timeless(lists: Listing, run_filter: RunFilter) -> Iterator[Page[PipelineRun]]:
        for page in lists(run_filter):
            yield Page(items=[run.model_copy(update={"last_updated": None}) for run in page.items])

    listing(world, timeless)
    world.tick(after=15)
    assert published(world) == ["run-0"]
    assert world.ledger.cursor(FACTORY_ID).polled_until is None


@pytest.mark.parametrize("threads", [0, 8])
def test_two_concurrent_ticks_publish_each_end_once(threads: int) -> None:
    """The platform's lock is no guarantee: both see the same list, and each end is recorded by one of them."""
    world = a_world(40, tick_threads=TickThreads(threads) if threads else None)
    finish(world, *range(40))
    world.clock.forward(15)
    both = threading.Barrier(2)

    def together(lists: Listing, run_filter: RunFilter) -> Iterator[Page[PipelineRun]]:
        pages = list(lists(run_filter))
        both.wait(timeout=60)
        yield from pages

    listing(world, together)
    ticks = [threading.Thread(target=world.services.tick.run) for _ in range(2)]
    for each in ticks:
        each.start()
    for each in ticks:
        each.join(timeout=60)
    assert published(world) == sorted(f"run-{number}" for number in range(40))
    assert len(world.outbox.events) == 40
    assert {world.services.query.find(f"run-{n}").state for n in range(40)} == {RunState.PUBLISHED}
