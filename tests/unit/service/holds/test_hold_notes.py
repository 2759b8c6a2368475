"""Holds are kept, bounded, and consistent under concurrent changes."""

from datetime import timedelta

import pytest

from adf_trigger.errors import FactoryNotFound, InvalidRequest
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.ledger.records import RunState
from adf_trigger.service.holds.hold import Scope
from adf_trigger.service.holds.notes import HOLD_NOTES, MOST_ENDED
from adf_trigger.service.steering.holding import MOST_HOLDS, HoldOrder
from tests.support.holding import a_world, hold, record_of, release, started
from tests.support.script import Script
from tests.support.world import World, settings


def test_held_again_it_has_the_last_reason_and_end() -> None:
    """Holding and releasing may both be repeated."""
    world = a_world()
    first = hold(world).holds[0]
    world.clock.forward(60)
    changed = hold(world, reason="longer", until=world.clock() + timedelta(days=3)).holds
    assert [(each.reason, each.since) for each in changed] == [("longer", first.since)]
    assert release(world).holds == []
    assert release(world).holds == []
    assert release(world, "never held").holds == []


def test_two_concurrent_operators_leave_one_result() -> None:
    """The slower one applies its change to what the other has written."""
    script = Script()
    world = a_world(script)
    script.meanwhile = ("holds.put", lambda: hold(world, reason="mine"))
    now = hold(world, reason="ours")
    assert [each.reason for each in now.holds] == ["ours"]
    script.meanwhile = ("holds.put", lambda: release(world))
    hold(world, reason="again")
    assert world.submit().record.held is not None
    script.meanwhile = ("holds.put", lambda: hold(world, reason="too late"))
    assert release(world).holds == []
    world.clock.forward(2)
    world.tick()
    assert started(world) == ["load"]


def test_an_unknown_alias_is_none() -> None:
    """The error lists the known ones."""
    world = a_world()
    with pytest.raises(FactoryNotFound, match="there is: default"):
        world.services.holder.hold("nowhere", HoldOrder(scope=Scope(), reason="x"))
    with pytest.raises(FactoryNotFound):
        world.services.holder.release("nowhere", Scope())


@pytest.mark.parametrize(
    "ahead", [timedelta(), timedelta(seconds=-1), timedelta(days=31), timedelta(days=3650)]
)
def test_an_end_that_is_past_or_far_is_a_fault(ahead: timedelta) -> None:
    """A typing error does not hold for ten years."""
    world = a_world()
    with pytest.raises(InvalidRequest, match="/until"):
        hold(world, until=world.clock() + ahead)
    assert world.submit().record.state is RunState.SUBMITTED


def test_holds_are_bounded_and_ended_ones_are_removed() -> None:
    """A bounded number may stand, and a bounded number of ended ones is kept, for a week."""
    world = a_world()
    for number in range(MOST_HOLDS):
        hold(world, f"p{number}")
    with pytest.raises(InvalidRequest, match="the maximum"):
        hold(world, "one more")
    hold(world, "p7", reason="changed")
    for number in range(MOST_HOLDS):
        release(world, f"p{number}")
    for number in range(50):
        hold(world, f"q{number}")
        release(world, f"q{number}")
    assert len(world.notes.named(APP_SCOPE, HOLD_NOTES)) <= MOST_ENDED + 1
    world.clock.forward(8 * 86_400)
    release(world)
    assert world.notes.named(APP_SCOPE, HOLD_NOTES) == []


def test_a_note_of_another_version_holds_no_request() -> None:
    """A note that cannot be read is skipped, and logged."""
    world = a_world()
    hold(world)
    (note,) = world.notes.named(APP_SCOPE, HOLD_NOTES)
    for value in ({}, {**note.value, "until": "soon"}, {**note.value, "pipeline": 7}):
        world.notes.put(APP_SCOPE, note.name, value)
        world.clock.forward(2)
        assert world.submit(str(value)[-200:].strip("}")).record.state is RunState.SUBMITTED


