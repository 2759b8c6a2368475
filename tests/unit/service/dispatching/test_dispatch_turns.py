"""The order within a turn of the dispatcher: what needs no call, what blocks others, and what is left over."""

from collections.abc import Sequence
from typing import Any

import pytest

from adf_trigger.errors import Forbidden, NotSent, PipelineQueueFull
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import ActiveRun
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.throttling import Bucket
from adf_trigger.service.starting.backlog import NOTE
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.holding import hold, release
from tests.support.memory_factory import LOST_REPLY
from tests.support.world import FACTORY_ID, STARTED, World, settings
from tests.unit.service.dispatching.test_turn_sender import AskedAllowance

DEADLINE = 3600
SECRET: dict[str, Any] = {"pipeline": "secret", "parameters": {"password": "hunter2-hunter2"}}
OVER = Budget(100, seconds=lambda: 1.0).part(1.0)
"""A budget whose time is over."""


class Turns(World):
    """A service that takes up one request after the other."""

    def turn(
        self, budget: Budget | None = None, *, after: float = 0, rows: Sequence[ActiveRun] | None = None
    ) -> Sequence[Stored]:
        """One turn, after a while, for the present rows by default, and the requests that ended in it."""
        self.clock.forward(after)
        factory = self.services.factories.choose(None)
        rows = self.ledger.active(FACTORY_ID) if rows is None else rows
        return self.services.tick._parts.dispatcher.dispatch(factory, rows, budget or Budget(100))

    def postponed(self, key: str = "key-1", error: Exception | None = None, **fields: Any) -> None:
        """A request that waits for five seconds."""
        self.factory.fail_next("create_run", error or NotSent("down"))
        self.submit(key, **fields)

    def unread(self) -> list[Exception]:
        """A failure of the next read of a record: its log line may not be seen."""
        self.ledger.before["get"] = [AssertionError("a record is read")]
        return self.ledger.before["get"]

    @property
    def has_backlog(self) -> bool:
        """Whether a newcomer now waits behind others."""
        return self.notes.get(FACTORY_ID, NOTE) is not None


@pytest.fixture
def world() -> Turns:
    """No request waits."""
    world = Turns(
        settings=settings(ADF_TRIGGER_START_DEADLINE_SECONDS=str(DEADLINE)), tick_threads=TickThreads()
    )
    for pipeline in ("load", "other"):
        world.factory.declare(pipeline)
    world.factory.declare("secret", password={"type": "SecureString"})
    return world


def test_a_request_that_the_turn_had_no_time_for_waits_before_newcomers(world: Turns) -> None:
    """A backlog begins, and the known state of the factory stays."""
    world.factory.always["create_run"] = Forbidden("no role", status=403)
    world.submit()
    world.clock.forward(DEADLINE / 2)
    world.turn(OVER)
    assert world.has_backlog
    assert world.services.states.of(FACTORY_ID) is not None


def test_the_known_state_of_the_factory_is_forgotten_where_no_request_waits_for_it(world: Turns) -> None:
    """Nothing else would try it again."""
    world.factory.always["create_run"] = Forbidden("no role", status=403)
    world.submit()
    world.cancel()
    world.clock.forward(DEADLINE / 2)
    world.turn()
    assert world.services.states.of(FACTORY_ID) is None


def test_requests_that_wait_for_their_caller_or_are_held_begin_no_backlog(world: Turns) -> None:
    """A newcomer is started directly, though the time was over before they were looked at."""
    world.postponed("key-1", **SECRET)
    world.clock.forward(60)
    world.turn(OVER)
    assert not world.has_backlog
    world.postponed("key-2")
    hold(world)
    world.turn(after=30)
    world.turn(OVER)
    assert not world.has_backlog


def test_moves_that_take_no_call_are_made_where_none_is_left(world: Turns) -> None:
    """A late request is rejected, and a released one shows what it waits for, behind one that has no call."""
    world.postponed("late")
    world.clock.forward(DEADLINE / 2)
    world.postponed("due")
    hold(world, "secret")
    world.submit("held", **SECRET)
    world.turn(Budget(0), after=30)
    release(world, "secret")
    (ended,) = world.turn(Budget(0), after=DEADLINE / 2)
    assert (ended.record.request_id, ended.record.status) == ("late", "Rejected")
    assert world.services.query.find("held").held is None
    assert world.status("due") == "Accepted"


