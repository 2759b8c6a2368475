"""A request that finds no place joins an active run of the same pipeline and parameters, and ends with it."""

import json
from typing import Any

import pytest

from adf_trigger.errors import BadRequest, LedgerError, Throttled, WrongState
from adf_trigger.ledger.records import Waits
from adf_trigger.messages.decoding import Message
from tests.support.admitted import finish, found, policy, start, under_way, waits, with_policy
from tests.support.joined import DAY, is_joined, joining, published_ends
from tests.support.world import FACTORY_ID, START, STARTED


def test_the_same_request_joins_the_run_and_ends_with_it_in_the_same_tick() -> None:
    """It has the run's status, message, errors, results and times, and its own event, which names the joined run."""
    world = joining()
    first = start(world, "a-1", parameters=DAY)
    second = start(world, "a-2", parameters=DAY)
    assert is_joined(world, "a-2", "a-1")
    assert second.message == "it waits for the end of request a-1, whose run it has joined"
    shown = world.services.query.show("a-2")
    assert (shown.status, shown.run_id) == ("Accepted", None)
    assert shown.joined_to is not None
    assert (shown.joined_to.request_id, shown.joined_to.run_id) == ("a-1", first.run_id)
    failed = [
        {"activityName": "Copy", "activityType": "Copy", "status": "Failed", "error": {"message": "no"}}
    ]
    world.clock.forward(30)
    world.factory.finish(first.run_id, "Failed", message="broken", failed=failed)
    world.tick(after=15)
    one, other = found(world, "a-1"), found(world, "a-2")
    assert published_ends(world) == [("a-1", "Failed"), ("a-2", "Failed")]
    for field in (
        *("status", "message", "errors", "results", "truncated"),
        *("started_at", "ended_at", "duration_ms"),
    ):
        assert getattr(one, field) == getattr(other, field), field
    (event,) = (each for each in world.outbox.events if each.subject == "a-2")
    assert event.id == f"{second.run_id}/Failed"
    assert event.data.run_id is None
    assert event.data.joined_to is not None
    assert event.data.joined_to.run_id == first.run_id
    assert len(world.factory.runs) == 1


def test_any_number_joins_and_none_takes_a_place() -> None:
    """When the run ends, its place goes directly to the next request."""
    world = joining()
    start(world, "a-1")
    for number in range(2, 30):
        start(world, f"a-{number}")
    finish(world, "a-1")
    world.tick(after=15)
    assert len(published_ends(world)) == 29
    assert start(world, "b-1").status in STARTED


def test_requests_with_other_parameters_wait_in_order() -> None:
    """A request behind them may still join the active run; no request joins one that waits."""
    world = joining()
    start(world, "a-1", parameters=DAY)
    start(world, "a-2", parameters={**DAY, "day": "2026-11-27"})
    start(world, "a-3", parameters={**DAY, "day": "2026-11-27"})
    start(world, "a-4", parameters=DAY)
    assert waits(world, "a-2", "a-3")
    assert is_joined(world, "a-4", "a-1")
    finish(world, "a-1")
    world.tick(after=15)
    assert found(world, "a-2").status in STARTED
    assert published_ends(world) == [("a-1", "Succeeded"), ("a-4", "Succeeded")]
    world.tick(after=15)
    assert waits(world, "a-3")


def test_a_request_that_finds_a_place_joins_no_run() -> None:
    """Two runs may be active, of equal parameters or not; the third request joins the first of them that is equal."""
    world = joining(2)
    start(world, "a-1", parameters={**DAY, "day": "x"})
    start(world, "a-2", parameters=DAY)
    assert under_way(world) == ["A", "A"]
    start(world, "a-3", parameters=DAY)
    assert is_joined(world, "a-3", "a-2")


def test_a_rerun_and_a_first_run_are_not_the_same() -> None:
    """A rerun leaves out the activities that have succeeded."""
    world = joining()
    start(world, "a-1")
    finish(world, "a-1", "Failed")
    world.tick(after=15)
    start(world, "a-2")
    again = world.rerun("a-1").record
    assert again.waits_for is Waits.ADMISSION
    finish(world, "a-2")
    world.tick(after=15)
    assert found(world, again.request_id).status in STARTED
    same = start(
        world, "a-3", is_recovery=True, reference_pipeline_run_id=again.rerun.reference_pipeline_run_id
    )
    assert is_joined(world, same.request_id, again.request_id)


