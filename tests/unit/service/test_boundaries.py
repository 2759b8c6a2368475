"""The exact instants at which waiting ends."""

import pytest

from adf_trigger.errors import Throttled
from adf_trigger.service.starting.send import FIRST_BACK_OFF
from tests.support.memory_factory import LOST_REPLY
from tests.support.world import World

A_MOMENT = 0.001


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `load`."""
    world = World()
    world.factory.declare("load")
    return world


def learn_ids(world: World) -> None:
    """Let one run show that the factory returns our ids."""
    world.factory.finish(world.submit("teacher").record.run_id)
    world.tick(after=15)


def created(world: World) -> int:
    """Calls of createRun so far."""
    return world.factory.calls.count("create_run")


def test_a_postponed_request_is_due_when_its_wait_is_over(world: World) -> None:
    """It is not due a moment before, but at the instant itself."""
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=100))
    world.submit()
    world.tick(after=100 - A_MOMENT)
    assert created(world) == 1
    world.tick(after=A_MOMENT)
    assert created(world) == 2


def test_a_request_is_left_to_its_sender_until_the_lease_is_over(world: World) -> None:
    """At the last moment of the lease it is not looked up; at its end it is."""
    world.factory.fail_next("create_run", RuntimeError("killed"))
    with pytest.raises(RuntimeError, match="killed"):
        world.submit()
    world.tick(after=world.settings.lease - A_MOMENT)
    assert world.services.query.find("key-1").lease_until is not None
    world.tick(after=A_MOMENT)
    assert world.services.query.find("key-1").lease_until is None


@pytest.mark.parametrize(("known", "graces"), [(True, 1), (False, 2)])
@pytest.mark.parametrize(("early", "sent"), [(A_MOMENT, 1), (0, 2)])
def test_absence_means_something_after_the_grace_period(
    world: World, *, known: bool, graces: int, early: float, sent: int
) -> None:
    """Counted from the first look; one look is enough where ids are honoured, otherwise the list gets a second one."""
    if known:
        learn_ids(world)
    calls = created(world)
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    world.tick(after=FIRST_BACK_OFF.total_seconds())
    world.tick(after=graces * world.settings.reconcile_grace - early)
    assert created(world) == calls + sent
