"""Requests that wait for allowed calls are started as soon as these are allowed, and not when the timer is due."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from adf_trigger.errors import Forbidden, LedgerError, Throttled, UnknownOutcome
from adf_trigger.service.calls.allowance import RATES, Allowance
from adf_trigger.service.calls.throttling import Bucket
from adf_trigger.service.dispatching.drain import MOST, BacklogDrainer
from adf_trigger.service.starting.backlog import NOTE
from adf_trigger.service.threads.tick_threads import THREADS, TickThreads
from adf_trigger.settings.schedule import Schedule
from tests.support.holding import hold, record_of, release
from tests.support.world import FACTORY_ID, START, STARTED, World
from tests.unit.service.dispatching.test_dispatcher import Turns

PERIOD = 15
SECOND = timedelta(seconds=1)
KEYS = [f"key-{number}" for number in range(5)]


class Begun:
    """Begins no work until it may, and keeps it."""

    def __init__(self) -> None:
        self.may = True
        self.works: list[Callable[[], object]] = []

    def __call__(self, work: Callable[[], object], name: str) -> bool:  # noqa: ARG002 - the port's
        """See Begin."""
        if self.may:
            self.works.append(work)
        return self.may


@pytest.fixture
def world() -> Turns:
    """Some requests that wait for their turns."""
    world = Turns(tick_threads=TickThreads())
    world.factory.declare("load")
    world.wait_for_turns()
    for key in KEYS:
        world.submit(key)
    return world


@pytest.fixture
def begun() -> Begun:
    """What was begun."""
    return Begun()


@pytest.fixture
def drainer(world: Turns, begun: Begun) -> BacklogDrainer:
    """One whose time passes with the world's."""
    dispatcher = world.services.tick._parts.dispatcher
    return BacklogDrainer(
        world.ledger,
        dispatcher._backlog,
        dispatcher,
        dispatcher._gate,
        Allowance(world.clock.seconds, sleep=lambda seconds: world.clock.forward(seconds)),  # noqa: PLW0108 - replaced later
        world.clock,
        Schedule(f"*/{PERIOD} * * * * *"),
        calls=100,
        seconds=world.clock.seconds,
        begin=begun,
    )


def since(world: Turns) -> datetime:
    """Since when requests wait; now where none do."""
    note = world.notes.get(FACTORY_ID, NOTE)
    return world.clock() if note is None else datetime.fromisoformat(note.value["since"])


def drain(world: Turns, drainer: BacklogDrainer) -> float:
    """Drain the backlog; the seconds that it took."""
    begun = world.clock.seconds()
    drainer.drain(world.services.factories.choose(None), since(world))
    return world.clock.seconds() - begun


def started(world: Turns) -> list[str]:
    """The requests that were started."""
    return [key for key in KEYS if world.status(key) in STARTED]


def while_it_waits(world: Turns, *events: Callable[[], object]) -> None:
    """Have something happen in each wait."""
    forward, left = world.clock.forward, list(events)

    def passing(seconds: float) -> None:
        forward(seconds)
        if left:
            left.pop(0)()

    world.clock.forward = passing  # type: ignore[method-assign]


def test_all_are_started_in_order_and_nobody_waits_any_more(world: Turns, drainer: BacklogDrainer) -> None:
    """Long before the timer is due."""
    assert drain(world, drainer) < 5
    order = [run.run_id for run in world.factory.runs.values()]
    assert order == [world.services.query.find(key).run_id for key in KEYS]
    assert not world.has_backlog


def test_who_is_claimed_after_the_first_look_is_started_by_the_next_one(
    world: Turns, drainer: BacklogDrainer
) -> None:
    """The note is written before the request that it is written for."""
    world.tick()
    world.tick()  # hands over what the first one has started
    world.wait_for_turns()
    world.clock.forward(2)
    while_it_waits(world, lambda: None, lambda: world.submit("late"))
    assert drain(world, drainer) < PERIOD
    assert world.status("late") in STARTED


