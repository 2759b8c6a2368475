"""A rejected message that is sent again is there at every moment: as a rejected one, or in the queue."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.errors import LedgerError, PublishError, Unavailable, WrongState
from adf_trigger.messages.texts import MAX_QUEUE_BYTES
from adf_trigger.service.overdue import MARGIN
from adf_trigger.service.rejected_requests import ReplayOrder
from adf_trigger.service.resolve import ResolveOrder
from adf_trigger.service.steering import Which
from tests.support.world import World, settings
from tests.unit.functions.conftest import Caller

DEADLINE = 86_400.0
LATE = DEADLINE + MARGIN.total_seconds() + 1
SMALL = b'{"pipeline":"later","parameters":{"n":"x"}}'
LARGE = SMALL.replace(b'"x"', b'"' + b"x" * (MAX_QUEUE_BYTES - len(SMALL) + 1) + b'"')


class Killed(Exception):
    """The process ends."""


class Plan:
    """Steps of which one is the last, and what else happens after one."""

    def __init__(self) -> None:
        self.kill: tuple[str, str] | None = None
        self.after: dict[str, Any] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        if self.kill == ("before", name):
            raise Killed
        yield
        if name in self.after:
            self.after.pop(name)()
        if self.kill == ("after", name):
            raise Killed


class Storage:
    """A service with a rejected message, and its requests queue."""

    def __init__(self, body: bytes = SMALL, **changes: str) -> None:
        self.plan = Plan()
        self.world = World(steps=self.plan, settings=settings(**changes))
        self.caller = Caller(self.world)
        self.delivered = 1
        self.caller.message(body, message_id="m-1", inserted_at=self.world.clock.now)
        self.world.factory.declare(
            "later", n={"type": "String"}, key={"type": "SecureString", "defaultValue": ""}
        )
        self.world.clock.forward(60)
        assert self.status() == "Rejected"

    def status(self, run: str = "m-1") -> str:
        """As GET shows it."""
        return self.world.services.query.show(run).status

    def replay(self, **order: Any) -> str:
        """The status that a replay is answered with."""
        return self.world.services.steering.replay(Which("m-1"), ReplayOrder(**order)).status

    def replay_and_deliver(self) -> None:
        """Send it again and take it, and delete from the queue what was taken."""
        self.replay()
        for text in self.texts():
            self.deliver(text)
        self.world.outbox.put_back_texts.clear()

    def texts(self) -> list[str]:
        """What lies in the queue."""
        return [text for text, _ in self.world.outbox.put_back_texts]

    def deliver(self, text: str | None = None) -> None:
        """Deliver a text, or all that lies in the queue."""
        texts = self.texts() if text is None else [text]
        if text is None:
            self.world.outbox.put_back_texts.clear()
        for each in texts:
            self.delivered += 1
            self.caller.message(
                each.encode(), message_id=f"m-{self.delivered}", inserted_at=self.world.clock.now
            )


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "no room for its key"])
def test_where_the_queue_cannot_be_written_it_stays_rejected(body: bytes) -> None:
    """It is shown, and can be sent again."""
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
    """And however often it is sent again then, one run comes of it, under its own id."""
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


def test_a_queue_that_is_faster_than_the_note_takes_it_once() -> None:
    """A message that was taken before it is noted that it was sent counts as taken, and not as waiting."""
    storage = Storage()
    storage.plan.after["replay.send"] = storage.deliver
    storage.replay()
    assert (len(storage.world.factory.runs), storage.status()) == (1, "Queued")
    assert [kept.was_taken for kept in storage.world.kept()] == [True]


def test_it_is_in_the_queue_once_however_often_it_is_asked_for() -> None:
    """The second time it is shown as it waits; by force it is put there once more, and still is one run."""
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


def test_one_that_is_rejected_again_is_a_rejected_message_again() -> None:
    """Under the key that it has, and under the id that it had at first; and may be sent again."""
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


def test_a_reference_that_was_lost_is_put_again() -> None:
    """Once it has waited longer than any message can; again and again, and it is taken once."""
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


def test_an_outage_of_the_queue_ends_no_tick() -> None:
    """What could not be put is put by the next, and nothing is purged meanwhile."""
    storage = Storage()
    storage.replay()
    lost = storage.texts()
    storage.world.outbox.put_back_texts.clear()
    storage.world.outbox.before.append(PublishError("no queue"))
    storage.world.tick(after=LATE)
    assert storage.texts() == []
    storage.world.tick(after=15)
    assert storage.texts() == lost


def test_what_waits_outlives_the_retention() -> None:
    """The message to which a reference leads is there until that is taken."""
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
    """A rejected message with a secret, and no other fault any more."""
    storage = Storage()
    body = b'{"pipeline":"later","parameters":{"n":"x","key":"hush"}, "requestId":"k", "metadata": 1}'
    storage.caller.message(body, message_id="m-8", inserted_at=storage.world.clock.now)
    return storage


def test_one_that_went_with_secrets_and_is_lost_is_rejected_again() -> None:
    """Their values are not kept, so that nobody can put it again: it says so, and outlives the retention again."""
    storage = secret()
    steering, query = storage.world.services.steering, storage.world.services.query
    storage.world.clock.forward(timedelta(days=89, hours=23).total_seconds())
    steering.replay(Which("k"), ReplayOrder(values={"key": "hush"}))
    assert "hush" in storage.texts()[0]
    assert [query.show(each).status for each in ("k", "m-8")] == ["Accepted"] * 2
    storage.world.outbox.put_back_texts.clear()
    storage.world.tick(after=LATE)
    view = query.show("k")
    assert (view.status, storage.texts()) == ("Rejected", [])
    assert "nothing has come of it" in str(view.reason)
    storage.world.restart()
    storage.world.tick(after=timedelta(days=89).total_seconds())
    assert query.show("m-8").status == "Rejected"


@pytest.mark.parametrize("again", [False, True], ids=["rejected again", "taken"])
def test_one_that_went_with_secrets_is_known_by_what_came_of_it(*, again: bool) -> None:
    """A request under its key, or a later rejection; the first message leads there and is not sent once more."""
    storage = secret()
    steering, query = storage.world.services.steering, storage.world.services.query
    steering.replay(Which("m-8"), ReplayOrder(values={"key": "hush"}))
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
        assert steering.replay(Which("m-8"), ReplayOrder()).status == status
    assert storage.texts() == []


def aside() -> Storage:
    """A message that waits for its factory, and fits with its key into no queue."""
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


def test_one_that_waits_and_is_lost_is_told_in_the_end() -> None:
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


def test_one_that_waits_and_was_taken_as_a_copy_is_not_put_again() -> None:
    """The host gave up on the message itself, whose copy has another id."""
    storage = aside()
    storage.world.outbox.put_back_texts.clear()
    (body,) = [kept.body for kept in storage.world.kept() if kept.is_aside]
    storage.caller.message(body, message_id="m-11", poison=True, inserted_at=storage.world.clock.now)
    assert len(storage.world.factory.runs) == 1
    storage.world.tick(after=LATE)
    assert (storage.texts(), len(storage.world.factory.runs)) == ([], 1)
    assert [kept for kept in storage.world.kept() if kept.is_aside] == []


def test_what_was_dismissed_is_not_sent_again() -> None:
    """Nor taken, where a crash has left it in the queue: somebody needs it no more."""
    storage = Storage()
    storage.plan.kill = ("after", "replay.send")
    with pytest.raises(Killed):
        storage.replay()
    storage.plan.kill = None
    view = storage.world.services.steering.resolve(Which("m-1"), ResolveOrder(decision="dismiss", by="me"))
    assert "dismissed" in str(view.reason)
    with pytest.raises(WrongState, match="dismissed"):
        storage.replay()
    storage.deliver()
    assert (storage.world.factory.runs, storage.status()) == ({}, "Rejected")


def test_what_waits_in_the_queue_is_not_dismissed() -> None:
    """It would be taken all the same."""
    storage = Storage()
    storage.replay()
    with pytest.raises(WrongState, match="waits there"):
        storage.world.services.steering.resolve(Which("m-1"), ResolveOrder(decision="dismiss"))


def test_a_message_whose_key_goes_on_is_sent_by_force_alone() -> None:
    """The answer says which request has the key."""
    storage = Storage()
    storage.world.submit("m-1", "later", parameters={"n": "y"})
    with pytest.raises(WrongState, match="names a request that was taken"):
        storage.replay()
    assert storage.texts() == []
    storage.replay(force=True)
    assert len(storage.texts()) == 1


def test_an_outage_of_the_ledger_after_it_was_sent_loses_nothing() -> None:
    """The caller hears of it, and asks again."""
    storage = Storage()
    storage.world.rejected.before["change"] = [LedgerError("the table is away")]
    with pytest.raises(LedgerError):
        storage.replay()
    assert storage.status() == "Rejected"
    storage.replay()
    storage.deliver()
    assert (len(storage.world.factory.runs), storage.status()) == (1, "Queued")
