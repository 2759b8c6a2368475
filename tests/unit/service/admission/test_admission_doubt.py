"""A request keeps its place while it is unknown whether its run is active, until that is decided."""

from tests.support.admitted import a_world, finish, found, policy, start, under_way, waits, with_policy
from tests.support.memory_factory import LOST_REPLY, Ids
from tests.support.world import STARTED, World


def test_a_run_that_is_being_cancelled_keeps_its_place() -> None:
    """The place is free only when Data Factory shows that the run has ended."""
    world = a_world()
    world.factory.cancels_at_once = False
    start(world, "a-1")
    start(world, "a-2")
    world.cancel("a-1")
    for _ in range(3):
        world.tick(after=60)
    assert found(world, "a-1").status == "Canceling"
    assert waits(world, "a-2")
    finish(world, "a-1", "Cancelled")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED


def test_a_request_in_doubt_keeps_its_place() -> None:
    """A request of unknown fate keeps its place, too, until an operator has decided about it."""
    world = unknown(started=False)
    assert under_way(world) == []
    world.resolve("a-1", "dismiss")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED


def unknown(*, started: bool = True) -> World:
    """A service with a request whose fate is unknown, and one that waits behind it."""
    world = a_world()
    world.settings = with_policy({**policy(), "unknownOutcome": "park"})
    world.restart()
    world.factory.ids = Ids.IGNORED
    world.factory.fail_next("create_run", LOST_REPLY, after=started)
    assert start(world, "a-1").sent_at is not None
    start(world, "a-2")
    for _ in range(8):
        world.tick(after=30)
    assert found(world, "a-1").status == "Unknown"
    assert waits(world, "a-2")
    return world


def test_a_run_that_is_adopted_keeps_the_place_until_it_has_ended() -> None:
    """It is the run that had the place."""
    world = unknown()
    (run_id,) = world.factory.runs
    world.resolve("a-1", "adopt", run_id=run_id)
    world.tick(after=60)
    assert waits(world, "a-2")
    finish(world, "a-1")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED


def test_a_request_that_is_resubmitted_keeps_the_place() -> None:
    """No other request is given the place meanwhile."""
    world = unknown()
    world.resolve("a-1", "resubmit", force=True)
    world.tick(after=60)
    assert found(world, "a-1").status in STARTED
    assert waits(world, "a-2")


def test_one_that_was_dismissed_and_is_resubmitted_waits_for_a_place() -> None:
    """The dismissal freed its place; resubmitted, it is the first in line."""
    world = unknown()
    world.resolve("a-1", "dismiss")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED
    start(world, "a-3")
    world.resolve("a-1", "resubmit", force=True)
    world.tick(after=60)
    assert waits(world, "a-1", "a-3")
    finish(world, "a-2")
    world.tick(after=60)
    assert found(world, "a-1").status in STARTED
    assert waits(world, "a-3")
