"""A request that could not be started in time is told why, as well as anybody knows."""

import pytest

from adf_trigger.errors import Forbidden, NotSent
from tests.support.memory_factory import LOST_REPLY
from tests.support.world import World, settings

DEADLINE = 600
ANSWERED = "; the last createRun was answered: the reply was lost"


@pytest.fixture
def world() -> World:
    """A service that gives a request ten minutes to be started."""
    world = World(settings=settings(ADF_TRIGGER_START_DEADLINE_SECONDS=str(DEADLINE)))
    world.factory.declare("load")
    return world


def told(world: World, key: str) -> str:
    """What the event of a rejected request says."""
    (text,) = [str(event.data.message) for event in world.outbox.events if event.subject == key]
    return text


def test_a_request_is_told_what_it_waited_for(world: World) -> None:
    """Its own last reason, where the factory itself can be called."""
    world.factory.fail_next("create_run", NotSent("no route"))
    world.submit()
    world.tick(after=DEADLINE + 1)
    assert told(world, "key-1") == "it could not be started in time: not sent: no route"


def test_a_request_is_told_that_its_factory_cannot_be_used(world: World) -> None:
    """What holds the factory now counts more than what it met itself, long ago."""
    world.factory.fail_next("create_run", NotSent("no route"))
    world.submit()
    world.factory.always["create_run"] = Forbidden("no role", status=403)
    world.submit("key-2")
    world.tick(after=DEADLINE + 1)
    assert "no role" in told(world, "key-1")
    assert "no route" not in told(world, "key-1")


def test_a_request_that_somebody_had_sent_again_too_late_is_told_that_nothing_is_known() -> None:
    """No timer came by in time, and what it was told before was settled."""
    world = World(
        settings=settings(
            ADF_TRIGGER_START_DEADLINE_SECONDS=str(DEADLINE),
            ADF_TRIGGER_POLICY='{"load": {"unknownOutcome": "park"}}',
        )
    )
    world.factory.declare("load")
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    while world.status() != "Unknown":
        world.tick(after=30)
    world.outbox.events.clear()
    world.resolve("key-1", "resubmit")
    world.tick(after=DEADLINE + 1)
    assert told(world, "key-1") == f"it could not be started in time: no reason is known{ANSWERED}"
