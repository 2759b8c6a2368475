"""A held request of a pipeline whose runs are counted stands in line, so that no later request overtakes it."""

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import AtCapacity
from adf_trigger.ledger.records import RunRecord
from tests.support.admitted import a_world, finish, found, start, under_way, waits
from tests.support.holding import hold, release
from tests.support.world import FACTORY_ID, World


def begun(world: World) -> list[str]:
    """The keys of the requests that have runs, in order of their start."""
    keys = {record.run_id: record.request_id for record in records(world)}
    return [keys[run_id] for run_id in world.factory.runs]


def records(world: World) -> list[RunRecord]:
    """All requests."""
    page = world.ledger.runs(FACTORY_ID, since=None, limit=100, continuation=None)
    return list(page.records)


@pytest.mark.parametrize("pipeline", [None, "LOAD"])
def test_a_request_after_the_release_does_not_overtake_held_ones(pipeline: str | None) -> None:
    """It overtakes them neither into a free place nor in the line."""
    world = a_world()
    hold(world, pipeline)
    for key in ("one", "two", "three"):
        assert start(world, key).held is not None
    world.tick(after=30)
    release(world, pipeline)
    for key in ("four", "five"):
        assert start(world, key).status == "Accepted"
    for key in ("one", "two", "three", "four", "five"):
        world.tick(after=30)
        assert begun(world)[-1] == key
        assert under_way(world) == ["A"]
        finish(world, key)


def test_requests_that_waited_before_the_hold_come_before_held_ones() -> None:
    """A hold that begins and ends leaves the order of the line as it was."""
    world = a_world()
    start(world, "one")
    start(world, "two")
    hold(world)
    start(world, "three")
    finish(world, "one")
    world.tick(after=30)
    world.tick(after=30)
    assert begun(world) == ["one"]
    release(world)
    start(world, "four")
    for key in ("two", "three", "four"):
        world.tick(after=30)
        assert begun(world)[-1] == key
        finish(world, key)


def test_a_held_request_names_the_hold_and_then_the_policy() -> None:
    """While held it shows the operator's reason, and afterwards the policy's number and key."""
    world = a_world()
    hold(world)
    start(world, "one")
    two = start(world, "two")
    assert two.message is not None
    assert "is held by ann@example.org" in two.message
    assert two.admission_key == '"A"'
    world.tick(after=30)
    release(world)
    world.tick(after=30)
    assert waits(world, "two")
    message = found(world, "two").message
    assert message == (
        'it waits for a place: at most 1 run of load with parameters.customer = "A" may be in progress at once'
    )


def test_held_requests_are_accepted_in_order_though_the_policy_refuses() -> None:
    """A policy refuses where there is no place, which is not known of a request that is not started yet."""
    world = a_world(overflow="refuse")
    hold(world)
    start(world, "one")
    start(world, "two")
    release(world)
    with pytest.raises(AtCapacity, match="requests that came before it wait for their turn"):
        start(world, "three")
    for key in ("one", "two"):
        world.tick(after=30)
        assert begun(world)[-1] == key
        finish(world, key)
    world.tick(after=30)
    assert start(world, "three").status == "Queued"


def test_a_hold_before_or_after_a_policy_loses_no_request() -> None:
    """Other keys start side by side once the hold is over; a held request with secrets stands in no line."""
    world = a_world()
    hold(world)
    start(world, "a")
    start(world, "b", customer="B", source=Source.QUEUE)
    secret = start(world, "c", parameters={"secret": "s"})
    assert secret.place_number is None
    world.tick(after=30)
    release(world)
    world.tick(after=30)
    assert under_way(world) == ["A", "B"]
