"""A tick that is overdue, since a killed host holds the timer's lock, is run by a host that is called meanwhile."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adf_trigger.errors import LedgerError
from adf_trigger.service.apps.own_notes import FALLBACK_NOTE, TICK_NOTE
from adf_trigger.service.health.health import HealthReader, HealthStatus
from adf_trigger.service.steps import logged_steps
from adf_trigger.service.timer.fallback import LOOK_EVERY, FallbackTicker
from adf_trigger.settings.schedule import Schedule
from tests.support.world import World, settings

OVERDUE = 60.0
"""Seconds after a tick, with a timer of 15 seconds."""


class Instance:
    """A process that may stand in, whose clock for looks is the world's."""

    def __init__(self, world: World) -> None:
        world.restart()
        self.services = world.services
        self.fallback_ticker = self._fallback_ticker(world)

    def _fallback_ticker(self, world: World) -> FallbackTicker:
        return FallbackTicker(
            world.services.tick,
            world.services.notes,
            world.clock,
            Schedule(world.settings.poll_schedule),
            logged_steps,
            seconds=lambda: world.clock().timestamp(),
        )


@pytest.fixture
def world() -> World:
    """A service whose timer has just ticked, and a run that has ended since."""
    world = World()
    world.factory.declare("load")
    world.submit()
    world.tick(after=15)
    world.factory.finish(world.services.query.find("key-1").run_id)
    return world


def test_a_tick_that_is_not_overdue_is_the_timer_s(world: World) -> None:
    """Up to two periods and some seconds no host stands in."""
    instance = Instance(world)
    for _ in range(3):
        world.clock.forward(LOOK_EVERY)
        assert not instance.fallback_ticker.run_if_overdue("queue")
    assert world.outbox.events == []


def test_an_overdue_tick_is_run_once_and_noted_with_its_host(world: World) -> None:
    """One of several instances runs it; while the timer stays away, another one follows later."""
    instances = [Instance(world) for _ in range(3)]
    world.clock.forward(OVERDUE)
    assert [each.fallback_ticker.run_if_overdue("queue") for each in instances] == [True, False, False]
    assert [event.subject for event in world.outbox.events] == ["key-1"]
    note = world.services.notes.get("app", FALLBACK_NOTE)
    assert note is not None
    assert (note.value["by"], note.value["at"]) == ("queue", world.clock().isoformat())
    world.clock.forward(OVERDUE)
    assert instances[2].fallback_ticker.run_if_overdue("http")


def test_a_host_that_runs_it_keeps_the_others_from_it_until_it_counts_as_dead(world: World) -> None:
    """A process that is killed in the middle of a tick costs a minute at most."""

    class Killed(BaseException):
        pass

    @contextmanager
    def killed(name: str) -> Iterator[None]:
        if name == "records.end":
            raise Killed
        yield

    world.steps = killed
    dying = Instance(world)
    world.steps = logged_steps
    other = Instance(world)
    world.clock.forward(OVERDUE)
    with pytest.raises(Killed):
        dying.fallback_ticker.run_if_overdue("queue")
    world.clock.forward(LOOK_EVERY)
    assert not other.fallback_ticker.run_if_overdue("queue")
    world.clock.forward(OVERDUE)
    assert other.fallback_ticker.run_if_overdue("queue")
    assert [event.subject for event in world.outbox.events] == ["key-1"]


def _health(world: World) -> HealthStatus:
    world.services.observer.observe()
    reader = HealthReader(world.services.notes, world.clock, Schedule(world.settings.poll_schedule))
    return asyncio.run(reader.answer()).status


@pytest.mark.parametrize("stands_in", [True, False])
def test_health_judges_the_timer_by_its_own_ticks(world: World, *, stands_in: bool) -> None:
    """However well others stand in for it, a timer that stands still shows."""
    timer = world.services.notes.get("app", TICK_NOTE)
    instance = Instance(world)
    assert _health(world) is HealthStatus.OK
    for _ in range(5):
        world.clock.forward(OVERDUE)
        assert instance.fallback_ticker.run_if_overdue("http") or not stands_in
    assert world.services.notes.get("app", TICK_NOTE) == timer
    assert _health(world) is HealthStatus.UNAVAILABLE
    world.tick()
    assert _health(world) is HealthStatus.OK


def test_a_process_looks_rarely(world: World) -> None:
    """Thousands of calls cost a few reads."""
    instance = Instance(world)
    world.notes.before["get"] = [LedgerError("no answer")]
    assert not instance.fallback_ticker.run_if_overdue("queue")
    world.clock.forward(LOOK_EVERY - 1)
    world.notes.before["get"] = [AssertionError("it looked again")] * 50
    for _ in range(50):
        assert not instance.fallback_ticker.run_if_overdue("queue")
        instance.fallback_ticker.nudge("http")


def test_a_call_does_not_wait_for_the_tick(world: World) -> None:
    """The call returns while the tick is still to be run, and no second thread begins one."""
    may_go_on, begun = threading.Event(), threading.Event()

    @contextmanager
    def held_up(name: str) -> Iterator[None]:
        if name == "records.end":
            begun.set()
            assert may_go_on.wait(timeout=60)
        yield

    world.steps = held_up
    instance = Instance(world)
    world.clock.forward(OVERDUE)
    instance.fallback_ticker.nudge("http")
    try:
        assert begun.wait(timeout=60)
        world.clock.forward(OVERDUE)
        instance.fallback_ticker.nudge("http")
        assert not instance.fallback_ticker.run_if_overdue("queue")
        (standing_in,) = (each for each in threading.enumerate() if each.name == "stand-in")
    finally:
        may_go_on.set()
    standing_in.join(timeout=60)
    assert [event.subject for event in world.outbox.events] == ["key-1"]


def test_where_no_thread_can_be_started_a_later_call_stands_in(world: World) -> None:
    """A process that had no thread left for a moment tries again at a later call."""
    instance = Instance(world)
    world.clock.forward(OVERDUE)
    instance.fallback_ticker._begin = lambda *_: False
    instance.fallback_ticker.nudge("http")
    world.clock.forward(LOOK_EVERY)
    assert instance.fallback_ticker.run_if_overdue("queue")
    assert [event.subject for event in world.outbox.events] == ["key-1"]


def test_trouble_of_the_tick_does_not_reach_the_caller(world: World) -> None:
    """An error in the timer's place is logged, and not raised."""
    instance = Instance(world)
    world.clock.forward(OVERDUE)
    instance.services.tick._seconds = lambda: 1 / 0
    assert not instance.fallback_ticker.run_if_overdue("queue")


@pytest.mark.parametrize(
    "value", [{}, {"at": 7}, {"at": "soon", "seconds": "x"}, {"at": "2026-01-05T12:00:00"}]
)
def test_notes_of_another_version_are_ignored(value: dict[str, object]) -> None:
    """A note that cannot be read is no tick: this process's start counts."""
    world = World(settings=settings())
    world.services.notes.put("app", TICK_NOTE, value)
    world.services.notes.put("app", FALLBACK_NOTE, value)
    instance = Instance(world)
    assert not instance.fallback_ticker.run_if_overdue("queue")
    world.clock.forward(OVERDUE)
    assert instance.fallback_ticker.run_if_overdue("queue")
