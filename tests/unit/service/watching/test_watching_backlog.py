"""An end that could not be recorded at one look is not skipped by the next."""

from datetime import timedelta

import pytest

from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.watching.monitor import FEW
from tests.support.world import FACTORY_ID, World, settings

MANY = FEW + 3


def a_world(**changes: str) -> World:
    """A service that has started some runs."""
    world = World(settings=settings(**changes))
    world.factory.declare("load")
    for number in range(MANY):
        world.submit(f"run-{number}")
    return world


def finish(world: World, number: int) -> None:
    """End a run."""
    world.factory.finish(world.services.query.find(f"run-{number}").run_id)


def test_the_list_does_not_skip_an_end_that_the_budget_left() -> None:
    """Newer ends do not move the cursor past an older one that is still to be recorded."""
    world = a_world(ADF_TRIGGER_TICK_CALLS="2", ADF_TRIGGER_POLL_OVERLAP_SECONDS="1")
    world.clock.forward(60)
    left = world.clock()
    finish(world, 0)
    finish(world, 1)
    world.clock.forward(600)
    finish(world, 2)
    world.tick(after=15)  # the list and one run's activities are all that it may query
    assert len(world.outbox.events) == 1
    until = world.ledger.cursor(FACTORY_ID).polled_until
    assert until is None or until <= left


def test_a_run_that_another_process_has_just_missed_is_not_given_up() -> None:
    """Rows that were read before the first miss do not turn the second look into the last one."""
    world = World()
    world.factory.declare("load")
    world.submit("gone")
    world.factory.hidden.add(world.services.query.find("gone").run_id)
    factory, monitor = world.services.factories.choose(None), world.services.tick._parts.monitor
    rows = world.ledger.active(FACTORY_ID)
    for _ in range(3):
        monitor.poll(factory, rows, Budget(10))
    assert world.status("gone") == "Queued"
    assert world.outbox.events == []


def test_the_list_does_not_skip_the_end_of_a_run_whose_start_is_not_recorded() -> None:
    """A run that ended while its sender was killed is seen again once it has been adopted."""
    world = a_world(ADF_TRIGGER_POLL_OVERLAP_SECONDS="1")
    world.factory.fail_next("create_run", RuntimeError("killed"), after=True)
    with pytest.raises(RuntimeError, match="killed"):
        world.submit("killed")
    world.clock.forward(20)
    ended = world.clock()
    world.factory.finish(world.services.query.find("killed").run_id)
    world.clock.forward(20)
    finish(world, 0)
    world.tick(after=15)
    until = world.ledger.cursor(FACTORY_ID).polled_until
    assert until is None or until <= ended + timedelta(seconds=1)
    for _ in range(3):
        world.tick(after=60)
    assert "killed" in {event.subject for event in world.outbox.events}
