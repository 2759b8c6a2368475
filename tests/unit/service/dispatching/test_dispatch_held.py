"""What a turn of the dispatcher records of held requests: from when, until when, and what they wait for afterwards."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.errors import Forbidden, NotSent
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import Held, RunRecord, Waits
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.holds.hold import Scope
from adf_trigger.service.recording.moves import WAITS_FOR_CALLER
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.holding import hold, release
from tests.support.world import FACTORY_ID, STARTED, World, settings

DEADLINE = 3600
LOAD = Scope(pipeline="load").id
SECRET: dict[str, Any] = {"pipeline": "secret", "parameters": {"password": "hunter2-hunter2"}}


class Turns(World):
    """A service that takes up one request after the other, one of which was postponed."""

    def turn(self, *, after: float = 0) -> Sequence[Stored]:
        """One turn, after a while, and what has ended in it."""
        self.clock.forward(after)
        factory = self.services.factories.choose(None)
        rows = self.ledger.active(FACTORY_ID)
        return self.services.tick._parts.dispatcher.dispatch(factory, rows, Budget(100))

    def postponed(self, key: str = "key-1", **fields: Any) -> None:
        """A request that waits, and is due."""
        self.factory.fail_next("create_run", NotSent("down"))
        self.submit(key, **fields)

    def record(self, key: str = "key-1") -> RunRecord:
        """The record of a request."""
        return self.services.query.find(key)


@pytest.fixture
def world() -> Turns:
    """Nothing is held."""
    world = Turns(
        settings=settings(ADF_TRIGGER_START_DEADLINE_SECONDS=str(DEADLINE)), tick_threads=TickThreads()
    )
    world.factory.declare("load")
    world.factory.declare("secret", password={"type": "SecureString"})
    world.postponed()
    world.clock.forward(60)
    return world


def test_a_request_that_is_met_by_a_hold_is_held_since_the_hold_began(world: Turns) -> None:
    """The turn that meets it does not count; it is written once."""
    hold(world, "load")
    began = world.clock()
    world.turn(after=30)
    record = world.record()
    assert (record.held, record.held_seconds) == (Held(by=LOAD, since=began), 0)
    assert "deploying" in str(record.message)
    left = world.ledger.before["save"] = [AssertionError("it is written again")]
    world.turn(after=30)
    assert left
    assert world.record() == record


def test_a_request_that_was_held_before_has_waited_in_between(world: Turns) -> None:
    """Two holds with an hour between them are counted separately."""
    hold(world, "load")
    began = world.clock()
    world.turn(after=30)
    world.clock.forward(570)
    release(world, "load")
    world.clock.forward(1_800)
    hold(world)
    second = world.clock()
    world.turn(after=30)
    record = world.record()
    assert (record.held, record.held_seconds) == (Held(by=Scope().id, since=second), 600)
    assert second - began == timedelta(seconds=2_400)


def test_a_request_that_was_late_before_the_hold_began_is_rejected(world: Turns) -> None:
    """A hold does not give time back."""
    world.clock.forward(DEADLINE)
    hold(world, "load")
    (ended,) = world.turn(after=30)
    assert (ended.record.request_id, ended.record.status) == ("key-1", "Rejected")
    assert "not sent: down" in str(ended.record.message)


def test_a_request_that_was_in_time_when_the_hold_began_is_held_however_late_it_is_met(world: Turns) -> None:
    """No turn ran for a long time."""
    hold(world, "load")
    assert world.turn(after=3 * DEADLINE) == []
    assert world.record().held is not None


def test_a_held_request_is_started_after_the_release(world: Turns) -> None:
    """It has waited past its deadline, which stood still meanwhile."""
    hold(world, "load")
    world.turn(after=30)
    world.clock.forward(3 * DEADLINE)
    release(world, "load")
    assert world.turn(after=30) == []
    assert world.status() in STARTED


def test_a_request_that_waits_for_its_caller_notes_the_release_and_is_not_sent(world: Turns) -> None:
    """Time up to the end of the hold does not count, time after it does."""
    hold(world, "secret")
    world.submit("key-2", **SECRET)
    began = world.record("key-2").held
    assert began is not None
    world.turn(after=30)
    world.clock.forward(570)
    release(world, "secret")
    world.turn(after=60)
    record = world.record("key-2")
    assert (record.held, record.held_seconds) == (None, 600)
    assert (record.waits_for, record.message) == (Waits.CALLER, WAITS_FOR_CALLER)
    assert record.attempts == 0
    left = world.ledger.before["save"] = [AssertionError("it is written again")]
    world.turn(after=30)
    assert left


@pytest.mark.parametrize("is_held", [True, False])
def test_a_hold_of_the_whole_factory_is_noted_of_requests_that_wait_for_their_caller(
    world: Turns, *, is_held: bool
) -> None:
    """Otherwise their deadlines would keep running."""
    world.postponed("key-2", **SECRET)
    world.clock.forward(60)
    before = world.record("key-2")
    if is_held:
        hold(world)
    began = world.clock()
    world.turn(after=30)
    record = world.record("key-2")
    assert record.held == (Held(by=Scope().id, since=began) if is_held else None)
    assert is_held or record == before


def test_a_held_request_takes_neither_a_call_nor_the_probe(world: Turns) -> None:
    """The next request gets it."""
    hold(world)
    world.factory.calls.clear()
    world.turn(after=30)
    assert world.factory.calls == []


def test_a_held_request_begins_no_backlog_while_the_factory_cannot_be_used(world: Turns) -> None:
    """It does not wait for the factory."""
    world.factory.always["create_run"] = Forbidden("no role", status=403)
    world.submit("key-2")
    hold(world)
    world.turn(after=30)
    world.factory.always.clear()
    assert world.record("key-2").held is not None
    assert world.turn(after=30) == []


def test_a_request_that_is_leased_by_another_process_is_left_to_it(world: Turns) -> None:
    """It is neither held nor rejected, however late it is."""
    stored = world.ledger.get(FACTORY_ID, "key-1")
    assert stored is not None
    world.services.tick._parts.dispatcher._records.lease_to_send(stored)
    before = world.record()
    hold(world, "load")
    assert world.turn(after=2) == []
    assert world.record() == before
