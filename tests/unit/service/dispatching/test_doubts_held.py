"""Requests in doubt that an operator holds: they are looked up, and neither sent nor given up meanwhile."""

from uuid import uuid4

import pytest

from adf_trigger.errors import Unavailable
from adf_trigger.service.holds.hold import Scope
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.holding import hold, release
from tests.support.memory_factory import Run
from tests.support.world import settings
from tests.unit.service.dispatching.test_settler import DEADLINE, Doubts


@pytest.fixture
def world() -> Doubts:
    """A request is in doubt, its run has not been seen for long, and its pipeline is held."""
    world = Doubts(
        settings=settings(ADF_TRIGGER_START_DEADLINE_SECONDS=str(DEADLINE)), tick_threads=TickThreads()
    )
    world.factory.declare("load")
    world.submit("teacher")
    world.in_doubt("key-1")
    world.watch()
    hold(world, "load")
    world.clock.forward(2)
    return world


def test_a_request_that_was_not_started_is_held_with_what_was_found(world: Doubts) -> None:
    """It is not leased, so that no attempt is counted, and stays in doubt."""
    before = world.record()
    world.dispatch()
    record = world.record()
    assert record.held is not None
    assert (record.held.by, record.held.since) == (Scope(pipeline="load").id, world.clock())
    assert (record.attempts, record.sent_at) == (before.attempts, before.sent_at)
    assert "deploying; " in str(record.message)
    assert "create_run" not in world.factory.calls


def test_a_held_request_is_held_by_the_next_hold(world: Doubts) -> None:
    """It is held since the first one, though that was released before the next one began."""
    world.dispatch()
    first = world.record()
    release(world, "load")
    hold(world)
    world.dispatch(after=30)
    record = world.record()
    assert first.held is not None
    assert record.held is not None
    assert (record.held.by, record.held.since) == (Scope().id, first.held.since)
    assert record.sent_at == first.sent_at
    assert "create_run" not in world.factory.calls


def test_a_held_cancelled_doubt_is_not_given_up_while_a_run_may_be_its_own(world: Doubts) -> None:
    """This holds long past the deadline, since time on hold does not count."""
    world.dispatch()
    world.clock.forward(2 * DEADLINE)
    world.cancel()
    stranger = uuid4()
    world.factory.runs[stranger] = Run(stranger, "load", {}, world.clock(), world.clock())
    assert world.dispatch(after=60) == []
    record = world.record()
    assert record.status == "Accepted"
    assert str(stranger) in str(record.message)


def test_a_held_cancelled_doubt_is_not_given_up_while_data_factory_cannot_be_asked(world: Doubts) -> None:
    """It is looked up again."""
    world.dispatch()
    world.clock.forward(2 * DEADLINE)
    world.cancel()
    world.factory.always["get_run"] = Unavailable("down", status=503)
    assert world.dispatch(after=60) == []
    record = world.record()
    assert record.status == "Accepted"
    assert "down" in str(record.message)
