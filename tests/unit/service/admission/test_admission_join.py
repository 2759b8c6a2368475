"""Who finds no place joins a run that is under way for the same pipeline and parameters, and ends with it."""

import json
from typing import Any

import pytest

from adf_trigger.errors import BadRequest, LedgerError, Throttled, WrongState
from adf_trigger.ledger.records import Waits
from adf_trigger.messages.decoding import Message
from tests.support.admitted import finish, found, policy, start, under_way, waits, with_policy
from tests.support.joined import DAY, is_joined, joining, told
from tests.support.world import FACTORY_ID, START, STARTED


def test_the_same_again_joins_the_run_and_ends_with_it_in_the_same_tick() -> None:
    """With its status, message, errors, results and times, and with an event of its own that names what it joined."""
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
    assert told(world) == [("a-1", "Failed"), ("a-2", "Failed")]
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


def test_any_number_joins_and_none_has_a_place() -> None:
    """The run that has ended leaves its place to the next request at once."""
    world = joining()
    start(world, "a-1")
    for number in range(2, 30):
        start(world, f"a-{number}")
    finish(world, "a-1")
    world.tick(after=15)
    assert len(told(world)) == 29
    assert start(world, "b-1").status in STARTED


def test_other_parameters_are_held_in_order() -> None:
    """Also behind them somebody joins the run that goes on; and what waits is joined by nobody."""
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
    assert told(world) == [("a-1", "Succeeded"), ("a-4", "Succeeded")]
    world.tick(after=15)
    assert waits(world, "a-3")


def test_who_finds_a_place_joins_nobody() -> None:
    """Two runs may go on, of the same parameters or not; the third request joins the first of them that is the same."""
    world = joining(2)
    start(world, "a-1", parameters={**DAY, "day": "x"})
    start(world, "a-2", parameters=DAY)
    assert under_way(world) == ["A", "A"]
    start(world, "a-3", parameters=DAY)
    assert is_joined(world, "a-3", "a-2")


def test_a_rerun_and_a_first_run_are_not_the_same() -> None:
    """A rerun leaves out what has succeeded."""
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


def test_secrets_are_never_the_same() -> None:
    """Nobody keeps them, so that nobody can tell: their caller is told to come again."""
    world = joining()
    secret = {"secret": "s3"}
    start(world, "s-1", parameters=secret)
    assert start(world, "s-2", parameters=secret).waits_for is Waits.CALLER
    assert start(world, "a-1").waits_for is Waits.ADMISSION


def test_what_is_to_be_cancelled_is_joined_by_nobody() -> None:
    """Who comes after that asks for a run that is not."""
    world = joining()
    world.factory.cancels_at_once = False
    start(world, "a-1")
    world.cancel("a-1")
    assert start(world, "a-2").waits_for is Waits.ADMISSION
    finish(world, "a-1", "Cancelled")
    world.tick(after=60)
    assert found(world, "a-2").status in STARTED


def test_cancelling_the_run_ends_both() -> None:
    """There is one run for both."""
    world = joining()
    start(world, "a-1")
    start(world, "a-2")
    world.cancel("a-1")
    world.tick(after=15)
    assert told(world) == [("a-1", "Cancelled"), ("a-2", "Cancelled")]


def test_cancelling_who_has_joined_leaves_the_run_alone() -> None:
    """It ends as Cancelled and says so, and the run goes on to its own end."""
    world = joining()
    start(world, "a-1")
    start(world, "a-2")
    cancelled = world.cancel("a-2", by="ann", note="not needed")
    assert (cancelled.status, cancelled.history[-1].by) == ("Cancelled", "ann")
    assert "the run of request a-1, which it had joined, is left alone" in str(cancelled.message)
    assert found(world, "a-1").status in STARTED
    finish(world, "a-1")
    world.tick(after=15)
    assert told(world) == [("a-1", "Succeeded"), ("a-2", "Cancelled")]


def test_a_rejection_is_that_of_both() -> None:
    """Told for each with its own event; each key may be used again."""
    world = joining()
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=30))
    start(world, "a-1")
    start(world, "a-2")
    assert world.services.query.show("a-2").joined_to.run_id is None  # type: ignore[union-attr]
    world.factory.fail_next("create_run", BadRequest("no", status=400, code="BadRequest"))
    world.tick(after=60)
    assert told(world) == [("a-1", "Rejected"), ("a-2", "Rejected")]
    assert found(world, "a-2").message == found(world, "a-1").message
    assert start(world, "a-2").status in STARTED
    assert found(world, "a-2").joined_to is None


