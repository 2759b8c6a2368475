"""One run that makes every page that shows it fail keeps back the other runs of its factory for a bounded time."""

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.datafactory.models import Page, PipelineRun, RunFilter
from adf_trigger.errors import BadRequest, DataFactoryError, Throttled, Unavailable
from adf_trigger.service.other_runs.gaps import MOST_GAPS
from adf_trigger.service.other_runs.observing import Gap
from tests.support.memory_factory import LOST_REPLY
from tests.support.other_runs import DOWN, ended, poison, published_runs, skipped, world_of
from tests.support.script import Crashed, Script
from tests.support.world import FACTORY_ID, START, World, settings

GARBLED = Unavailable("its body is no JSON", status=200)
PARKED = {"observe": "topLevel", "unknownOutcome": "park"}


@pytest.mark.parametrize("error", [DOWN, GARBLED, BadRequest("a value is not valid", status=400)])
@pytest.mark.parametrize("restarts", [False, True])
def test_runs_around_one_that_cannot_be_listed_are_published(
    error: DataFactoryError,
    restarts: bool,  # noqa: FBT001
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Soon after the overlap, in which lists lag; the window is noted, logged, and published once it can be read."""
    caplog.set_level(logging.INFO)
    world = world_of()
    world.clock.forward(3)
    before = ended(world)
    world.clock.forward(20)
    bad = {ended(world)}
    (hidden,) = bad
    poison(world, bad, error)
    after = []
    for _ in range(30):
        world.clock.forward(7)
        after.append(ended(world))
        world.tick(after=8)
        if restarts:
            world.restart()
    assert sorted(map(str, published_runs(world))) == sorted(map(str, [before, *after]))
    (gap,) = skipped(world)
    assert "observed_window_skipped" in [getattr(each, "action", "") for each in caplog.records]
    world.services.health._read()
    (shown,) = asyncio.run(world.services.health.answer()).details["observed"]
    (window,) = shown["skipped"]
    assert window["after"] == gap["after"]
    assert window["after"] < (START + timedelta(seconds=23)).isoformat() <= window["before"]
    bad.clear()
    world.tick(after=3600)
    assert published_runs(world).count(hidden) == 1
    assert len(published_runs(world)) == len(after) + 2
    assert skipped(world) == []
    assert "observed_window_read" in [getattr(each, "action", "") for each in caplog.records]


def test_no_window_is_skipped_while_no_list_can_be_read() -> None:
    """An outage is waited for, whatever its length; all runs are published after it."""
    world = world_of()
    world.clock.forward(3)
    runs = [ended(world)]
    world.factory.always["query_runs"] = DOWN
    for _ in range(60):
        world.tick(after=60)
        runs.append(ended(world))
    assert published_runs(world) == []
    assert skipped(world) == []
    del world.factory.always["query_runs"]
    for _ in range(5):
        world.tick(after=15)
    assert sorted(map(str, published_runs(world))) == sorted(map(str, runs))


def test_a_run_that_shows_late_is_published_though_a_later_one_cannot_be_listed() -> None:
    """No window is skipped before the lists up to it are complete."""
    world = world_of()
    world.clock.forward(3)
    late = ended(world)
    world.factory.hidden.add(late)
    world.clock.forward(10)
    poison(world, {ended(world)})
    for _ in range(18):
        world.tick(after=15)
    world.factory.hidden.clear()
    for _ in range(12):
        world.tick(after=15)
    assert published_runs(world) == [late]
    assert skipped(world) == []
    for _ in range(120):
        world.tick(after=15)
    assert published_runs(world) == [late]
    assert len(skipped(world)) == 1


@pytest.mark.parametrize("is_readable", [False, True])
def test_a_window_ahead_of_the_progress_hides_no_run_before_it(is_readable: bool) -> None:  # noqa: FBT001
    """It was skipped for held runs of one pipeline, or by another host; those of others are not listed yet."""
    world = world_of()
    world.clock.forward(50)
    before = ended(world)
    world.clock.forward(50)
    bad = {ended(world)}
    gap = Gap(world.clock() - timedelta(seconds=1), world.clock() + timedelta(seconds=1), START, START)
    world.services.tick._parts.others._observing.skip(FACTORY_ID, gap)
    world.clock.forward(50)
    after = ended(world)
    if not is_readable:
        poison(world, bad)
    for _ in range(130):
        world.tick(after=15)
    assert set(published_runs(world)) == {before, after} | (bad if is_readable else set())
    assert len(published_runs(world)) == len(set(published_runs(world)))
    latest = ended(world)
    world.tick(after=15)
    assert published_runs(world)[-1] == latest


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_clock_that_is_ahead_loses_no_run_before_one_that_cannot_be_listed(is_busy: bool) -> None:  # noqa: FBT001
    """How far lists are complete is judged by Data Factory's clock."""
    ahead = timedelta(minutes=25)
    world = world_of()
    world.factory.clock = lambda: world.clock() - ahead

    def run() -> UUID:
        run_id = ended(world)
        world.factory.runs[run_id].created -= ahead
        return run_id

    world.tick(after=1800)
    late = run()
    world.factory.hidden.add(late)
    world.clock.forward(10)
    poison(world, {run()})
    world.clock.forward(5)
    runs = [late]
    for number in range(200):
        if number == 18:
            world.factory.hidden.clear()
        if is_busy:
            runs.append(run())
        world.tick(after=15)
    assert sorted(map(str, published_runs(world))) == sorted(map(str, runs))
    assert len(skipped(world)) == 1


def test_killed_while_a_window_is_skipped_nothing_is_lost() -> None:
    """Its note is written before the progress; the next process may narrow down the same run once more."""
    script = Script()
    world = world_of(steps=script)
    world.clock.forward(3)
    hidden = ended(world)
    bad = {hidden}
    poison(world, bad)
    world.clock.forward(20)
    later = ended(world)
    for _ in range(125):
        world.tick(after=15)
    assert skipped(world) == []
    script.crash = ("observing.hold", True)
    crashes = 0
    for _ in range(30):
        try:
            world.tick(after=15)
        except Crashed:
            world.restart()
            crashes += 1
    assert crashes == 1
    assert published_runs(world) == [later]
    assert 1 <= len(skipped(world)) <= 2
    bad.clear()
    for _ in range(3):
        world.tick(after=3600)
    assert published_runs(world) == [later, hidden]
    assert skipped(world) == []


def test_very_many_that_cannot_be_listed_take_few_windows() -> None:
    """Each window that is skipped is longer than the last; those that hide readable runs are halved later."""
    world = world_of()
    bad, good = set(), []
    for number in range(100):
        world.clock.forward(4)
        if number % 50 == 49:
            good.append(ended(world))
            world.clock.forward(4)
        bad.add(ended(world))
    poison(world, bad)
    world.clock.forward(600)
    good.append(ended(world))
    for _ in range(60):
        world.tick(after=15)
        assert len(skipped(world)) <= MOST_GAPS
    assert good[-1] in published_runs(world)
    for _ in range(100):
        world.tick(after=1800)
    assert not bad & set(published_runs(world))
    bad.clear()
    for _ in range(80):
        world.tick(after=1800)
    assert len(published_runs(world)) == 102 + 1
    assert skipped(world) == []


def test_where_every_run_is_unreadable_the_windows_stay_few() -> None:
    """The last one is extended, and all runs are published once they can be read."""
    world = world_of(ADF_TRIGGER_POLL_OVERLAP_SECONDS="30")
    bad: set[UUID] = set()
    poison(world, bad)
    runs = []
    most = 0
    for _ in range(90):
        world.tick(after=60)
        runs.append(ended(world))
        bad.add(runs[-1])
        most = max(most, len(skipped(world)))
    assert most == MOST_GAPS
    bad.clear()
    for _ in range(60):
        world.tick(after=3600)
    assert sorted(map(str, published_runs(world))) == sorted(map(str, runs))
    assert skipped(world) == []


def test_what_is_skipped_is_tried_ever_less_often_and_given_up_after_days(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A try costs one call."""
    world = world_of()
    world.clock.forward(3)
    poison(world, {ended(world)})
    for _ in range(40):
        world.tick(after=60)
    (gap,) = skipped(world)
    assert gap["tries"] <= 3
    for _ in range(24 * 7 * 2 + 3):
        world.tick(after=1800)
    assert skipped(world) == []
    assert "observed_window_given_up" in [getattr(each, "action", "") for each in caplog.records]
    later = ended(world)
    world.tick(after=15)
    assert published_runs(world) == [later]


def test_held_runs_are_published_though_one_of_them_cannot_be_listed() -> None:
    """They are listed apart, from when the doubt began."""
    world = World(settings=settings(ADF_TRIGGER_POLICY=json.dumps({"load": PARKED})))
    world.factory.declare("load")
    world.tick()
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    for _ in range(20):
        world.tick(after=15)
    assert world.status() == "Unknown"
    runs = []
    for _ in range(3):
        world.tick(after=20)
        runs.append(ended(world))
    world.tick(after=15)
    first, hidden, second = runs
    assert published_runs(world)[1:] == []
    bad = {hidden}
    poison(world, bad)
    for _ in range(40):
        world.tick(after=60)
    world.outbox.events.clear()
    world.resolve("key-1", "dismiss")
    for _ in range(10):
        world.tick(after=15)
    assert set(published_runs(world)) == {first, second}
    assert list(world.notes.named(FACTORY_ID, "observe|held|")) == []
    bad.clear()
    for _ in range(3):
        world.tick(after=3600)
    assert set(published_runs(world)) == {first, second, hidden}
    assert len(published_runs(world)) == 3
    assert skipped(world) == []


def test_with_few_calls_a_tick_narrowing_goes_on_in_the_next_one() -> None:
    """What a tick has found out is not lost."""
    world = world_of(ADF_TRIGGER_TICK_CALLS="8")
    world.clock.forward(3)
    poison(world, {ended(world)})
    world.clock.forward(20)
    later = ended(world)
    for _ in range(200):
        world.tick(after=15)
    assert published_runs(world) == [later]
    assert len(skipped(world)) == 1


def test_a_list_that_is_cut_off_by_a_429_each_time_is_shorter_the_next_time() -> None:
    """Else the runs of a busy factory would never be read."""
    world = world_of()
    runs = []
    for _ in range(260):
        world.clock.forward(10)
        runs.append(ended(world))
    as_it_is = world.factory.query_runs

    def query_runs(run_filter: RunFilter, **sifting: Any) -> Iterator[Page[PipelineRun]]:
        for number, page in enumerate(as_it_is(run_filter, **sifting)):
            if number == 2:
                raise Throttled("slow down", retry_after=1)
            yield page

    world.factory.query_runs = query_runs  # type: ignore[method-assign]
    for _ in range(60):
        world.tick(after=15)
    assert sorted(map(str, published_runs(world))) == sorted(map(str, runs))