def test_a_request_in_doubt_is_left_to_the_timer(world: Turns, drainer: BacklogDrainer) -> None:
    """A tick notes each doubt before it decides about it, so that its run is not published as a run of others."""
    world.notes.remove(FACTORY_ID, NOTE)
    world.clock.forward(2)
    world.factory.fail_next("create_run", UnknownOutcome("no answer"))
    world.submit("doubtful")
    assert record_of(world, "doubtful").sent_at is not None
    world.clock.forward(600)
    world.wait_for_turns()
    world.factory.calls.clear()
    drain(world, drainer)
    assert started(world) == KEYS
    assert set(world.factory.calls) == {"create_run"}
    assert world.factory.calls.count("create_run") == len(KEYS)
    assert record_of(world, "doubtful").sent_at is not None


def test_a_request_that_is_cancelled_before_its_turn_is_not_sent(
    world: Turns, drainer: BacklogDrainer
) -> None:
    """The others are, in order."""
    while_it_waits(world, lambda: world.cancel(KEYS[2]))
    drain(world, drainer)
    assert started(world) == [key for key in KEYS if key != KEYS[2]]
    assert world.status(KEYS[2]) == "Cancelled"


@pytest.mark.parametrize("seconds", [3_000, -86_400])
def test_a_clock_that_is_set_meanwhile_neither_ends_a_drain_nor_prolongs_it(
    world: Turns, drainer: BacklogDrainer, seconds: int
) -> None:
    """Its end is counted in seconds that pass."""
    while_it_waits(world, lambda: world.clock.jump(seconds))
    assert drain(world, drainer) < PERIOD
    assert started(world) == KEYS


def test_what_is_held_meanwhile_is_not_sent(world: Turns, drainer: BacklogDrainer) -> None:
    """After the release it starts in order of arrival."""
    while_it_waits(world, lambda: hold(world))
    drain(world, drainer)
    assert started(world) == []
    release(world)
    drain(world, drainer)
    order = [world.services.query.find(str(run)).request_id for run in world.factory.runs]
    assert order == KEYS


def test_without_a_backlog_nothing_is_read(world: Turns, drainer: BacklogDrainer) -> None:
    """A tick has started them all meanwhile."""
    while_it_waits(world, world.tick)
    drain(world, drainer)
    read = world.ledger.active

    def active(_: str) -> None:
        raise AssertionError("it was read")

    world.ledger.active = active  # type: ignore[method-assign, assignment]
    assert drain(world, drainer) < 2
    world.ledger.active = read  # type: ignore[method-assign]
    assert started(world) == KEYS


def test_a_short_pause_is_kept_and_a_long_one_left_to_the_timer(
    world: Turns, drainer: BacklogDrainer
) -> None:
    """It ends before the timer is due, whatever happens."""
    world.factory.fail_next("create_run", Throttled("slow down", retry_after=3))
    assert drain(world, drainer) < PERIOD
    assert started(world) == KEYS
    world.clock.forward(2)  # what was known of a backlog is forgotten
    world.wait_for_turns()
    world.submit("more")
    world.factory.fail_next("create_run", Throttled("slow down", retry_after=PERIOD))
    world.factory.calls.clear()
    assert drain(world, drainer) < PERIOD
    assert world.factory.calls.count("create_run") == 1
    assert world.has_backlog


def test_a_factory_that_cannot_be_used_is_left_to_the_timer(world: Turns, drainer: BacklogDrainer) -> None:
    """It is called once at most."""
    world.factory.always["create_run"] = Forbidden("no role", status=403)
    assert drain(world, drainer) < PERIOD
    assert world.factory.calls.count("create_run") == 1
    assert started(world) == []
    assert world.has_backlog


def test_one_thread_drains_a_factory_and_looks_again_where_a_backlog_begins_meanwhile(
    world: Turns, drainer: BacklogDrainer, begun: Begun
) -> None:
    """Else one that begins as it ends would wait for the timer."""
    factory, drained = world.services.factories.choose(None), list[datetime]()

    def drain_once(_: Any, since: datetime) -> None:
        drained.append(since)
        if len(drained) == 1:
            drainer.begin(factory, START + SECOND)
            drainer.begin(factory, START + 2 * SECOND)

    drainer.drain = drain_once  # type: ignore[method-assign, assignment]
    drainer.begin(factory, START)
    (work,) = begun.works
    work()
    assert drained == [START, START + 2 * SECOND]
    assert len(begun.works) == 1
    drainer.begin(factory, START)
    assert len(begun.works) == 2


