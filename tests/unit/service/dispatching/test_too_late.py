"""A request that could not be started in time gives the reason, as far as it is known."""

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


def reason_of(world: World, key: str) -> str:
    """The reason in the event of a rejected request."""
    (text,) = [str(event.data.message) for event in world.outbox.events if event.subject == key]
    return text


def test_a_late_request_gives_what_it_waited_for(world: World) -> None:
    """It is its own last reason, where the factory itself can be called."""
    world.factory.fail_next("create_run", NotSent("no route"))
    world.submit()
    world.tick(after=DEADLINE + 1)
    assert reason_of(world, "key-1") == "it could not be started in time: not sent: no route"


def test_a_late_request_reports_that_its_factory_cannot_be_used(world: World) -> None:
    """The present trouble of the factory takes precedence over the request's own, older one."""
    world.factory.fail_next("create_run", NotSent("no route"))
    world.submit()
    world.factory.always["create_run"] = Forbidden("no role", status=403)
    world.submit("key-2")
    world.tick(after=DEADLINE + 1)
    assert "no role" in reason_of(world, "key-1")
    assert "no route" not in reason_of(world, "key-1")


def test_a_resubmitted_request_that_is_late_reports_that_nothing_is_known() -> None:
    """No timer ran in time, and its earlier reason was settled."""
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
    assert reason_of(world, "key-1") == f"it could not be started in time: no reason is known{ANSWERED}"
