"""Skipped windows of runs of others under wrong clocks, purges, restarts, held runs and many runs."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from adf_trigger.datafactory.models import Page, PipelineRun, RunFilter
from adf_trigger.errors import Throttled
from adf_trigger.service.other_runs.gaps import MOST_GAPS, MOST_SPLIT
from adf_trigger.service.other_runs.observing import Gap, ObservationKeeper
from adf_trigger.service.other_runs.unreadable import Suspect
from tests.support.memory_factory import LOST_REPLY
from tests.support.other_runs import ended, poison, published_runs, skipped, world_of
from tests.support.world import FACTORY_ID, World, settings

PARKED = {"observe": "topLevel", "unknownOutcome": "park"}
SECOND = timedelta(seconds=1)


def observing(world: World) -> ObservationKeeper:
    """The keeper of the notes."""
    return world.services.tick._parts.others._observing


def texts(runs: Any) -> list[str]:
    """Run ids in an order that compares."""
    return sorted(map(str, runs))


def skip_one(world: World) -> UUID:
    """Make a run unreadable, and tick until it is skipped; returns it, readable again."""
    hidden = ended(world)
    bad = {hidden}
    poison(world, bad)
    for _ in range(60):
        world.tick(after=60)
        if skipped(world):
            break
    assert len(skipped(world)) == 1
    bad.clear()
    return hidden


def test_a_clock_that_was_a_year_ahead_does_not_delay_the_next_try_by_a_year() -> None:
    """The time of the last try is then in the future."""
    world = world_of()
    world.clock.forward(3)
    hidden = ended(world)
    bad = {hidden}
    poison(world, bad)
    for _ in range(40):
        world.tick(after=60)
    assert len(skipped(world)) == 1
    world.tick(after=365 * 86_400)
    world.clock.forward(-365 * 86_400)
    bad.clear()
    for _ in range(10):
        world.tick(after=60)
    assert published_runs(world) == [hidden]


def test_a_window_that_was_extended_to_twice_its_length_is_halved_without_loss() -> None:
    """Its first half is then the window that its note was first written for."""
    world = world_of()
    world.clock.forward(100)
    hidden = ended(world)
    world.clock.forward(3600)
    begin = world.clock() - timedelta(seconds=3603)
    keeper = observing(world)
    noted = world.clock()
    assert keeper.skip(FACTORY_ID, Gap(begin, begin + 4 * SECOND, noted, noted))
    world.clock.forward(60)
    (gap,) = keeper.read(FACTORY_ID).gaps
    extended = Gap(begin, begin + 8 * SECOND, world.clock(), noted, name=gap.name, etag=gap.etag)
    assert keeper.skip(FACTORY_ID, extended)
    place = keeper.read(FACTORY_ID).place
    assert place is not None
    keeper.move_on(FACTORY_ID, type(place)(begin + 3600 * SECOND, None))
    bad = {hidden}
    poison(world, bad)
    for _ in range(6):
        world.tick(after=60)
    bad.clear()
    for _ in range(20):
        world.tick(after=600)
    assert published_runs(world) == [hidden]
    assert skipped(world) == []


def test_a_window_found_for_held_runs_publishes_no_purged_run_of_the_same_second_again() -> None:
    """Runs of other pipelines, and runs before the doubt, were published when they ended."""
    policy = json.dumps({"load": PARKED, "copy": {"observe": "topLevel"}})
    world = World(settings=settings(ADF_TRIGGER_POLICY=policy, ADF_TRIGGER_RETENTION_DAYS="8"))
    world.factory.declare("load")
    world.factory.declare("copy")
    world.tick()
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    for _ in range(20):
        world.tick(after=15)
    assert world.status() == "Unknown"
    world.tick(after=60)
    hidden, other = ended(world), ended(world, "copy")
    world.tick(after=15)
    assert published_runs(world)[1:] == [other]
    world.tick(after=7 * 86_400)
    bad = {hidden}
    poison(world, bad)
    world.resolve("key-1", "dismiss")
    for _ in range(10):
        world.tick(after=15)
    assert len(skipped(world)) == 1
    for _ in range(28):
        world.tick(after=3600)
    world.restart()
    bad.clear()
    for _ in range(5):
        world.tick(after=3600)
    assert published_runs(world).count(other) == 1
    assert published_runs(world).count(hidden) == 1


def test_held_runs_noted_again_while_a_window_is_narrowed_are_published() -> None:
    """A later doubt, or another host, may hold earlier runs of the pipeline meanwhile."""
    world = world_of()
    world.clock.forward(100)
    early = ended(world)
    world.clock.forward(4000)
    now = world.clock()
    lists = world.services.tick._parts.others._lists
    (factory,) = world.services.tick._parts.others._factories
    lists.resume(factory, Suspect(now - 2000 * SECOND, now - 1999 * SECOND))
    for _ in range(5):
        world.tick(after=15)
    assert published_runs(world) == [early]


def test_windows_with_more_runs_than_a_tick_can_read_are_read_in_the_end() -> None:
    """However many of them there are: each is halved until it can be read."""
    world = world_of(ADF_TRIGGER_TICK_CALLS="4")
    begin = world.clock()
    runs = []
    for _ in range(MOST_SPLIT + 4):
        for number in range(350):
            world.clock.forward(0.2)
            run = ended(world, "copy" if number % 100 else "load")
            runs += [] if number % 100 else [run]
    end = world.clock()
    world.clock.forward(3600)
    keeper = observing(world)
    length = (end - begin) / (MOST_SPLIT + 4)
    for window in range(MOST_SPLIT + 4):
        noted = world.clock()
        after = begin + window * length
        keeper.skip(FACTORY_ID, Gap(after, after + length + SECOND / 1000, noted, noted))
    place = keeper.read(FACTORY_ID).place
    assert place is not None
    keeper.move_on(FACTORY_ID, type(place)(end + SECOND, None))
    for _ in range(400):
        world.tick(after=300)
        if not skipped(world):
            break
    assert skipped(world) == []
    assert texts(published_runs(world)) == texts(runs)


def test_a_list_that_fails_at_the_end_of_its_calls_is_shorter_the_next_time() -> None:
    """Else no call would be left in any tick to find out where it fails."""
    world = world_of(ADF_TRIGGER_TICK_CALLS="22")
    runs = []
    for _ in range(950):
        world.clock.forward(4)
        runs.append(ended(world))
    world.clock.forward(4)
    poison(world, {ended(world)})
    world.clock.forward(2500)
    for _ in range(200):
        world.tick(after=15)
    assert texts(published_runs(world)) == texts(runs)
    assert len(skipped(world)) == 1


def test_a_429_while_our_clock_is_ahead_loses_no_run() -> None:
    """A shortened list may end where Data Factory's clock is not yet."""
    ahead = timedelta(minutes=25)
    world = world_of()
    world.factory.clock = lambda: world.clock() - ahead
    runs = []

    def run() -> None:
        run_id = ended(world)
        world.factory.runs[run_id].created -= ahead
        runs.append(run_id)

    world.tick(after=1800)
    for _ in range(250):
        run()
    world.clock.forward(5)
    as_it_is = world.factory.query_runs
    cut = [True]

    def query_runs(run_filter: RunFilter, **sifting: Any) -> Iterator[Page[PipelineRun]]:
        for number, page in enumerate(as_it_is(run_filter, **sifting)):
            if number == 2 and cut[0]:
                cut[0] = False
                raise Throttled("slow down", retry_after=1)
            yield page

    world.factory.query_runs = query_runs  # type: ignore[method-assign]
    for _ in range(120):
        world.tick(after=15)
        run()
    for _ in range(5):
        world.tick(after=15)
    assert texts(published_runs(world)) == texts(runs)


