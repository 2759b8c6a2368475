"""A replayed message exists at every moment: as a rejected one, or in the queue."""

from datetime import timedelta

import pytest

from adf_trigger.errors import (
    BadRequest,
    LedgerConflict,
    LedgerError,
    PublishError,
    WrongState,
)
from adf_trigger.service.steering.rejected import ReplayOrder
from adf_trigger.service.steering.resolve import ResolveOrder
from adf_trigger.service.steering.steerer import RunSelector
from tests.support.sent_again import LARGE, SMALL, Killed, Storage


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "no room for its key"])
def test_where_the_queue_cannot_be_written_it_stays_rejected(body: bytes) -> None:
    """It is shown, and can be replayed again."""
    storage = Storage(body)
    storage.world.outbox.before.append(PublishError("no queue"))
    with pytest.raises(PublishError):
        storage.replay()
    assert (storage.status(), storage.texts()) == ("Rejected", [])
    assert storage.replay() == "Accepted"
    storage.deliver()
    assert (len(storage.world.factory.runs), storage.status()) == (1, "Queued")


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "no room for its key"])
@pytest.mark.parametrize("step", ["replay.send", "rejected.mark_sent", "rejected.remove"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_at_any_step_it_is_rejected_or_in_the_queue(side: str, step: str, body: bytes) -> None:
    """However often it is replayed afterwards, it starts one run, under its own id."""
    storage = Storage(body)
    storage.plan.kill = (side, step)
    with pytest.raises(Killed):
        storage.replay_and_deliver()
    storage.plan.kill = None
    storage.world.restart()
    assert storage.texts() or storage.status() == "Rejected"
    for _ in range(2):
        storage.replay()
    storage.deliver()
    storage.deliver()
    assert (len(storage.world.factory.runs), storage.status()) == (1, "Queued")
    assert {kept.message_id: kept.was_taken for kept in storage.world.kept()} == {"m-1": True}
    assert len(storage.world.outbox.events) == 1, "its first rejection"


def test_a_queue_that_delivers_before_the_note_accepts_it_once() -> None:
    """A message that is accepted before its replay is noted counts as accepted, and not as waiting."""
    storage = Storage()
    storage.plan.after["replay.send"] = storage.deliver
    storage.replay()
    assert (len(storage.world.factory.runs), storage.status()) == (1, "Queued")
    assert [kept.was_taken for kept in storage.world.kept()] == [True]


def test_a_queue_that_delivers_before_a_second_note_accepts_it_once() -> None:
    """It was in the queue already, and is put there once more by force."""
    storage = Storage()
    storage.replay()
    storage.plan.after["replay.send"] = storage.deliver
    storage.replay(force=True)
    assert (len(storage.world.factory.runs), storage.status()) == (1, "Queued")
    assert [kept.was_taken for kept in storage.world.kept()] == [True]


def test_it_is_in_the_queue_once_however_often_it_is_replayed() -> None:
    """The second time it is shown as waiting; by force it is put there once more, and still starts one run."""
    storage = Storage()
    for _ in range(3):
        assert storage.replay() == "Accepted"
    assert len(storage.texts()) == 1
    assert storage.replay(force=True) == "Accepted"
    assert len(storage.texts()) == 2
    storage.deliver()
    assert len(storage.world.factory.runs) == 1
    assert storage.replay() == "Queued"
    assert storage.texts() == []


def test_a_message_that_is_rejected_again_is_a_rejected_message_again() -> None:
    """It keeps its key and its first id, and may be replayed again."""
    storage = Storage()
    storage.world.factory.pipelines.clear()
    for number in range(2, 4):
        storage.replay()
        text = storage.texts()[0]
        storage.deliver()
        assert storage.status() == "Rejected"
        events = [event.id for event in storage.world.outbox.events]
        assert events[-1].endswith(f"/Rejected/m-{storage.delivered}")
        storage.deliver(text)
        assert len(storage.world.outbox.events) == number, "a second copy of the reference is nothing new"
    storage.world.factory.declare("later", n={"type": "String"})
    storage.replay()
    storage.deliver()
    assert storage.status() == "Queued"


def test_a_message_that_is_rejected_again_in_an_outage_of_the_ledger_keeps_its_bytes() -> None:
    """The bytes that it refers to are not removed before they are kept under the new rejection."""
    storage = Storage()
    storage.world.factory.pipelines.clear()
    storage.replay()
    storage.world.rejected.before["keep"] = [LedgerError("the table is away")]
    storage.deliver()
    assert len(storage.texts()) == 1
    storage.deliver()
    assert [kept.body for kept in storage.world.kept() if not kept.waiting] == [SMALL]
    assert storage.status() == "Rejected"


@pytest.mark.parametrize("delivered_before", [False, True])
@pytest.mark.parametrize("published", [False, True])
def test_a_replay_is_not_answered_with_the_rejection_before_it(
    *, published: bool, delivered_before: bool
) -> None:
    """However soon it comes, and whether or not that was published yet, it is a new attempt: a run, or back."""
    storage = Storage()
    world, key = storage.world, RunSelector("k")
    world.factory.fail_next("create_run", BadRequest("no", status=400, code="BadRequest"))
    world.outbox.before += [] if published else [PublishError("no queue")] * 3
    body = {"pipeline": "later", "requestId": "k", "parameters": {"n": "x"}}
    storage.caller.message(body, message_id="m-5", inserted_at=world.clock.now)
    assert storage.status("k") == "Rejected"
    world.outbox.before.clear()
    world.services.steering.replay(key, ReplayOrder())
    if delivered_before:
        world.ledger.before["claim"] = [LedgerError("the table is away")]
        storage.deliver()
    storage.deliver()
    if not published:
        world.tick(after=200)  # the lease of the publisher that failed is over
        storage.deliver()
    assert (len(world.factory.runs), storage.status("k")) == (1, "Queued")
    assert sum(event.id.endswith("/Rejected") for event in world.outbox.events) == 1


def test_a_race_with_the_listing_of_messages_loses_no_note() -> None:
    """Whatever changes the row without taking the message, it is noted that it waits."""
    storage = Storage()
    storage.world.rejected.before["change"] = [LedgerConflict("listed just now")]
    storage.replay()
    assert storage.status() == "Accepted"


def test_an_older_message_under_the_key_is_not_meant() -> None:
    """An accepted replay is answered with its request, by either id, whatever else has its key."""
    storage = Storage()
    steering, now = storage.world.services.steering, storage.world.clock.now
    for number in (7, 8):
        body = {"pipeline": "soon", "requestId": "k"}
        storage.caller.message(body, message_id=f"m-{number}", inserted_at=now + timedelta(seconds=number))
    storage.world.factory.declare("soon")
    steering.replay(RunSelector("m-8"), ReplayOrder())
    storage.deliver()
    for named in ("k", "m-8"):
        assert steering.replay(RunSelector(named), ReplayOrder()).status == "Queued"
    with pytest.raises(WrongState, match="names a request that was accepted"):
        steering.replay(RunSelector("m-7"), ReplayOrder())


def test_a_dismissed_message_is_not_replayed() -> None:
    """It is not accepted either, where a crash has left it in the queue: it is no longer needed."""
    storage = Storage()
    storage.plan.kill = ("after", "replay.send")
    with pytest.raises(Killed):
        storage.replay()
    storage.plan.kill = None
    view = storage.world.services.steering.resolve(
        RunSelector("m-1"), ResolveOrder(decision="dismiss", by="me")
    )
    assert "dismissed" in str(view.reason)
    with pytest.raises(WrongState, match="dismissed"):
        storage.replay()
    storage.deliver()
    assert (storage.world.factory.runs, storage.status()) == ({}, "Rejected")


def test_a_message_that_is_dismissed_during_its_replay_is_not_shown_as_waiting() -> None:
    """It will not be accepted, and the answer says so."""
    storage = Storage()
    dismiss = ResolveOrder(decision="dismiss", by="me")
    steering = storage.world.services.steering
    storage.plan.after["replay.send"] = lambda: steering.resolve(RunSelector("m-1"), dismiss)
    with pytest.raises(WrongState, match=r"was dismissed.*by me"):
        storage.replay()
    storage.deliver()
    assert (storage.world.factory.runs, storage.status()) == ({}, "Rejected")


def test_a_message_that_is_purged_during_its_replay_is_not_shown_as_waiting() -> None:
    """Nothing is left of it that could be accepted."""
    storage = Storage()
    rejected = storage.world.rejected
    storage.plan.after["replay.send"] = lambda: rejected.remove(storage.world.kept()[0].key)
    with pytest.raises(WrongState, match="purged"):
        storage.replay()


def test_a_message_that_waits_in_the_queue_is_not_dismissed() -> None:
    """It would be accepted nevertheless."""
    storage = Storage()
    storage.replay()
    with pytest.raises(WrongState, match="waits there"):
        storage.world.services.steering.resolve(RunSelector("m-1"), ResolveOrder(decision="dismiss"))


def test_a_message_whose_key_has_an_active_request_is_replayed_by_force_alone() -> None:
    """The answer names the request that has the key."""
    storage = Storage()
    storage.world.submit("m-1", "later", parameters={"n": "y"})
    with pytest.raises(WrongState, match="names a request that was accepted"):
        storage.replay()
    assert storage.texts() == []
    storage.replay(force=True)
    assert len(storage.texts()) == 1


def test_an_outage_of_the_ledger_after_the_replay_loses_nothing() -> None:
    """The caller gets the error, and asks again."""
    storage = Storage()
    storage.world.rejected.before["change"] = [LedgerError("the table is away")]
    with pytest.raises(LedgerError):
        storage.replay()
    assert storage.status() == "Rejected"
    storage.replay()
    storage.deliver()
    assert (len(storage.world.factory.runs), storage.status()) == (1, "Queued")


def test_what_is_purged_while_it_is_dismissed_is_answered_as_dismissed() -> None:
    """With the name and the words of whoever dismissed it."""
    storage = Storage()
    rejected = storage.world.rejected
    storage.plan.before["rejected.discard"] = lambda: rejected.remove(storage.world.kept()[0].key)
    order = ResolveOrder(decision="dismiss", by="me", note="a test")
    view = storage.world.services.steering.resolve(RunSelector("m-1"), order)
    assert [(each.by, each.note) for each in view.history] == [("me", "a test")]
    assert storage.world.kept() == []