def test_a_message_that_has_joined_a_rejected_request_is_kept_as_it_came() -> None:
    """As that of any rejected request, so that it can be replayed."""
    world = joining()
    world.factory.fail_next("create_run", Throttled("slow down", status=429, retry_after=30))
    start(world, "a-1")
    body = json.dumps({"pipeline": "load", "requestId": "a-2", "parameters": {"customer": "A"}}).encode()
    world.services.intake.take(Message.decode(body, message_id="m-1", attempts=1, inserted_at=START))
    assert is_joined(world, "a-2", "a-1")
    world.factory.fail_next("create_run", BadRequest("no", status=400, code="BadRequest"))
    world.tick(after=60)
    assert [kept.body for kept in world.kept()] == [body]


def test_a_rejected_key_that_is_used_again_is_no_run_to_wait_for() -> None:
    """Though it was rejected and asked for anew between two ticks: who had joined is rejected."""
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


def test_a_repeat_is_answered_with_the_request_that_has_joined() -> None:
    """Before the end and after it; nothing more is started."""
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


def test_who_has_joined_has_no_run_to_rerun() -> None:
    """It says whose is to be rerun."""
    world = joining()
    start(world, "a-1")
    start(world, "a-2")
    finish(world, "a-1", "Failed")
    world.tick(after=15)
    with pytest.raises(WrongState, match="rerun request a-1, whose run it had joined"):
        world.rerun("a-2")
    assert world.services.query.show("a-2").links.rerun is None


@pytest.mark.parametrize("overflow", [None, "hold", "refuse"])
def test_who_has_joined_stays_so_whatever_the_policy_becomes(overflow: str | None) -> None:
    """It was told so."""
    world = joining()
    start(world, "a-1")
    start(world, "a-2")
    world.settings = with_policy(None if overflow is None else policy(overflow=overflow))
    world.restart()
    world.tick(after=15)
    assert is_joined(world, "a-2", "a-1")
    finish(world, "a-1")
    world.tick(after=15)
    assert told(world) == [("a-1", "Succeeded"), ("a-2", "Succeeded")]


def test_the_start_deadline_is_not_for_who_has_joined() -> None:
    """Its run was started in time."""
    world = joining(ADF_TRIGGER_START_DEADLINE_SECONDS="600")
    start(world, "a-1")
    start(world, "a-2")
    for _ in range(4):
        world.tick(after=400)
    assert is_joined(world, "a-2", "a-1")
    assert start(world, "o-1", pipeline="other").status in STARTED


def test_nobody_joins_for_ever_while_a_place_is_free() -> None:
    """Of a line whose last one was cancelled a mark is left: who comes lines up, so that a tick sees it."""
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


def test_while_the_run_goes_on_a_tick_reads_no_record() -> None:
    """However many have joined: their rows say whom."""
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


def test_who_ends_between_two_ticks_ends_the_others_at_the_next() -> None:
    """Somebody who opens the run sees its end before any tick does."""
    world = joining()
    start(world, "a-1")
    world.clock.forward(100)
    start(world, "a-2")
    finish(world, "a-1")
    assert world.services.refresher.fresh(found(world, "a-1")).status == "Succeeded"
    assert is_joined(world, "a-2", "a-1")
    world.tick(after=15)
    assert told(world) == [("a-1", "Succeeded"), ("a-2", "Succeeded")]


def test_an_end_that_cannot_be_recorded_is_the_trouble_of_one() -> None:
    """The others are told in the same tick, and that one by the next."""
    world = joining()
    for key in ("a-1", "a-2", "a-3"):
        start(world, key)
    finish(world, "a-1")
    world.clock.forward(100)
    assert world.services.refresher.fresh(found(world, "a-1")).status == "Succeeded"
    world.ledger.before["save"] = [LedgerError("no")]
    world.tick()
    assert len(told(world)) == 2
    world.tick(after=15)
    assert told(world) == [("a-1", "Succeeded"), ("a-2", "Succeeded"), ("a-3", "Succeeded")]