def test_where_no_thread_can_be_started_the_next_backlog_tries_again(
    world: Turns, drainer: BacklogDrainer, begun: Begun
) -> None:
    """Until then the timer starts what waits."""
    factory = world.services.factories.choose(None)
    begun.may = False
    drainer.begin(factory, since(world))
    begun.may = True
    drainer.begin(factory, since(world))
    assert len(begun.works) == 1


@pytest.mark.parametrize(("error", "level"), [(LedgerError("away"), "WARNING"), (KeyError("a bug"), "ERROR")])
def test_an_error_is_logged_and_ends_this_drain_alone(
    world: Turns,
    drainer: BacklogDrainer,
    begun: Begun,
    error: Exception,
    level: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The timer continues, and so does the next backlog."""
    factory = world.services.factories.choose(None)

    def away(_: str) -> None:
        raise error

    active = world.ledger.active
    world.ledger.active = away  # type: ignore[method-assign, assignment]
    drainer.begin(factory, since(world))
    begun.works.pop()()
    (failed,) = [each for each in caplog.records if getattr(each, "action", "") == "drain_failed"]
    assert failed.levelname == level
    world.ledger.active = active  # type: ignore[method-assign]
    drainer.begin(factory, since(world))
    begun.works.pop()()
    assert started(world) == KEYS


def test_only_the_process_that_begins_a_backlog_drains_it(world: Turns) -> None:
    """Another one finds that it has begun."""
    world.notes.remove(FACTORY_ID, NOTE)
    drained = list[str]()
    for name in ("one", "two"):
        world.restart()
        backlog = world.services.tick._parts.dispatcher._backlog
        backlog.drained_by(lambda _, __, name=name: drained.append(name))  # type: ignore[misc]
        backlog.begin(world.services.factories.choose(None))
    assert drained == ["one"]


def test_a_backlog_that_another_process_begins_meanwhile_is_left_to_it(
    world: Turns, drainer: BacklogDrainer
) -> None:
    """Else each process that has begun one would drain the last, and more calls would overtake one another."""

    def another() -> None:
        world.notes.remove(FACTORY_ID, NOTE)
        world.wait_for_turns()

    while_it_waits(world, another)
    drain(world, drainer)
    assert started(world) == []
    assert world.has_backlog


def test_a_few_factories_are_drained_and_the_rest_left_to_the_timer(
    world: Turns, drainer: BacklogDrainer, begun: Begun
) -> None:
    """One burst empties the bucket of a whole subscription, so that every factory of it begins a backlog."""
    factory = world.services.factories.choose(None)
    for number in range(100):
        drainer.begin(replace(factory, id=f"{FACTORY_ID}-{number}"), START)
    assert len(begun.works) == MOST
    begun.works[0]()
    drainer.begin(factory, START)
    assert len(begun.works) == MOST + 1


def test_a_dispatcher_that_keeps_a_pause_has_nobody_drain_beside_it(world: Turns) -> None:
    """It goes on itself; where its time ends before the requests do, they are drained."""
    world.notes.remove(FACTORY_ID, NOTE)
    world.clock.forward(2)  # what was known of it is forgotten
    dispatcher, drained = world.services.tick._parts.dispatcher, list[str]()
    dispatcher._backlog.drained_by(lambda factory, _: drained.append(factory.alias))
    world.factory.fail_next("create_run", Throttled("slow down", retry_after=30))
    world.dispatch(KEYS)
    assert world.has_backlog
    assert drained == []
    world.clock.forward(31)
    world.notes.remove(FACTORY_ID, NOTE)
    world.dispatch(KEYS, calls=2)
    assert drained == ["default"]


def test_a_service_with_threads_starts_what_waits_before_any_tick() -> None:
    """More come at once than are allowed, and the bucket is filled again a moment later."""
    world = World(tick_threads=TickThreads(THREADS))
    world.factory.declare("load")
    count = int(RATES[Bucket.WRITES].burst) + 8
    for number in range(count):
        world.submit(f"key-{number}")
    pause = threading.Event()
    for _ in range(6_000):
        if len(world.factory.runs) == count:
            break
        pause.wait(0.01)
    assert len(world.factory.runs) == count
