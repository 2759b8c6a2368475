"""Requests that arrive during a turn of the dispatcher are taken up in it, too."""

from collections.abc import Collection
from datetime import timedelta

import pytest

from adf_trigger.errors import Forbidden, LedgerError, NotSent
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.starting.backlog import NOTE
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.held_up import HeldUp
from tests.support.holding import hold, release
from tests.support.world import FACTORY_ID, STARTED, World


class Turns(World):
    """A service that takes up one request after the other."""

    def wait_for_turns(self) -> None:
        """From now on requests are claimed, and wait behind others."""
        self.notes.put(FACTORY_ID, NOTE, {"since": self.clock().isoformat()})

    @property
    def has_backlog(self) -> bool:
        """Whether requests still wait."""
        return self.notes.get(FACTORY_ID, NOTE) is not None

    def dispatch(self, keys: Collection[str], *, calls: int = 100) -> None:
        """One turn of the dispatcher, for which the rows of these requests have been read."""
        rows = [row for row in self.ledger.active(FACTORY_ID) if row.request_id in keys]
        factory = self.services.factories.choose(None)
        self.services.tick._parts.dispatcher.dispatch(factory, rows, Budget(calls))


@pytest.fixture
def world() -> Turns:
    """No request waits yet."""
    world = Turns(tick_threads=TickThreads())
    world.factory.declare("load")
    return world


def test_a_request_that_came_after_the_rows_were_read_is_started_in_the_same_turn(world: Turns) -> None:
    """The backlog ends, since no waiting request is left."""
    world.wait_for_turns()
    world.submit("key-1")
    world.submit("key-2")
    world.dispatch(["key-1"])
    assert {world.status(key) for key in ("key-1", "key-2")} <= STARTED
    assert not world.has_backlog


def test_a_request_that_a_turn_could_not_take_up_is_left_to_the_next_one(world: Turns) -> None:
    """Otherwise a request in trouble would be tried again immediately, as often as a turn continues."""
    world.wait_for_turns()
    world.submit("key-1")
    world.ledger.before["get"] = [LedgerError("no answer")]
    world.dispatch(["key-1"])
    assert world.factory.calls.count("create_run") == 0
    assert not world.has_backlog


def test_a_request_that_is_to_be_tried_later_keeps_no_backlog(world: Turns) -> None:
    """It waits for a reason of its own, and no request waits behind it."""
    world.factory.fail_next("create_run", NotSent("down"))
    world.submit("key-1")
    world.wait_for_turns()
    world.submit("key-2")
    world.dispatch(["key-2"])
    assert world.status("key-2") in STARTED
    assert world.status("key-1") == "Accepted"
    assert not world.has_backlog


def test_a_run_costs_one_call(world: Turns) -> None:
    """A request without a call waits, and the note says so."""
    world.wait_for_turns()
    for key in ("key-1", "key-2"):
        world.submit(key)
    world.dispatch(["key-1", "key-2"], calls=1)
    assert [world.status(key) in STARTED for key in ("key-1", "key-2")] == [True, False]
    assert world.has_backlog


def postponed(world: Turns, *keys: str) -> None:
    """Requests that have met trouble of their own, and are due again."""
    for key in keys:
        world.factory.fail_next("create_run", NotSent("down"))
        world.submit(key)
    world.clock.forward(60)


def test_a_backlog_begins_where_a_turn_leaves_a_request_behind(world: Turns) -> None:
    """Newcomers wait behind it."""
    postponed(world, "key-1", "key-2")
    world.dispatch(["key-1", "key-2"], calls=1)
    assert world.has_backlog


def test_a_backlog_begins_where_the_factory_cannot_be_used(world: Turns) -> None:
    """Newcomers wait behind the requests that the trouble delays."""
    postponed(world, "key-1")
    world.factory.fail_next("create_run", Forbidden("no role", status=403))
    world.dispatch(["key-1"])
    assert world.has_backlog


@pytest.mark.parametrize("error", [None, NotSent("down")])
def test_no_backlog_begins_where_the_factory_can_be_used(world: Turns, error: Exception | None) -> None:
    """Whether or not a request has trouble of its own."""
    postponed(world, "key-1")
    if error is not None:
        world.factory.fail_next("create_run", error)
    world.dispatch(["key-1"])
    assert (world.status("key-1") in STARTED) is (error is None)
    assert not world.has_backlog


def test_a_turn_that_meets_no_request_does_not_look_for_newcomers(world: Turns) -> None:
    """An idle factory costs no such read: a leftover note ends with the next request."""
    world.wait_for_turns()
    world.dispatch([])
    assert world.has_backlog


def test_the_trouble_of_a_request_is_logged_with_its_id(
    world: Turns, caplog: pytest.LogCaptureFixture
) -> None:
    """The log line names the action that failed."""
    postponed(world, "key-1")
    world.ledger.before["get"] = [LedgerError("no answer")]
    world.dispatch(["key-1"])
    (logged,) = [each for each in caplog.records if hasattr(each, "error")]
    assert vars(logged)["action"] == "dispatch_record_failed"
    assert vars(logged)["request_id"] == "key-1"
    assert "dispatch" in logged.getMessage()


def test_a_request_after_a_release_does_not_overtake_held_ones(world: Turns) -> None:
    """The release comes while a turn that has read the holds before it is under way: the backlog continues."""
    steps = HeldUp()
    world.steps = steps
    world.restart()
    world.factory.declare("later")
    hold(world, "later")
    world.wait_for_turns()
    keys = ["key-1", "held-1", "held-2"]
    for key in keys:
        world.submit(key, "later" if key in keys[1:] else "load")
        world.clock.forward(1)

    def let_go() -> None:
        release(world, "later")
        world.clock.forward(2)

    steps.hold("send.create_run", let_go)
    world.dispatch(keys)
    world.submit("newcomer", "later")
    world.tick()
    world.tick(after=15)
    order = [world.services.query.find(str(run)).request_id for run in world.factory.runs]
    assert order == [*keys, "newcomer"]


def test_a_request_after_the_end_of_a_hold_does_not_overtake_held_ones(world: Turns) -> None:
    """Neither the first one that comes, nor one that comes to another instance; the next one does not wait."""
    hold(world, until=world.clock() + timedelta(hours=2))
    for key in ("held-1", "held-2"):
        world.submit(key)
    world.clock.forward(7_200)
    world.submit("new-1")
    world.restart()
    world.submit("new-2")
    world.tick(after=1)
    world.submit("new-3")
    order = [world.services.query.find(str(run)).request_id for run in world.factory.runs]
    assert order == ["held-1", "held-2", "new-1", "new-2", "new-3"]
