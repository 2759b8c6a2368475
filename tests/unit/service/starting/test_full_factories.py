"""A factory at its limit of runs: requests are accepted, and wait in order until it takes runs again."""

from typing import Any

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import FactoryFull, Throttled
from adf_trigger.service.calls.factory_state import Trouble
from adf_trigger.service.calls.factory_states import FactoryStates
from adf_trigger.service.steps import logged_steps
from tests.support.admitted import a_world as an_admitting_world
from tests.support.admitted import found, start, waits
from tests.support.memory_factory import LOST_REPLY, Ids
from tests.support.world import FACTORY_ID, STARTED, World, settings

FULL = FactoryFull("The limit of 10000 concurrent pipeline runs per data factory is reached.", status=400)


def a_world(**changes: str) -> World:
    """A factory with two pipelines."""
    world = World(settings=settings(**changes))
    world.factory.declare("load", secret={"type": "SecureString", "defaultValue": ""})
    world.factory.declare("other")
    return world


def begun(world: World) -> list[str]:
    """The keys of the requests that have runs, in order of their start."""
    return [world.services.query.find(str(run_id)).request_id for run_id in world.factory.runs]


@pytest.mark.parametrize("refusal", [FULL, Throttled("too many", status=429)], ids=["full", "throttled"])
def test_all_requests_are_accepted_and_start_in_order(refusal: Any) -> None:
    """They come by HTTP and by queue, for any pipeline; each starts once, when there is room, also after a 429."""
    world = a_world()
    world.factory.always["create_run"] = refusal
    keys = [f"key-{number}" for number in range(6)]
    for number, key in enumerate(keys):
        source = Source.QUEUE if number % 2 else Source.HTTP
        taken = world.submit(key, "other" if number % 3 else "load", source=source).record
        assert (taken.status, bool(taken.message)) == ("Accepted", True)
    for _ in range(40):
        world.tick(after=15)
    assert {world.status(key) for key in keys} == {"Accepted"}
    if refusal is FULL:
        assert world.factory.calls.count("create_run") <= 1 + 20, "a probe now and then, by one of them"
    world.factory.always.clear()
    for _ in range(8):
        world.tick(after=15)
    assert begun(world) == keys
    assert world.outbox.events == []


def test_waiting_requests_show_what_they_wait_for() -> None:
    """They show Data Factory's text, the first and those behind it; the log and the state show it to an operator."""
    world = a_world()
    world.factory.always["create_run"] = FULL
    for key in ("key-1", "key-2"):
        world.submit(key)
    reasons = [world.services.query.show(key).reason for key in ("key-1", "key-2")]
    assert reasons[0] == f"the factory takes no more runs now: {FULL}"
    assert reasons[1] == f"the factory takes no more runs since 2026-01-05 12:00:00 UTC: {FULL}"
    state = FactoryStates(world.notes, world.clock, logged_steps).of(FACTORY_ID)
    assert state is not None
    assert (state.kind, state.defers_callers, state.is_fault) == (Trouble.FULL, False, False)


def test_runs_are_watched_and_read_while_it_is_full() -> None:
    """Only starts are refused; the check of the health report finds no fault of the factory."""
    world = a_world()
    world.submit("key-1")
    world.factory.always["create_run"] = FULL
    world.submit("key-2")
    world.services.submitter._gate.check(world.services.factories.choose(None))
    world.factory.finish(world.services.query.find("key-1").run_id)
    world.tick(after=15)
    assert world.status("key-1") == "Succeeded"
    world.factory.always.clear()
    world.tick(after=15)
    assert world.status("key-2") in STARTED


def test_a_factory_that_gets_room_for_one_run_starts_one() -> None:
    """The next request finds it full again; no request overtakes an earlier one."""
    world = a_world()
    keys = [f"key-{number}" for number in range(5)]
    world.factory.always["create_run"] = FULL
    for key in keys:
        world.submit(key)
    world.factory.always.clear()
    world.factory.most_runs = 1
    for number in range(1, 6):
        world.tick(after=60)
        assert begun(world) == keys[:number]
        world.factory.finish(world.services.query.find(keys[number - 1]).run_id)


def test_a_request_that_waits_too_long_is_rejected_with_that_reason() -> None:
    """It is rejected at the start deadline, as for any other reason."""
    world = a_world(ADF_TRIGGER_START_DEADLINE_SECONDS="600")
    world.factory.always["create_run"] = FULL
    world.submit("key-1")
    world.submit("key-2")
    for _ in range(45):
        world.tick(after=15)
    for key in ("key-1", "key-2"):
        rejected = world.services.query.find(key)
        assert rejected.status == "Rejected"
        assert "it could not be started in time: the factory takes no more runs" in str(rejected.message)


def test_a_request_with_secrets_comes_again() -> None:
    """It is given a time for that: its secrets are not kept."""
    world = a_world()
    world.factory.fail_next("create_run", FULL)
    first = world.submit("key-1", parameters={"secret": "s3"})
    assert (first.record.status, first.again_after is not None) == ("Accepted", True)
    world.clock.forward(60)
    assert world.submit("key-1", parameters={"secret": "s3"}).record.status in STARTED


def test_a_place_is_kept_while_the_factory_is_full() -> None:
    """Requests behind it in its line start after it."""
    world = an_admitting_world()
    world.factory.always["create_run"] = FULL
    start(world, "a-1")
    start(world, "a-2")
    world.tick(after=60)
    assert found(world, "a-1").admitted_at is not None
    assert waits(world, "a-2")
    world.factory.always.clear()
    world.tick(after=60)
    assert found(world, "a-1").status in STARTED
    assert waits(world, "a-2")


def test_a_request_in_doubt_that_meets_a_full_factory_is_not_doubled() -> None:
    """It stays in doubt, and its run is looked up before it is sent again."""
    world = a_world()
    world.factory.ids = Ids.HONOURED
    world.factory.fail_next("create_run", LOST_REPLY, after=False)
    world.submit("key-1")
    world.factory.always["create_run"] = FULL
    for _ in range(20):
        world.tick(after=30)
    assert world.status("key-1") == "Accepted"
    world.factory.always.clear()
    for _ in range(8):
        world.tick(after=60)
    assert world.status("key-1") in STARTED
    assert len(world.factory.runs) == 1
