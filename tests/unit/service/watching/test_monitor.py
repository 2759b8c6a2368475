"""Watching runs and publishing their ends."""

from collections import Counter

import pytest

from adf_trigger.errors import PublishError, ResourceNotFound, Throttled, Unavailable
from adf_trigger.ledger.records import RunState
from adf_trigger.service.watching.monitor import FEW
from tests.support.world import FACTORY_ID, World, settings


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `load` without parameters."""
    world = World()
    world.factory.declare("load")
    return world


def start(world: World, count: int) -> list[str]:
    """Start a number of runs; their keys."""
    keys = [f"run-{number}" for number in range(count)]
    for key in keys:
        world.submit(key)
    return keys


def finish(world: World, key: str, status: str = "Succeeded", **changes: object) -> None:
    """End the run of a key."""
    world.factory.finish(world.services.query.find(key).run_id, status, **changes)


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "Cancelled"])
def test_an_end_is_published_once_with_its_reasons(world: World, status: str) -> None:
    """The event has the run's final status, and the record leaves the active rows."""
    world.submit(correlation_id="c-1", metadata={"team": "sales"})
    failed = [
        {"activityName": "Copy", "activityType": "Copy", "status": "Failed", "error": {"errorCode": "2200"}}
    ]
    finish(world, "key-1", status, message="why", failed=failed)
    world.tick(after=15)
    world.tick(after=15)
    (event,) = world.outbox.events
    run_id = world.services.query.find("key-1").run_id
    assert event.id == f"{run_id}/{status}"
    assert event.type == f"dev.adf-trigger.run.{status.lower()}"
    assert event.source == f"{FACTORY_ID}/pipelines/load"
    assert event.subject == "key-1"
    assert event.data.correlation_id == "c-1"
    assert [(error.activity_name, error.error_code) for error in event.data.errors or ()] == [
        ("Copy", "2200")
    ]
    assert world.services.query.find("key-1").state is RunState.PUBLISHED
    assert list(world.ledger.active(FACTORY_ID)) == []


def test_an_active_run_is_not_published(world: World) -> None:
    """There is no event before the end, and none for an undocumented status."""
    world.submit()
    run = world.factory.runs[world.services.query.find("key-1").run_id]
    for status in ("Queued", "InProgress", "Canceling", "Pondering", ""):
        run.status = status
        world.tick(after=30)
    assert world.outbox.events == []
    assert world.status() == "Pondering"


@pytest.mark.parametrize("operation", ["get_run", "query_runs", "query_activity_runs"])
@pytest.mark.parametrize("count", [1, FEW + 3])
@pytest.mark.parametrize(
    "error", [Unavailable("down", status=503), Throttled("slow down"), ResourceNotFound("gone", status=404)]
)
def test_a_failed_poll_fails_no_run(world: World, operation: str, count: int, error: Exception) -> None:
    """A failed look changes nothing; once it works again every end is published."""
    keys = start(world, count)
    for key in keys:
        finish(world, key)
    world.factory.fail_next(operation, error)
    world.tick(after=15)
    assert {world.services.query.find(key).status for key in keys} <= {"Queued", "InProgress", "Succeeded"}
    for _ in range(4):
        world.tick(after=200)
    assert {world.services.query.find(key).status for key in keys} == {"Succeeded"}
    assert len(world.outbox.events) == count


def test_cost_follows_what_changed(world: World) -> None:
    """A tick over many active runs spends one page of a list, not one call a run."""
    keys = start(world, 60)
    world.tick(after=15)
    world.factory.calls.clear()
    finish(world, keys[7])
    world.tick(after=15)
    assert Counter(world.factory.calls) == {"query_runs": 1, "query_activity_runs": 1}
    assert len(world.outbox.events) == 1


@pytest.mark.parametrize("count", [1, FEW + 3])
def test_a_retry_after_of_a_read_is_honoured(world: World, count: int) -> None:
    """After a 429 the factory is left alone for the requested time, and known ends are still published."""
    start(world, count)
    world.factory.fail_next(
        "get_run" if count == 1 else "query_runs", Throttled("slow down", retry_after=100)
    )
    world.tick(after=15)
    calls = len(world.factory.calls)
    world.tick(after=15)
    assert len(world.factory.calls) == calls
    world.tick(after=90)
    assert len(world.factory.calls) > calls


