"""A run that takes longer than requested is published as overdue once, not failed, and cancelled on request."""

import json
from typing import Any

import pytest

from adf_trigger.errors import (
    Forbidden,
    InvalidRequest,
    LedgerError,
    PublishError,
    Throttled,
    Unavailable,
)
from adf_trigger.events.texts import event_text
from adf_trigger.ledger.port import Stored
from adf_trigger.news import CompletionEvent
from tests.support.activity_runs import activity
from tests.support.faulty_ledger import FaultyLedger
from tests.support.script import Crashed, Script
from tests.support.world import FACTORY_ID, World, settings

HOUR = 3600
TYPE = "dev.adf-trigger.run.overdue"


def world_of(policy: str = "{}", **more: Any) -> World:
    """A service whose factory has a pipeline `load`."""
    world = World(settings=settings(ADF_TRIGGER_POLICY=policy), **more)
    world.factory.declare("load")
    return world


def policy_of(**overdue: Any) -> str:
    """A policy for every pipeline."""
    return json.dumps({"*": overdue})


def overdue_events(world: World) -> list[CompletionEvent]:
    """The events of overdue runs."""
    return [event for event in world.outbox.events if event.type == TYPE]


@pytest.mark.parametrize("status", ["Queued", "InProgress", "Canceling", "NeverHeardOf"])
def test_a_run_that_takes_too_long_is_published_once(status: str) -> None:
    """Its status may be any, even an undocumented one; its end is published as usual."""
    world = world_of()
    run_id = world.submit(overdue_after_seconds=HOUR).record.run_id
    world.factory.runs[run_id].status = status
    world.tick(after=HOUR - 1)
    assert world.outbox.events == []
    for _ in range(4):
        world.tick(after=15)
    (event,) = world.outbox.events
    submitted = world.services.query.find("key-1").submitted_at
    assert submitted is not None
    assert (event.id, event.type, event.subject) == (f"{run_id}/Overdue", TYPE, "key-1")
    assert (event.data.status, event.data.ended) == (status, False)
    assert event.data.reason == f"it is {status}, more than 3600 seconds after it was started"
    assert (event.time - submitted).total_seconds() == HOUR
    assert event.data.overdue_since == event.time
    assert json.loads(event_text(event))["data"]["overdueSince"]
    assert world.services.query.show("key-1").overdue_since == event.time
    world.factory.finish(run_id, failed=[activity("A")])
    world.tick(after=15)
    assert [each.data.status for each in world.outbox.events] == [status, "Succeeded"]
    assert world.outbox.events[-1].data.overdue_since == event.time


def test_without_a_limit_nothing_is_published_and_nothing_queried() -> None:
    """A run may take any time by default."""
    world = world_of()
    world.submit()
    world.tick(after=15)
    world.factory.calls.clear()
    world.tick(after=30 * 86_400)
    assert world.outbox.events == []
    assert world.factory.calls == ["get_run"], "the monitor's own"


def test_the_request_takes_precedence_over_the_policy_and_a_rerun_inherits_it() -> None:
    """Of the request's and the policy's hours the request's count, for its rerun, too."""
    world = world_of(policy_of(overdueAfterSeconds=60))
    run_id = world.submit(overdue_after_seconds=HOUR).record.run_id
    world.submit("by-policy")
    world.tick(after=100)
    assert [each.subject for each in overdue_events(world)] == ["by-policy"]
    world.factory.finish(run_id, "Failed")
    world.tick(after=15)
    again = world.rerun().record
    assert again.overdue is not None
    assert again.overdue.after_seconds == HOUR


@pytest.mark.parametrize(("policy", "asked"), [(True, None), (False, True)])
def test_on_request_the_run_is_cancelled_too(policy: Any, asked: Any) -> None:
    """It is cancelled once, with the runs below it, and its history gives the reason; the end is Cancelled."""
    world = world_of(policy_of(overdueAfterSeconds=HOUR, cancelWhenOverdue=policy))
    run_id = world.submit(cancel_when_overdue=asked).record.run_id
    for _ in range(5):
        world.tick(after=HOUR / 2)
    assert world.factory.cancelled == [(run_id, True)]
    assert [each.data.status for each in world.outbox.events] == ["InProgress", "Cancelled"]
    (entry,) = world.services.query.find("key-1").history
    assert (entry.action, entry.by, entry.note) == ("cancel", None, "overdue after 3600 seconds")


def test_a_request_may_exclude_the_cancellation() -> None:
    """The policy would have it cancelled."""
    world = world_of(policy_of(overdueAfterSeconds=60, cancelWhenOverdue=True))
    world.submit(cancel_when_overdue=False)
    world.tick(after=100)
    world.tick(after=100)
    assert len(overdue_events(world)) == 1
    assert world.factory.cancelled == []


def test_a_run_that_is_being_cancelled_is_not_cancelled_again() -> None:
    """A cancellation that takes endlessly is published as overdue, and that is all."""
    world = world_of()
    world.factory.cancels_at_once = False
    world.submit(overdue_after_seconds=60, cancel_when_overdue=True)
    world.cancel()
    for _ in range(5):
        world.tick(after=60)
    assert len(world.factory.cancelled) == 1
    assert [each.data.status for each in world.outbox.events] == ["Canceling"]


