"""429s are honoured within a bound, for reads and writes separately."""

from datetime import timedelta

import pytest

from adf_trigger.errors import Throttled
from adf_trigger.service.calls.throttling import LONGEST_THROTTLED_WAIT, THROTTLED_WAIT, Bucket, Throttling
from tests.support.world import FACTORY_ID, START, STARTED, MovingClock, World


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (None, THROTTLED_WAIT),
        (0, timedelta()),
        (20, timedelta(seconds=20)),
        (86_400, LONGEST_THROTTLED_WAIT),
        (999_999_999, LONGEST_THROTTLED_WAIT),
    ],
)
def test_a_retry_after_is_honoured_within_a_bound(asked: float | None, wait: timedelta) -> None:
    """The bound is minutes: a date in 2099 does not stop a factory for a day."""
    until = Throttling().honour(FACTORY_ID, Bucket.WRITES, Throttled("slow", retry_after=asked), START)
    assert until - START == wait


def test_a_shorter_wait_does_not_shorten_a_longer_one() -> None:
    """The earlier request for a pause still holds."""
    clock = MovingClock()
    throttling = Throttling(clock.seconds)
    for seconds in (100, 5):
        throttling.honour(FACTORY_ID, Bucket.READS, Throttled("slow", retry_after=seconds), START)
    assert throttling.until(FACTORY_ID, Bucket.READS, START) == START + timedelta(seconds=100)
    clock.forward(100)
    assert throttling.until(FACTORY_ID, Bucket.READS, clock()) is None


def test_a_429_on_starting_does_not_stop_reading() -> None:
    """Ended runs are published while no run may be started."""
    world = World()
    world.factory.declare("load")
    run_id = world.submit("going").record.run_id
    world.factory.fail_next("create_run", Throttled("slow", retry_after=250))
    world.submit("waiting")
    world.factory.finish(run_id)
    world.tick(after=15)
    assert [event.subject for event in world.outbox.events] == ["going"]
    assert world.status("waiting") == "Accepted"


def test_a_429_on_reading_does_not_stop_starting() -> None:
    """Waiting requests are started while runs may not be read."""
    world = World()
    world.factory.declare("load")
    world.submit("going")
    world.factory.fail_next("create_run", Throttled("slow", retry_after=20))
    world.submit("waiting")
    world.factory.fail_next("get_run", Throttled("slow", retry_after=200))
    world.tick(after=15)
    world.tick(after=15)
    assert world.factory.calls.count("get_run") == 1, "reads are left alone"
    record = world.services.query.find("waiting")
    assert record.run_id in world.factory.runs


@pytest.mark.parametrize("asked", [999_999_999.0, 4_000_000_000.0])
def test_no_retry_after_makes_a_request_late(asked: float) -> None:
    """A request that met a Retry-After of years is started minutes later, and not rejected at its deadline."""
    world = World()
    world.factory.declare("load")
    world.factory.fail_next("create_run", Throttled("slow", retry_after=asked))
    world.submit()
    world.tick(after=301)
    assert world.status() in STARTED
