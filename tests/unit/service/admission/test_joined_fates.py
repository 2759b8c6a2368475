"""What happens to joined requests when the end of the run is unknown, or the run had ended before they came."""

from uuid import UUID

import pytest

from adf_trigger.errors import Throttled, WrongState
from adf_trigger.ledger.records import RunRecord, Waits
from tests.support.admitted import finish, found, start, waits
from tests.support.joined import DAY, is_joined, joining, parked, published_ends
from tests.support.memory_factory import Ids
from tests.support.world import FACTORY_ID, STARTED, World


def test_an_unknown_fate_applies_to_both_and_each_is_dismissed() -> None:
    """Nothing was sent for the joined request: it can be neither adopted nor resubmitted, and it holds no place."""
    world = parked()
    for _ in range(8):
        world.tick(after=30)
    assert published_ends(world) == [("a-1", "Unknown"), ("a-2", "Unknown")]
    for decision, order in (("adopt", {"run_id": UUID(int=7)}), ("resubmit", {"force": True})):
        with pytest.raises(WrongState, match="it had joined the run of request a-1: decide about that one"):
            world.resolve("a-2", decision, **order)
    world.resolve("a-1", "dismiss")
    assert start(world, "a-3").status in STARTED  # an undecided request that had joined blocks no other
    assert world.resolve("a-2", "dismiss").dismissed


def test_a_request_waits_while_the_fate_is_unknown() -> None:
    """Joining would end it with the unknown fate: it is held until that is decided."""
    world = parked()
    for _ in range(8):
        world.tick(after=30)
    assert start(world, "a-3").waits_for is Waits.ADMISSION


def test_a_joined_request_that_was_published_as_unknown_stays_so_after_adoption() -> None:
    """It was published, and may have been requested again since."""
    world = parked(started=True)
    (run_id,) = world.factory.runs
    for _ in range(8):
        world.tick(after=30)
    world.resolve("a-1", "adopt", run_id=run_id)
    assert found(world, "a-2").status == "Unknown"


def test_a_run_that_gets_another_id_is_still_joined() -> None:
    """Data Factory decides about a runId."""
    world = joining()
    world.factory.ids = Ids.IGNORED
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=1))
    start(world, "a-1")
    start(world, "a-2")
    world.tick(after=60)
    assert found(world, "a-1").status in STARTED
    finish(world, "a-1")
    world.tick(after=60)
    ended = world.services.query.show("a-2")
    assert ended.status == "Succeeded"
    assert ended.joined_to is not None
    assert ended.joined_to.run_id == found(world, "a-1").run_id


def test_a_record_that_is_gone_leaves_the_fate_unknown() -> None:
    """The record was removed from the ledger."""
    world = joining()
    start(world, "a-1")
    start(world, "a-2")
    removed(world, "a-1")
    world.tick(after=15)
    (event,) = world.outbox.events
    assert (event.subject, event.data.status) == ("a-2", "Unknown")
    assert "the record of request a-1, which it had joined, no longer exists" in str(event.data.message)


def removed(world: World, key: str) -> None:
    """Take a record out of the ledger, whatever its state."""
    stored = world.ledger.get(FACTORY_ID, key)
    assert stored is not None
    world.ledger.release(stored)


def test_a_run_that_had_ended_before_the_request_is_not_joined() -> None:
    """No tick had seen the end by then: the request gets a run of its own, before those that have come since."""
    world = joining()
    start(world, "a-1")
    finish(world, "a-1")
    world.clock.forward(5)
    start(world, "a-2")
    assert is_joined(world, "a-2", "a-1")
    start(world, "a-3", parameters=DAY)
    world.tick(after=5)
    assert waits(world, "a-2")
    assert found(world, "a-2").joined_to is None
    for _ in range(2):
        world.tick(after=15)
    seconds = [found(world, key) for key in ("a-2", "a-3")]
    assert sum(record.status in STARTED for record in seconds) == 1
    for record in seconds:
        finish_if_started(world, record)
    for _ in range(2):
        world.tick(after=60)
    for record in seconds:
        finish_if_started(world, found(world, record.request_id))
    world.tick(after=60)
    assert published_ends(world) == [("a-1", "Succeeded"), ("a-2", "Succeeded"), ("a-3", "Succeeded")]
    assert len(world.factory.runs) == 3


def finish_if_started(world: World, record: RunRecord) -> None:
    """End the run of a request that has one."""
    if record.status in STARTED:
        finish(world, record.request_id)
