"""What is held of a pipeline whose runs are counted stands in line, so that nobody who comes later passes it."""

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import AtCapacity
from adf_trigger.ledger.records import RunRecord
from tests.support.admitted import a_world, finish, found, start, under_way, waits
from tests.support.holding import hold, release
from tests.support.world import FACTORY_ID, World


def begun(world: World) -> list[str]:
    """The keys of those whose runs there are, in order of their start."""
    keys = {record.run_id: record.request_id for record in records(world)}
    return [keys[run_id] for run_id in world.factory.runs]


def records(world: World) -> list[RunRecord]:
    """All requests."""
    page = world.ledger.runs(FACTORY_ID, since=None, limit=100, continuation=None)
    return list(page.records)


@pytest.mark.parametrize("pipeline", [None, "LOAD"])
def test_who_comes_after_the_release_does_not_pass_what_was_held(pipeline: str | None) -> None:
    """Neither into a free place nor in the line."""
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


def test_who_waited_before_the_hold_comes_before_those_that_were_held() -> None:
    """A hold comes and goes over a line, and moves nobody in it."""
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


def test_while_it_is_held_it_says_so_and_then_what_it_waits_for() -> None:
    """The reason is that of the operator first, and names the policy's number and key afterwards."""
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


def test_what_comes_while_held_is_taken_though_the_policy_refuses_and_in_order() -> None:
    """It is refused where there is no place, and nobody knows that of what is not started yet."""
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


def test_a_hold_before_a_policy_or_after_it_loses_nobody() -> None:
    """Other keys start side by side as soon as that is over; held with secrets, nobody stands in line."""
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