def test_to_cancel_without_a_time_is_a_fault() -> None:
    """Neither the request nor the policy gives a time."""
    with pytest.raises(InvalidRequest, match="needs overdueAfterSeconds"):
        world_of().submit(cancel_when_overdue=True)


def test_an_ended_run_is_not_published_as_overdue() -> None:
    """Neither is one that Data Factory does not have: the monitor publishes both."""
    world = world_of()
    run_id = world.submit(overdue_after_seconds=60).record.run_id
    world.factory.finish(run_id)
    world.tick(after=100)
    assert [each.data.status for each in world.outbox.events] == ["Succeeded"]
    world = world_of()
    world.factory.hidden.add(world.submit(overdue_after_seconds=60).record.run_id)
    world.tick(after=100)
    assert world.outbox.events == []


@pytest.mark.parametrize(
    "error", [Unavailable("down", status=503), Throttled("slow", retry_after=1), Forbidden("no", status=403)]
)
def test_a_run_that_cannot_be_seen_is_published_once_it_can(error: Exception) -> None:
    """An unknown state is not published."""
    world = world_of()
    world.submit(overdue_after_seconds=60)
    world.tick(after=1)
    world.factory.always["get_run"] = error
    world.tick(after=100)
    assert world.outbox.events == []
    world.factory.always.clear()
    world.tick(after=400)
    world.tick(after=400)
    assert len(overdue_events(world)) == 1


def test_time_counts_from_the_start_and_not_from_the_request() -> None:
    """A long wait of the request does not count."""
    world = world_of()
    for _ in range(5):
        world.factory.fail_next("create_run", Throttled("slow", retry_after=60))
    world.submit(overdue_after_seconds=120)
    for _ in range(8):
        world.tick(after=60)
    started = world.services.query.find("key-1").submitted_at
    assert started is not None
    while world.clock() < started.replace(microsecond=0):
        world.tick(after=15)
    before = [each for each in overdue_events(world) if each.time < started]
    assert before == []
    world.tick(after=200)
    assert [(each.time - started).total_seconds() for each in overdue_events(world)] == [120]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["notify.event", "records.overdue"])
def test_wherever_the_process_ends_it_is_published_under_one_id(step: str, *, after: bool) -> None:
    """It is published at least once; the run ends as it would have."""
    script = Script()
    world = world_of(steps=script)
    run_id = world.submit(overdue_after_seconds=60, cancel_when_overdue=True).record.run_id
    world.tick(after=1)
    script.crash = (step, after)
    with pytest.raises(Crashed):
        world.tick(after=100)
    world.restart()
    for _ in range(3):
        world.tick(after=60)
    assert {each.id for each in overdue_events(world)} == {f"{run_id}/Overdue"}
    assert world.factory.cancelled == [(run_id, True)]
    assert world.outbox.events[-1].data.status == "Cancelled"


@pytest.mark.parametrize("error", [PublishError("no queue"), LedgerError("no table")])
def test_failing_storage_delays_it(error: Exception) -> None:
    """The next tick publishes it."""
    ledger = FaultyLedger()
    world = world_of(ledger=ledger)
    world.submit(overdue_after_seconds=60)
    world.tick(after=1)
    if isinstance(error, PublishError):
        world.outbox.before.append(error)
    else:
        ledger.before.setdefault("save", []).append(error)
    world.tick(after=100)
    world.tick(after=15)
    assert len({each.id for each in overdue_events(world)}) == 1
    row = world.ledger.active(FACTORY_ID)[0]
    assert row.overdue_after is None, "it is published, and no longer a candidate"


def test_two_concurrent_ticks_publish_it_under_one_id() -> None:
    """Both may send it; it is recorded, and cancelled, once."""
    script = Script()
    world = world_of(steps=script)
    run_id = world.submit(overdue_after_seconds=60, cancel_when_overdue=True).record.run_id
    world.tick(after=1)
    script.meanwhile = ("records.overdue", world.services.tick.run)
    world.tick(after=100)
    world.tick(after=15)
    assert {each.id for each in overdue_events(world)} == {f"{run_id}/Overdue"}
    assert world.factory.cancelled == [(run_id, True)]
    assert len(world.services.query.find("key-1").history) == 1


def costs_of(policy: str) -> tuple[list[str], int]:
    """Calls of Data Factory, and reads of records, of a tick with twenty active runs."""
    ledger = Counting()
    world = world_of(policy, ledger=ledger)
    for number in range(20):
        world.submit(f"key-{number}")
    world.tick(after=15)
    world.factory.calls.clear()
    ledger.gets = 0
    world.tick(after=200)
    assert world.outbox.events == []
    return world.factory.calls, ledger.gets


class Counting(FaultyLedger):
    """Counts reads of records."""

    gets = 0

    def get(self, factory: str, request_id: str) -> Stored | None:
        """See Ledger."""
        self.gets += 1
        return super().get(factory, request_id)


def test_runs_that_are_not_overdue_cost_nothing() -> None:
    """There is neither a read of a record nor a call, beyond those of any tick."""
    assert costs_of(policy_of(overdueAfterSeconds=HOUR)) == costs_of("{}")
