"""What happens to waiting requests when the policy changes."""

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


def test_a_lower_limit_applies_to_requests_that_come() -> None:
    """Active runs continue; none is started until fewer are active than the policy now allows."""
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


def test_an_empty_line_refuses_no_request() -> None:
    """When a policy changes from hold to refuse, the waiting requests have their turn, and then newcomers."""
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
def test_requests_that_wait_for_a_removed_policy_start_in_the_next_tick(gone: Any) -> None:
    """They start in order of arrival."""
    world = a_world()
    for number in range(4):
        start(world, f"a-{number}")
    world.settings = with_policy(gone)
    world.restart()
    world.tick(after=15)
    assert all(found(world, f"a-{number}").status in STARTED for number in range(4))


def test_waiting_requests_move_to_the_lines_of_a_new_key() -> None:
    """They keep their order, and all move in one tick."""
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


def test_a_request_from_before_the_policy_is_counted_once_it_is_started() -> None:
    """A throttled request takes its place when it is sent."""
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