def test_requests_with_secrets_are_never_the_same() -> None:
    """Secrets are not kept, so they cannot be compared: their caller is asked to come again."""
    world = joining()
    secret = {"secret": "s3"}
    start(world, "s-1", parameters=secret)
    assert start(world, "s-2", parameters=secret).waits_for is Waits.CALLER
    assert start(world, "a-1").waits_for is Waits.ADMISSION


def test_a_request_that_is_to_be_cancelled_is_not_joined() -> None:
    """A later request asks for a run that is not cancelled."""
    world = joining()
    world.factory.cancels_at_once = False
    start(world, "a-1")
    world.cancel("a-1")
    assert start(world, "a-2").waits_for is Waits.ADMISSION
    finish(world, "a-1", "Cancelled")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED


def test_cancelling_the_run_ends_both() -> None:
    """Both share the one run."""
    world = joining()
    start(world, "a-1")
    start(world, "a-2")
    world.cancel("a-1")
    world.tick(after=15)
    assert published_ends(world) == [("a-1", "Cancelled"), ("a-2", "Cancelled")]


def test_cancelling_a_joined_request_leaves_the_run_alone() -> None:
    """The request ends as Cancelled and says so, and the run continues to its own end."""
    world = joining()
    start(world, "a-1")
    start(world, "a-2")
    cancelled = world.cancel("a-2", by="ann", note="not needed")
    assert (cancelled.status, cancelled.history[-1].by) == ("Cancelled", "ann")
    assert "the run of request a-1, which it had joined, is left alone" in str(cancelled.message)
    assert found(world, "a-1").status in STARTED
    finish(world, "a-1")
    world.tick(after=15)
    assert published_ends(world) == [("a-1", "Succeeded"), ("a-2", "Cancelled")]


def test_a_rejection_applies_to_both() -> None:
    """It is published for each with its own event; each key may be used again."""
    world = joining()
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=30))
    start(world, "a-1")
    start(world, "a-2")
    assert world.services.query.show("a-2").joined_to.run_id is None  # type: ignore[union-attr]
    world.factory.fail_next("create_run", BadRequest("no", status=400, code="BadRequest"))
    world.tick(after=60)
    assert published_ends(world) == [("a-1", "Rejected"), ("a-2", "Rejected")]
    assert found(world, "a-2").message == found(world, "a-1").message
    assert start(world, "a-2").status in STARTED
    assert found(world, "a-2").joined_to is None


def test_a_message_that_joined_a_rejected_request_is_kept_as_it_came() -> None:
    """It is kept like the message of any rejected request, so that it can be replayed."""
    world = joining()
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=30))
    start(world, "a-1")
    body = json.dumps({"pipeline": "load", "requestId": "a-2", "parameters": {"customer": "A"}}).encode()
    world.services.intake.take(Message.decode(body, message_id="m-1", attempts=1, inserted_at=START))
    assert is_joined(world, "a-2", "a-1")
    world.factory.fail_next("create_run", BadRequest("no", status=400, code="BadRequest"))
    world.tick(after=60)
    assert [kept.body for kept in world.kept()] == [body]


def test_a_reused_rejected_key_is_no_run_to_wait_for() -> None:
    """The key was rejected and reused between two ticks: the request that had joined it is rejected."""
    world = joining()
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=1))
    start(world, "a-1")
    start(world, "a-2")
    stored = world.ledger.get(FACTORY_ID, "a-1")
    assert stored is not None
    world.services.tick._parts.dispatcher._records.reject(stored, "no")
    start(world, "a-1", parameters={"day": "another"})
    world.tick(after=15)
    rejected = found(world, "a-2")
    assert rejected.status == "Rejected"
    assert "its key was used again" in str(rejected.message)