def test_a_hold_outlives_the_process() -> None:
    """It is kept in the ledger's table."""
    world = a_world()
    hold(world)
    world.restart()
    world.submit()
    world.restart()
    world.tick(after=30)
    assert started(world) == []


def two_hosts(apart: float) -> tuple[World, World]:
    """Two instances over the same storage, whose clocks are some seconds apart; both have just looked."""
    one, other = a_world(), a_world()
    for name in ("ledger", "notes", "outbox", "rejected", "declarations", "factory"):
        setattr(other, name, getattr(one, name))
    other.clock.jump(apart)
    for world in (one, other):
        world.restart()
        world.submit(f"warm-{id(world)}", "other")
    return one, other


def later(worlds: tuple[World, World], seconds: float) -> None:
    """Time passes for both."""
    for world in worlds:
        world.clock.forward(seconds)


@pytest.mark.parametrize("apart", [3 * 3600, -3 * 3600])
def test_a_host_whose_clock_is_wrong_neither_ends_a_hold_early_nor_keeps_it(apart: float) -> None:
    """It has looked shortly before the hold began, so that it can compare; its own elapsed seconds count then."""
    one, other = worlds = two_hosts(apart)
    later(worlds, 5)
    hold(one, until=one.clock() + timedelta(hours=1))
    later(worlds, 2)
    assert other.submit("early").record.held is not None
    later(worlds, 3500)
    other.tick()
    assert started(one) == ["other", "other"]
    later(worlds, 120)
    other.tick()
    assert started(one) == ["other", "other", "load"]


def one_at_once() -> World:
    """A service that runs one run of the pipeline at a time."""
    world = World(settings=settings(ADF_TRIGGER_POLICY='{"load": {"admission": {"atOnce": 1}}}'))
    world.factory.declare("load", n={"type": "Int", "defaultValue": 0})
    return world


@pytest.mark.parametrize("pipeline", [None, "LOAD"])
def test_a_request_in_line_is_held_there_and_keeps_its_number(pipeline: str | None) -> None:
    """All requests in line are held in one tick, and continue in order; newcomers line up behind them."""
    world = one_at_once()
    for number in range(5):
        world.submit(f"key-{number}", parameters={"n": number})
    hold(world, pipeline)
    world.factory.finish(next(iter(world.factory.runs)))
    world.tick(after=30)
    assert len(started(world)) == 1
    assert all(record_of(world, f"key-{number}").held for number in range(1, 5))
    world.submit("key-5", parameters={"n": 5})
    world.tick(after=30)
    assert len(started(world)) == 1
    release(world, pipeline)
    for _ in range(12):
        world.tick(after=30)
        for run in world.factory.runs.values():
            world.factory.finish(run.run_id)
    assert [run.parameters["n"] for run in world.factory.runs.values()] == [0, 1, 2, 3, 4, 5]


def test_a_request_that_waits_in_line_after_a_hold_says_so() -> None:
    """It is no longer held, and its start deadline runs again."""
    world = one_at_once()
    for number in range(3):
        world.submit(f"key-{number}")
    hold(world)
    world.tick(after=30)
    assert record_of(world, "key-2").held is not None
    release(world)
    world.tick(after=30)
    waits = record_of(world, "key-2")
    reason = "it waits for a place: at most 1 run of load may be in progress at once"
    assert (waits.held, waits.message) == (None, reason)
    assert len(started(world)) == 1


def test_a_held_request_takes_no_place_when_it_comes() -> None:
    """It is not refused either: it waits for the hold first."""
    policy = '{"load": {"admission": {"atOnce": 1, "overflow": "refuse"}}}'
    world = World(settings=settings(ADF_TRIGGER_POLICY=policy))
    world.factory.declare("load")
    hold(world)
    for number in range(3):
        assert world.submit(f"key-{number}").record.held is not None
    release(world)
    for _ in range(8):
        world.tick(after=30)
        for run in world.factory.runs.values():
            world.factory.finish(run.run_id)
    assert len(started(world)) == 3