def test_few_reads_left_end_the_polling_of_a_tick(world: World) -> None:
    """With the subscription's reads nearly spent, no more are spent on runs that have ended."""
    keys = start(world, FEW + 3)
    for key in keys:
        finish(world, key)
    world.factory.remaining_reads = 3
    world.factory.calls.clear()
    world.tick(after=15)
    assert world.factory.calls == ["query_runs"]
    world.factory.remaining_reads = 200
    world.tick(after=15)
    assert len(world.outbox.events) == len(keys)


def test_a_run_that_no_list_shows_is_asked_for_by_its_id(world: World) -> None:
    """Missing from the list is not lost: a run unseen for long is read by itself."""
    keys = start(world, FEW + 2)
    hidden = world.factory.runs[world.services.query.find(keys[0]).run_id]
    finish(world, keys[0])
    world.clock.forward(7200)
    hidden.updated = world.clock().replace(year=2020)
    world.tick()
    assert world.services.query.find(keys[0]).status == "Succeeded"


def test_the_budget_bounds_a_tick_and_the_next_continues(world: World) -> None:
    """No tick spends more calls than it may, and all ends are published in time."""
    world = World(settings=settings(ADF_TRIGGER_TICK_CALLS="5"))
    world.factory.declare("load")
    keys = start(world, 20)
    for key in keys:
        finish(world, key)
    for _ in range(12):
        world.factory.calls.clear()
        world.tick(after=15)
        assert len(world.factory.calls) <= 5
    assert len(world.outbox.events) == 20


def test_an_end_is_published_without_reasons_that_stay_unavailable(world: World) -> None:
    """Missing details delay the event, and do not withhold it."""
    world.submit()
    finish(world, "key-1", "Failed")
    for _ in range(100):
        world.factory.fail_next("query_activity_runs", Unavailable("down", status=503))
    world.tick(after=15)
    assert world.outbox.events == []
    world.tick(after=700)
    assert [event.data.status for event in world.outbox.events] == ["Failed"]


def test_more_reasons_than_a_record_can_hold_are_cut_and_published(world: World) -> None:
    """A loop that fails in thousands of iterations is published like any other run, and the event is marked as cut."""
    face = "\N{GRINNING FACE}"
    world.factory.declare("load", text={"type": "String"})
    world.submit(parameters={"text": face * 16_000}, metadata={face * 60: face * 250})
    failed = [
        {
            "activityName": f"Copy{number}" + face * 900,
            "activityType": face * 900,
            "status": "Failed",
            "error": {"message": "\N{GRINNING FACE}" * 9_000},
        }
        for number in range(3_000)
    ]
    finish(world, "key-1", "Failed", message="x" * 90_000, failed=failed)
    world.tick(after=15)
    (event,) = world.outbox.events
    assert event.data.truncated
    assert event.data.errors
    assert event.data.errors[0].activity_name.startswith("Copy0")
    assert world.services.query.find("key-1").state is RunState.PUBLISHED


@pytest.mark.parametrize("after", [True, False])
def test_an_event_that_failed_is_sent_again_under_the_same_id(world: World, *, after: bool) -> None:
    """A publish that fails, or whose answer is lost, is repeated; a consumer can drop the repeat."""
    world.submit()
    finish(world, "key-1")
    (world.outbox.after if after else world.outbox.before).append(PublishError("no queue"))
    world.tick(after=15)
    world.tick(after=100)
    assert len(world.outbox.events) == 1 + after
    assert len({event.id for event in world.outbox.events}) == 1
    assert world.services.query.find("key-1").state is RunState.PUBLISHED


def test_records_are_purged_after_their_time(world: World) -> None:
    """A published record goes after the retention, an active one never."""
    keys = start(world, 2)
    finish(world, keys[0])
    world.tick(after=15)
    world.tick(after=91 * 86_400)
    assert world.ledger.get(FACTORY_ID, keys[0]) is None
    assert world.ledger.get(FACTORY_ID, keys[1]) is not None


def test_the_trouble_of_one_part_does_not_stop_the_others(world: World) -> None:
    """A known end is published even while polling fails."""
    world.submit()
    finish(world, "key-1")
    world.outbox.before.append(PublishError("no queue"))
    world.tick(after=15)
    world.submit("other")
    world.factory.fail_next("get_run", Unavailable("down", status=503))
    world.tick(after=100)
    assert len(world.outbox.events) == 1
