"""What becomes of those who wait when the policy changes."""

from typing import Any

import pytest

from adf_trigger.errors import AtCapacity, Throttled
from adf_trigger.ledger.records import Waits
from tests.support.admitted import (
    a_world,
    finish,
    found,
    policy,
    seen_to_end,
    start,
    under_way,
    waits,
    with_policy,
)
from tests.support.world import STARTED


def test_fewer_at_once_hold_for_those_who_come() -> None:
    """What goes on goes on; nobody is started until there are fewer than the policy now allows."""
    world = a_world(3)
    for number in range(4):
        start(world, f"a-{number}")
    world.settings = with_policy({"admission": {"atOnce": 1, "key": "parameters.customer"}})
    world.restart()
    for number in range(3):
        world.tick(after=15)
        assert waits(world, "a-3")
        finish(world, f"a-{number}")
    world.tick(after=15)
    assert found(world, "a-3").status in STARTED


def test_a_line_that_everybody_has_left_refuses_nobody() -> None:
    """Where a policy comes to refuse what it held before: those who wait have their turn, and then who comes."""
    world = a_world()
    for key in ("a-1", "a-2", "a-3"):
        start(world, key)
    world.cancel("a-3")
    world.settings = with_policy(policy(overflow="refuse"))
    world.restart()
    seen_to_end(world, "a-1")
    with pytest.raises(AtCapacity):
        start(world, "a-4")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED
    finish(world, "a-2")
    world.tick(after=60)
    assert start(world, "a-4").status in STARTED
    with pytest.raises(AtCapacity):
        start(world, "a-5")
    finish(world, "a-4")
    world.tick(after=60)
    assert start(world, "a-5").status in STARTED


@pytest.mark.parametrize("gone", [None, {"details": "all"}])
def test_those_who_wait_for_a_policy_that_is_gone_start_at_once(gone: Any) -> None:
    """In order of arrival."""
    world = a_world()
    for number in range(4):
        start(world, f"a-{number}")
    world.settings = with_policy(gone)
    world.restart()
    world.tick(after=15)
    assert all(found(world, f"a-{number}").status in STARTED for number in range(4))


def test_those_who_wait_go_over_to_the_lines_of_a_new_key() -> None:
    """In their order, all of them in one tick."""
    world = a_world(1, None)
    for number, customer in enumerate("AABBC"):
        start(world, f"r-{number}", customer)
    assert under_way(world) == ["A"]
    world.settings = with_policy({"admission": {"atOnce": 1, "key": "parameters.customer"}})
    world.restart()
    world.tick(after=15)
    world.tick(after=15)
    assert [found(world, f"r-{number}").status in STARTED for number in range(5)] == [
        *(True, True, True, False, True)
    ]
    assert waits(world, "r-3")
    assert found(world, "r-3").admission_key == '"B"'


def test_what_was_taken_before_there_was_a_policy_is_counted_once_it_is_started() -> None:
    """A request that waits for throttling to pass takes its place when it is sent."""
    world = a_world()
    world.settings = with_policy(None)
    world.restart()
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=30))
    start(world, "a-1")
    world.settings = with_policy({"admission": {"atOnce": 1, "key": "parameters.customer"}})
    world.restart()
    world.tick(after=60)
    assert found(world, "a-1").status in STARTED
    assert start(world, "a-2").waits_for is Waits.ADMISSION