def test_a_window_is_not_extended_over_days_whose_records_are_purged() -> None:
    """What lies between its parts was published, and would be again."""
    world = world_of(ADF_TRIGGER_RETENTION_DAYS="8")
    keeper = observing(world)
    bad = set()
    for _ in range(MOST_GAPS):
        world.clock.forward(2)
        bad.add(ended(world))
        now = world.clock()
        keeper.skip(FACTORY_ID, Gap(now - SECOND, now + SECOND / 2, now, now, tries=9))
    poison(world, bad)
    place = keeper.read(FACTORY_ID).place
    assert place is not None
    keeper.move_on(FACTORY_ID, type(place)(world.clock() + SECOND, None))
    world.clock.forward(60)
    good = ended(world)
    for _ in range(80):
        world.tick(after=3600)
    assert published_runs(world) == [good]
    assert len(skipped(world)) == MOST_GAPS
    bad.add(ended(world))
    for _ in range(40):
        world.tick(after=60)
    for _ in range(24 * 6):
        world.tick(after=3600)
    world.restart()
    bad.clear()
    for _ in range(60):
        world.tick(after=3600)
    assert published_runs(world).count(good) == 1


def test_after_the_app_was_stopped_for_days_one_failure_gives_up_no_window() -> None:
    """A window is given up after days and several tries."""
    world = world_of()
    hidden = skip_one(world)
    world.clock.forward(8 * 86_400)
    bad = {hidden}
    poison(world, bad)
    world.tick()
    bad.clear()
    for _ in range(3):
        world.tick(after=3600)
    assert published_runs(world) == [hidden]
