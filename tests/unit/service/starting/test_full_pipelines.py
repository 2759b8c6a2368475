"""A pipeline that takes no more runs delays its own requests, and no others."""

from datetime import timedelta

from adf_trigger.errors import PipelineQueueFull
from adf_trigger.ledger.records import Waits
from adf_trigger.service.dispatching.dispatch import FULL_QUEUE_WAIT
from tests.support.world import STARTED, World, settings

FULL = PipelineQueueFull("There are 100 runs waiting.", status=400, code="BadRequest")


def a_world(**changes: str) -> World:
    """A factory with two pipelines."""
    world = World(settings=settings(**changes))
    world.factory.declare("load")
    world.factory.declare("other")
    return world


def three_waiting(world: World) -> None:
    """Two requests of one pipeline and one of another, accepted while both take no more runs."""
    world.factory.always["create_run"] = FULL
    for key, pipeline in (("key-1", "load"), ("key-2", "Load"), ("key-3", "other")):
        world.submit(key, pipeline)
    del world.factory.always["create_run"]


def test_the_second_request_of_a_full_pipeline_is_not_sent_in_that_tick() -> None:
    """It waits a minute, and its record gives the reason; another pipeline's request behind it starts."""
    world = a_world()
    three_waiting(world)
    before = world.factory.calls.count("create_run")
    world.factory.fail_next("create_run", FULL)
    world.tick(after=120)
    assert world.factory.calls.count("create_run") == before + 2
    waiting = world.services.query.find("key-2")
    assert waiting.message == "the pipeline takes no more runs now"
    assert waiting.waits_for is Waits.PIPELINE
    assert waiting.not_before == world.clock() + FULL_QUEUE_WAIT
    assert world.status("key-3") in STARTED


def test_a_full_pipelines_requests_start_when_it_takes_runs_again() -> None:
    """Each starts once its wait is over, at that instant."""
    world = a_world()
    three_waiting(world)
    world.factory.fail_next("create_run", FULL)
    world.tick(after=120)
    world.tick(after=FULL_QUEUE_WAIT.total_seconds() - 0.001)
    assert world.status("key-2") == "Accepted"
    world.tick(after=0.001)
    assert world.status("key-2") in STARTED


def test_a_request_that_waited_too_long_for_its_pipeline_gives_that_reason() -> None:
    """The reason of the rejection is what the request waited for last."""
    world = a_world(ADF_TRIGGER_START_DEADLINE_SECONDS="600")
    three_waiting(world)
    world.tick(after=timedelta(minutes=11).total_seconds())
    assert world.status("key-1") == "Rejected"
    (text,) = {str(event.data.message) for event in world.outbox.events if event.subject == "key-1"}
    assert text.startswith(
        "it could not be started in time: the pipeline takes no more runs now: There are 100"
    )
