"""A process that has no thread left continues without one, and repeats what it could not begin."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from adf_trigger.messages.envelopes import Event
from adf_trigger.service.health.health import HealthReader, HealthStatus
from adf_trigger.service.health.observe import NOT_ASKED, Observer
from adf_trigger.service.intake.event_counts import EventCounts
from adf_trigger.service.steps import logged_steps
from adf_trigger.service.threads.side_threads import begin
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.settings.schedule import Schedule
from tests.support.world import World

SCHEDULE = Schedule("*/15 * * * * *")


class Begun:
    """Starts no thread until it may."""

    def __init__(self) -> None:
        self.may = False

    def __call__(self, work: Callable[[], object], name: str) -> bool:
        """See Begin."""
        return self.may and begin(work, name)


def no_thread() -> None:
    """The error that Python raises where the system has no thread left."""
    raise RuntimeError("can't start new thread")


def test_a_thread_is_started() -> None:
    """It does the work."""
    done = threading.Event()
    assert begin(done.set, "test")
    assert done.wait(timeout=60)


def test_health_reads_as_soon_as_it_can() -> None:
    """A reading that did not begin is not waited for."""
    world, begun = World(), Begun()
    world.services.observer.observe()
    reader = HealthReader(world.services.notes, world.clock, SCHEDULE, begin=begun)
    assert asyncio.run(reader.answer()).status is HealthStatus.STARTING
    begun.may = True
    assert asyncio.run(reader.answer()).status is HealthStatus.OK


def test_a_component_that_could_not_be_asked_is_asked_again() -> None:
    """It is reported, and does not count as hanging from then on."""
    world, begun = World(), Begun()
    observer = Observer(
        {"table": lambda: None}, world.notes, world.clock, SCHEDULE, logged_steps, limit=60, begin=begun
    )
    assert observer._ask(["table"]) == {"table": NOT_ASKED}
    begun.may = True
    assert observer._ask(["table"]) == {"table": None}


def test_counts_of_events_are_written_once_they_can_be() -> None:
    """The next event writes them."""
    world, later = World(), list[Any]([no_thread, None])
    counts = EventCounts(world.notes, world.clock, logged_steps, lambda _, work: (later.pop(0) or work)())
    event = Event(schema="", id="1", source="s", type="t", subject="x", time=None, data=None, document={})
    counts.unwanted(event, "why")
    counts.unwanted(event, "why")
    note = world.notes.get("app", "events")
    assert note is not None
    assert note.value["unwanted"] == 2


def test_a_tick_continues_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No item is lost because no thread could help."""
    threads = TickThreads(4)
    assert isinstance(threads._pool, ThreadPoolExecutor)
    monkeypatch.setattr(threads._pool, "submit", lambda *_: no_thread())
    done: list[int] = []
    threads.each(done.append, range(5), at_once=4)
    assert done == [0, 1, 2, 3, 4]
