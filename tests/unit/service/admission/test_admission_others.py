"""Where a policy says so, runs that were started by others count, too."""

from typing import Any
from uuid import uuid4

import pytest

from adf_trigger.errors import Forbidden, Unavailable
from adf_trigger.ledger.places import KeptPlaces
from tests.support.admitted import a_world, finish, found, policy, start, waits, with_policy
from tests.support.memory_factory import Run
from tests.support.world import FACTORY_ID, STARTED, World


def others(world: World, customer: Any = "A", pipeline: str = "load", status: str = "InProgress") -> Run:
    """A run that was started by something else."""
    now = world.clock()
    run = Run(uuid4(), pipeline, {"Customer": customer}, updated=now, created=now, status=status)
    world.factory.runs[run.run_id] = run
    return run


@pytest.mark.parametrize("status", ["Queued", "InProgress", "Canceling"])
def test_a_run_of_others_takes_a_place_until_it_has_ended(status: str) -> None:
    """It is a run of the same key, in whatever case the parameter is spelled there."""
    world = a_world(2, countOthers=True)
    theirs = others(world, status=status)
    others(world, "B")
    others(world, pipeline="other")
    for number in (1, 2):
        start(world, f"a-{number}")
    assert waits(world, "a-1", "a-2")
    world.tick(after=15)
    assert found(world, "a-1").status in STARTED
    world.tick(after=15)
    assert waits(world, "a-2")
    world.factory.finish(theirs.run_id)
    world.tick(after=15)
    assert found(world, "a-2").status in STARTED


def test_our_own_runs_are_counted_once() -> None:
    """They appear in the same list, and have their own places."""
    world = a_world(2, None, countOthers=True)
    for number in range(4):
        start(world, f"a-{number}")
    world.tick(after=15)
    world.tick(after=15)
    assert [found(world, f"a-{number}").status in STARTED for number in range(4)] == [
        True,
        True,
        False,
        False,
    ]
    finish(world, "a-0")
    world.tick(after=15)
    world.tick(after=15)
    assert found(world, "a-2").status in STARTED
    assert waits(world, "a-3")


def test_a_number_is_the_same_as_the_text_that_data_factory_lists() -> None:
    """A list may show a value that is no text as its text."""
    world = World(settings=with_policy(policy(1, "parameters.n", countOthers=True)))
    world.factory.declare("load", n={"type": "Int"})
    now = world.clock()
    run = Run(uuid4(), "load", {"n": "7"}, updated=now, created=now)
    world.factory.runs[run.run_id] = run
    world.submit("n-7", parameters={"n": 7})
    world.submit("n-8", parameters={"n": 8})
    world.tick(after=15)
    assert waits(world, "n-7")
    assert found(world, "n-8").status in STARTED


def test_where_they_cannot_be_listed_no_request_is_admitted() -> None:
    """Requests of policies that do not count them continue."""
    world = a_world(1, countOthers=True)
    start(world, "a-1")
    world.factory.fail_next("query_runs", Unavailable("down", status=503))
    world.factory.always["query_runs"] = Unavailable("down", status=503)
    world.tick(after=15)
    assert waits(world, "a-1")
    world.factory.always.clear()
    world.tick(after=60)
    assert found(world, "a-1").status in STARTED


def test_nothing_is_listed_where_no_request_waits() -> None:
    """The list costs a call of the tick, and is read only when needed."""
    world = a_world(1, countOthers=True)
    start(world, "a-1")
    world.tick(after=15)
    world.factory.calls.clear()
    world.tick(after=15)
    without = world.factory.calls.count("query_runs")
    start(world, "a-2")
    world.factory.calls.clear()
    world.tick(after=15)
    assert world.factory.calls.count("query_runs") == without + 2


def test_places_whose_row_is_gone_still_count_runs_of_others() -> None:
    """A request that waited there first gets a new row."""
    world = a_world(1, countOthers=True)
    others(world)
    start(world, "a-1")
    for kept in world.ledger.all_places(FACTORY_ID):
        world.ledger.remove_places(FACTORY_ID, KeptPlaces(kept.places, kept.etag))
    for _ in range(3):
        world.tick(after=15)
        assert waits(world, "a-1")


@pytest.mark.parametrize(
    "more",
    [{"overflow": "refuse"}, {"overflow": "join"}, {"key": "correlationId"}, {"key": "metadata.team"}],
)
def test_a_policy_that_cannot_count_is_a_fault_of_the_settings(more: dict[str, str]) -> None:
    """No such policy is accepted without effect."""
    with pytest.raises(Exception, match="countOthers"):
        with_policy({"admission": {"atOnce": 1, "countOthers": True, **more}})


def test_where_the_factory_may_not_be_read_no_request_is_admitted() -> None:
    """Admission continues once reads are permitted again."""
    world = a_world(1, countOthers=True)
    start(world, "a-1")
    world.factory.always["*"] = Forbidden("no role", status=403)
    world.tick(after=15)
    world.tick(after=15)
    assert found(world, "a-1").status == "Accepted"
    world.factory.always.clear()
    for _ in range(10):
        world.tick(after=60)
    assert found(world, "a-1").status in STARTED