def test_a_repeat_is_answered_with_the_joined_request() -> None:
    """This holds before and after its end; nothing more is started."""
    world = joining()
    start(world, "a-1")
    start(world, "a-2")
    again = world.submit("a-2", parameters={"customer": "A"})
    assert (again.replayed, again.record.waits_for) == (True, Waits.JOINED)
    finish(world, "a-1")
    world.tick(after=15)
    again = world.submit("a-2", parameters={"customer": "A"})
    assert (again.replayed, again.record.status) == (True, "Succeeded")
    assert len(world.factory.runs) == 1


def test_a_joined_request_has_no_run_to_rerun() -> None:
    """The answer names the request whose run can be rerun."""
    world = joining()
    start(world, "a-1")
    start(world, "a-2")
    finish(world, "a-1", "Failed")
    world.tick(after=15)
    with pytest.raises(WrongState, match="rerun request a-1, whose run it had joined"):
        world.rerun("a-2")
    assert world.services.query.show("a-2").links.rerun is None


@pytest.mark.parametrize("overflow", [None, "hold", "refuse"])
def test_a_joined_request_stays_joined_when_the_policy_changes(overflow: str | None) -> None:
    """Its caller was answered that it had joined."""
    world = joining()
    start(world, "a-1")
    start(world, "a-2")
    world.settings = with_policy(None if overflow is None else policy(overflow=overflow))
    world.restart()
    world.tick(after=15)
    assert is_joined(world, "a-2", "a-1")
    finish(world, "a-1")
    world.tick(after=15)
    assert published_ends(world) == [("a-1", "Succeeded"), ("a-2", "Succeeded")]


def test_the_start_deadline_does_not_apply_to_a_joined_request() -> None:
    """The run that it joined was started in time."""
    world = joining(ADF_TRIGGER_START_DEADLINE_SECONDS="600")
    start(world, "a-1")
    start(world, "a-2")
    for _ in range(4):
        world.tick(after=400)
    assert is_joined(world, "a-2", "a-1")
    assert start(world, "o-1", pipeline="other").status in STARTED


def test_no_request_joins_endlessly_while_a_place_is_free() -> None:
    """A line whose last request was cancelled leaves a mark: the next request lines up, so that a tick sees it."""
    world = joining(2)
    start(world, "a-1", parameters=DAY)
    start(world, "x-1", parameters={"day": "x"})
    start(world, "y-1", parameters={"day": "y"})
    world.cancel("y-1")
    finish(world, "x-1")
    world.tick(after=15)
    assert start(world, "a-2", parameters=DAY).waits_for is Waits.ADMISSION
    world.tick(after=15)
    assert found(world, "a-2").status in STARTED


def test_while_the_run_is_active_a_tick_reads_no_joined_record() -> None:
    """However many have joined: their rows name the request that they joined."""
    world = joining()
    start(world, "a-1")
    for number in range(2, 12):
        start(world, f"a-{number}")
    for _ in range(2):
        world.tick(after=400)
    read: list[str] = []
    get = world.ledger.get

    def noted(factory: str, request_id: str) -> Any:
        read.append(request_id)
        return get(factory, request_id)

    world.ledger.get = noted  # type: ignore[method-assign]
    world.tick(after=15)
    assert set(read) <= {"a-1"}


def test_an_end_between_two_ticks_ends_the_joined_requests_at_the_next() -> None:
    """A reader who opens the run sees its end before any tick does."""
    world = joining()
    start(world, "a-1")
    world.clock.forward(100)
    start(world, "a-2")
    finish(world, "a-1")
    assert world.services.refresher.fresh(found(world, "a-1")).status == "Succeeded"
    assert is_joined(world, "a-2", "a-1")
    world.tick(after=15)
    assert published_ends(world) == [("a-1", "Succeeded"), ("a-2", "Succeeded")]


def test_an_end_that_cannot_be_recorded_delays_one_request_alone() -> None:
    """The others are published in the same tick, and that one by the next."""
    world = joining()
    for key in ("a-1", "a-2", "a-3"):
        start(world, key)
    finish(world, "a-1")
    world.clock.forward(100)
    assert world.services.refresher.fresh(found(world, "a-1")).status == "Succeeded"
    world.ledger.before["save"] = [LedgerError("no")]
    world.tick()
    assert len(published_ends(world)) == 2
    world.tick(after=15)
    assert published_ends(world) == [("a-1", "Succeeded"), ("a-2", "Succeeded"), ("a-3", "Succeeded")]
