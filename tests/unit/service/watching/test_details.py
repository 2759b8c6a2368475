"""For which ended runs activities are read, and what is shown where they are not."""

import json
from collections import Counter

import pytest

from adf_trigger.errors import Unavailable
from adf_trigger.events.texts import MAX_MESSAGE_BYTES, event_text
from adf_trigger.service.watching.monitor import FEW
from tests.support.world import World, settings

FAILED = [
    {"activityName": "Copy", "activityType": "Copy", "status": "Failed", "error": {"errorCode": "2200"}}
]
ONLY_FAILED = json.dumps({"LOAD": {"details": "failed"}, "*": {"details": "all"}})


def ended(status: str, count: int = 1, *, pipeline: str = "load", policy: str = ONLY_FAILED) -> World:
    """A service whose runs have ended, and that has ticked since."""
    world = World(settings=settings(ADF_TRIGGER_POLICY=policy))
    world.factory.declare(pipeline, text={"type": "String"})
    for number in range(count):
        world.submit(f"run-{number}", pipeline, parameters={"text": "x" * 60_000})
        world.factory.finish(
            world.services.query.find(f"run-{number}").run_id, status, failed=FAILED, message="m"
        )
    world.factory.calls.clear()
    world.tick(after=15)
    return world


@pytest.mark.parametrize("count", [1, FEW + 1])
def test_activities_that_are_not_read_are_null_and_not_empty(count: int) -> None:
    """With details of failed runs alone the end of a run that Succeeded costs no query, and shows that everywhere."""
    world = ended("Succeeded", count)
    assert Counter(world.factory.calls)["query_activity_runs"] == 0
    assert len(world.outbox.events) == count
    event = world.outbox.events[0]
    assert (event.data.status, event.data.errors, event.data.truncated) == ("Succeeded", None, False)
    record = world.services.query.find("run-0")
    assert record.errors is None
    assert json.loads(world.services.views.view(record).model_dump_json())["errors"] is None


def test_a_cut_event_still_shows_that_they_were_not_read() -> None:
    """Parameters too long for a message do not turn unread activities into an empty list."""
    text = event_text(ended("Succeeded").outbox.events[0])
    assert len(text) <= MAX_MESSAGE_BYTES
    assert json.loads(text)["data"]["errors"] is None


@pytest.mark.parametrize(
    ("status", "pipeline", "policy"),
    [
        ("Failed", "load", ONLY_FAILED),
        ("Cancelled", "load", ONLY_FAILED),
        ("Succeeded", "other", ONLY_FAILED),
        ("Succeeded", "load", "{}"),
    ],
)
def test_the_reason_of_a_failed_run_is_read_whatever_the_policy(
    status: str, pipeline: str, policy: str
) -> None:
    """Runs that did not succeed are always queried; those that did, unless the policy excludes them."""
    world = ended(status, pipeline=pipeline, policy=policy)
    (event,) = world.outbox.events
    assert [error.activity_name for error in event.data.errors or ()] == ["Copy"]


def test_activities_that_could_not_be_read_for_long_are_null_and_cut() -> None:
    """The event is sent in the end, and does not claim that no activity failed."""
    world = World()
    world.factory.declare("load")
    world.submit()
    world.factory.finish(world.services.query.find("key-1").run_id, "Failed", failed=FAILED)
    world.factory.always["query_activity_runs"] = Unavailable("down", status=503)
    world.tick(after=700)
    (event,) = world.outbox.events
    assert (event.data.errors, event.data.truncated) == (None, True)
