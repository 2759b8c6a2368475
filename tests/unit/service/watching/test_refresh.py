"""A run that a reader opens is queried, at most once a period for all its readers together."""

import pytest

from adf_trigger.errors import ResourceNotFound, Throttled, Unavailable
from adf_trigger.ledger.records import RunRecord, RunState
from tests.support.world import World

PERIOD = 15


@pytest.fixture
def world() -> World:
    """A service with one run that its timer never looks at."""
    world = World()
    world.factory.declare("load")
    world.submit()
    world.factory.calls.clear()
    return world


def opened(world: World) -> RunRecord:
    """The run as a reader gets it."""
    return world.services.refresher.fresh(world.services.query.find("key-1"))


def test_progress_is_read_when_a_run_is_opened(world: World) -> None:
    """With the timer standing still, a reader sees what Data Factory reports, and it is recorded."""
    assert opened(world).status == "Queued"
    assert world.factory.calls == []
    world.clock.forward(PERIOD)
    assert opened(world).status == "InProgress"
    assert world.status() == "InProgress"


def test_an_end_that_a_reader_finds_is_recorded_and_published(world: World) -> None:
    """A stopped timer hides no end from a reader."""
    world.factory.finish(world.services.query.find("key-1").run_id, "Failed", message="why")
    world.clock.forward(PERIOD)
    record = opened(world)
    assert (record.status, record.state, record.message) == ("Failed", RunState.PUBLISHED, "why")
    assert [event.data.status for event in world.outbox.events] == ["Failed"]


def test_readers_share_one_look_a_period(world: World) -> None:
    """For any number of readers and instances, Data Factory is asked once."""
    world.clock.forward(PERIOD)
    stale = world.services.query.find("key-1")
    for _ in range(50):
        world.services.refresher.fresh(stale)
        world.restart()
    assert world.factory.calls == ["get_run"]
    world.clock.forward(PERIOD)
    opened(world)
    assert world.factory.calls == ["get_run"] * 2


@pytest.mark.parametrize(
    "error", [Unavailable("down", status=503), Throttled("slow"), ResourceNotFound("gone", status=404)]
)
def test_a_look_that_fails_answers_with_the_known_state(world: World, error: Exception) -> None:
    """It counts as a look, and ends nothing."""
    world.clock.forward(PERIOD)
    world.factory.fail_next("get_run", error)
    assert opened(world).status == "Queued"
    assert opened(world).status == "Queued"
    assert world.factory.calls == ["get_run"]
    assert world.outbox.events == []


def test_an_ended_run_is_not_queried(world: World) -> None:
    """Its record is final."""
    world.factory.finish(world.services.query.find("key-1").run_id)
    world.tick(after=PERIOD)
    world.factory.calls.clear()
    world.clock.forward(86_400)
    assert opened(world).status == "Succeeded"
    assert world.factory.calls == []


def test_a_run_whose_record_is_gone_meanwhile_is_shown_as_it_was(world: World) -> None:
    """It may be purged between two reads of one call."""
    stale = world.services.query.find("key-1")
    world.clock.forward(PERIOD)
    world.ledger.lost.add("key-1")
    assert world.services.refresher.fresh(stale) == stale
    assert world.factory.calls == []
