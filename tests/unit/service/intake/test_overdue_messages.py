"""A message that waits in the queue for too long was lost there: it is put again, or published as rejected."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from adf_trigger.errors import (
    BadRequest,
    LedgerError,
    PublishError,
    Unavailable,
)
from adf_trigger.service.steering.rejected import ReplayOrder
from adf_trigger.service.steering.steerer import RunSelector
from tests.support.sent_again import DEADLINE, LARGE, LATE, Storage


def test_a_reference_that_was_lost_is_put_again() -> None:
    """It is put again each time it has waited longer than any message can, and is accepted once."""
    storage = Storage()
    storage.replay(by="me")
    lost = storage.texts()
    storage.world.outbox.put_back_texts.clear()
    storage.world.tick(after=DEADLINE)
    assert (storage.texts(), storage.status()) == ([], "Accepted")
    for _ in range(2):
        storage.world.tick(after=LATE)
        assert storage.texts() == lost
        storage.world.outbox.put_back_texts.clear()
    storage.world.outbox.put_back_texts += [(text, 0.0) for text in lost]
    assert storage.world.services.query.show("m-1").history[0].by == "me"
    storage.deliver()
    storage.deliver(lost[0])
    assert (len(storage.world.factory.runs), storage.status()) == (1, "Queued")
    storage.world.tick(after=2 * LATE)
    assert storage.texts() == []


@pytest.mark.parametrize("refused", [False, True], ids=["by this service", "by Data Factory"])
def test_a_reference_that_an_earlier_version_has_lost_is_put_again(*, refused: bool) -> None:
    """That version noted the waiting message before it was put into the queue, and nothing more."""
    storage = Storage()
    world, named = storage.world, "m-1"
    if refused:
        named = "k"
        world.factory.fail_next("create_run", BadRequest("no", status=400, code="BadRequest"))
        body = {"pipeline": "later", "requestId": "k", "parameters": {"n": "x"}}
        storage.caller.message(body, message_id="m-5", inserted_at=world.clock.now)
    (kept,) = [each for each in world.kept() if each.request_id == named]
    assert kept.name.startswith("request:") is refused
    world.rejected.change(replace(kept, waiting=True, reason="it was sent again"))
    world.tick(after=LATE)
    ((text, _),) = world.outbox.put_back_texts
    life = world.outbox.lives[-1]
    storage.caller.message(text.encode(), message_id="m-9", inserted_at=world.clock.now, life=life)
    world.outbox.put_back_texts.clear()
    if not refused:  # its wait is counted from when it came first
        assert world.outbox.events[-1].id.endswith("/Rejected/m-9")
        assert world.services.steering.replay(RunSelector(named), ReplayOrder()).status == "Accepted"
        storage.deliver()
    assert (len(world.factory.runs), storage.status(named)) == (1, "Queued")


def test_an_outage_of_the_queue_ends_no_tick() -> None:
    """What could not be put is put by the next tick, and nothing is purged meanwhile."""
    storage = Storage()
    storage.replay()
    lost = storage.texts()
    storage.world.outbox.put_back_texts.clear()
    storage.world.outbox.before.append(PublishError("no queue"))
    storage.world.tick(after=LATE)
    assert storage.texts() == []
    storage.world.tick(after=15)
    assert storage.texts() == lost


def test_a_waiting_message_outlives_the_retention() -> None:
    """The message that a reference points to is kept until the reference is taken."""
    storage = Storage(LARGE, ADF_TRIGGER_RETENTION_DAYS="8")
    storage.world.clock.forward(timedelta(days=8).total_seconds() - 70)
    storage.replay()
    storage.world.tick(after=60)
    storage.world.restart()
    storage.world.tick(after=60)
    storage.deliver()
    assert (len(storage.world.factory.runs), storage.status()) == (1, "Queued")
    storage.world.restart()
    storage.world.tick(after=600)
    assert storage.world.kept() == []


def secret() -> Storage:
    """A rejected message with a secret and no other fault."""
    storage = Storage()
    body = b'{"pipeline":"later","parameters":{"n":"x","key":"hush"}, "requestId":"k", "metadata": 1}'
    storage.caller.message(body, message_id="m-8", inserted_at=storage.world.clock.now)
    return storage


def test_a_lost_message_with_given_secrets_is_rejected_again() -> None:
    """The values are not kept, so it cannot be put again: the reason says so, and it outlives the retention again."""
    storage = secret()
    steering, query = storage.world.services.steering, storage.world.services.query
    storage.world.clock.forward(timedelta(days=89, hours=23).total_seconds())
    steering.replay(RunSelector("k"), ReplayOrder(values={"key": "hush"}))
    assert "hush" in storage.texts()[0]
    assert [query.show(each).status for each in ("k", "m-8")] == ["Accepted"] * 2
    storage.world.outbox.put_back_texts.clear()
    storage.world.tick(after=LATE)
    view = query.show("k")
    assert (view.status, storage.texts()) == ("Rejected", [])
    assert "was not processed" in str(view.reason)
    storage.world.restart()
    storage.world.tick(after=timedelta(days=89).total_seconds())
    assert query.show("m-8").status == "Rejected"


@pytest.mark.parametrize("again", [False, True], ids=["rejected again", "taken"])
def test_a_message_with_given_secrets_is_known_by_its_outcome(*, again: bool) -> None:
    """A request under its key, or a later rejection; the first message leads there and is not sent once more."""
    storage = secret()
    steering, query = storage.world.services.steering, storage.world.services.query
    steering.replay(RunSelector("m-8"), ReplayOrder(values={"key": "hush"}))
    (text,) = storage.texts()
    storage.world.outbox.put_back_texts.clear()
    if again:
        document = json.loads(text)
        del document["metadata"]
        text = json.dumps(document)
    storage.world.clock.forward(60)
    storage.deliver(text)
    status = "Queued" if again else "Rejected"
    assert [query.show(each).status for each in ("k", "m-8")] == [status] * 2
    storage.world.tick(after=LATE)
    storage.world.tick(after=LATE)
    status = "InProgress" if again else status
    assert [query.show(each).status for each in ("k", "m-8")] == [status] * 2
    if again:
        assert steering.replay(RunSelector("m-8"), ReplayOrder()).status == status
    assert storage.texts() == []


def aside() -> Storage:
    """A message that waits for its factory, and is too large for a queue with its key."""
    storage = Storage()
    storage.world.restart()
    storage.world.factory.pipelines.pop("load", None)
    storage.world.factory.declare("big", n={"type": "String"})
    storage.world.factory.before["get_pipeline"] = [Unavailable("down", status=503)] * 3
    body = LARGE.replace(b'"later"', b'"big"').replace(b"xx", b"", 1) + b"  "
    storage.caller.message(body, message_id="m-9", inserted_at=storage.world.clock.now)
    assert (len(storage.texts()), storage.status("m-9")) == (1, "Accepted")
    storage.world.factory.before.clear()
    return storage


def test_a_waiting_message_that_is_lost_is_published_in_the_end() -> None:
    """It was acknowledged: its reference is put again, and its start deadline is over."""
    storage = aside()
    storage.world.outbox.put_back_texts.clear()
    storage.world.tick(after=LATE)
    (text,) = storage.texts()
    life = storage.world.outbox.lives[-1]
    storage.world.outbox.put_back_texts.clear()
    storage.caller.message(text.encode(), message_id="m-10", inserted_at=storage.world.clock.now, life=life)
    assert storage.world.factory.runs == {}
    assert [event.subject for event in storage.world.outbox.events] == ["m-1", "m-9"]


def test_a_waiting_message_that_was_accepted_as_a_copy_is_not_put_again() -> None:
    """The host gave up on the message itself, whose copy has another id."""
    storage = aside()
    storage.world.outbox.put_back_texts.clear()
    (body,) = [kept.body for kept in storage.world.kept() if kept.is_aside]
    storage.caller.message(body, message_id="m-11", poison=True, inserted_at=storage.world.clock.now)
    assert len(storage.world.factory.runs) == 1
    storage.world.tick(after=LATE)
    assert (storage.texts(), len(storage.world.factory.runs)) == ([], 1)
    assert [kept for kept in storage.world.kept() if kept.is_aside] == []


def test_an_accepted_message_that_cannot_be_marked_is_marked_later(caplog: pytest.LogCaptureFixture) -> None:
    """The ledger fails at that moment: the message is still finished, and runs once."""
    storage = Storage()
    storage.replay(by="me")
    storage.world.rejected.before["change"] = [LedgerError("down")]
    storage.deliver()
    (said,) = (each for each in caplog.records if vars(each)["action"] == "kept_message_not_removed")
    assert said.getMessage().endswith("could not be removed: down")
    assert (len(storage.world.factory.runs), storage.status()) == (1, "Queued")
    for _ in range(2):
        storage.world.tick(after=LATE)
        for text in storage.texts():
            storage.deliver(text)
    assert len(storage.world.factory.runs) == 1
    kept = storage.world.rejected.find("m-1", by="messageId")
    assert kept is not None
    assert kept.was_taken