def test_a_hold_is_recorded_where_no_call_is_left(world: Turns) -> None:
    """Recording it needs no call."""
    world.postponed()
    hold(world)
    world.turn(Budget(0), after=30)
    assert world.services.query.find("key-1").held is not None


def test_a_request_in_doubt_is_looked_up_with_the_last_call(world: Turns) -> None:
    """No call is taken to start it before it is known whether it was started."""
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit()
    world.factory.calls.clear()
    world.turn(Budget(1), after=30)
    assert world.factory.calls == ["get_run"]
    assert world.status() in STARTED


def test_a_request_is_started_with_a_write(world: Turns) -> None:
    """Reads are counted separately."""
    world.postponed()
    allowance = AskedAllowance()
    world.turn(Budget(10, allowance=allowance, factory=FACTORY_ID), after=60)
    assert allowance.taken == [Bucket.WRITES]
    assert world.status() in STARTED


def test_a_request_without_a_call_is_not_overtaken_by_one_that_would_get_it(world: Turns) -> None:
    """A call may be allowed again a moment later."""

    class Second(Allowance):
        def __init__(self) -> None:
            super().__init__()
            self.asked = 0

        def take(self, *_: Any, **__: Any) -> bool:
            self.asked += 1
            return self.asked > 1

    for key in ("key-1", "key-2"):
        world.postponed(key)
    world.turn(Budget(10, allowance=Second(), factory=FACTORY_ID), after=60)
    assert (world.status("key-1"), world.status("key-2")) == ("Accepted", "Accepted")
    assert world.has_backlog


def test_a_request_that_is_not_due_is_not_overtaken_and_not_read(world: Turns) -> None:
    """Later requests wait behind it."""
    world.postponed("key-1")
    world.clock.forward(60)
    world.factory.fail_next("create_run", NotSent("down"))
    world.turn()
    world.postponed("key-2")
    stored = world.ledger.get(FACTORY_ID, "key-2")
    assert stored is not None
    records = world.services.tick._parts.dispatcher._records
    records.postpone(stored, until=world.clock(), reason="it is due")
    left = world.unread()
    world.turn()
    assert left
    world.ledger.before.clear()
    assert (world.status("key-1"), world.status("key-2")) == ("Accepted", "Accepted")


def test_a_request_that_waits_for_its_full_pipeline_blocks_no_other_and_is_not_read(world: Turns) -> None:
    """Another pipeline may take runs."""
    world.postponed("key-1", PipelineQueueFull("full", status=400))
    world.postponed("key-2", pipeline="other")
    stored = world.ledger.get(FACTORY_ID, "key-2")
    assert stored is not None
    records = world.services.tick._parts.dispatcher._records
    records.postpone(stored, until=world.clock(), reason="it is due")
    read = []
    get = world.ledger.get

    def noted(factory: str, request_id: str) -> Stored | None:
        read.append(request_id)
        return get(factory, request_id)

    world.ledger.get = noted  # type: ignore[method-assign]
    world.turn()
    world.ledger.get = get  # type: ignore[method-assign]
    assert set(read) == {"key-2"}
    assert world.status("key-2") in STARTED


@pytest.mark.parametrize("waits_for", ["its caller", "the end of a hold"])
def test_a_request_that_is_not_to_be_sent_costs_a_turn_no_read(world: Turns, waits_for: str) -> None:
    """This holds however many there are."""
    if waits_for == "its caller":
        world.postponed(**SECRET)
    else:
        hold(world)
        world.submit()
    world.clock.forward(60)
    world.turn()
    left = world.unread()
    world.turn(after=30)
    assert left


def test_a_started_request_is_left_to_the_monitor_once_its_lease_is_over(world: Turns) -> None:
    """From then on it costs a turn no read."""
    world.submit()
    assert world.services.query.find("key-1").lease_until is not None
    world.turn(after=300)
    record = world.services.query.find("key-1")
    assert (record.lease_until, record.status) == (None, "Queued")
    left = world.unread()
    world.turn(after=30)
    assert left


def test_a_request_that_was_held_since_the_rows_were_read_is_not_written_again(world: Turns) -> None:
    """Another process has recorded the hold."""
    world.postponed()
    world.clock.forward(60)
    rows = world.ledger.active(FACTORY_ID)
    hold(world)
    world.turn(after=2)
    held = world.services.query.find("key-1")
    assert held.held is not None
    left = world.ledger.before["save"] = [AssertionError("it is written again")]
    world.turn(rows=rows)
    assert left
    assert world.services.query.find("key-1") == held
