"""A claim is never withdrawn: every acknowledged request ends, with its event, and once."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import (
    BadRequest,
    InvalidRequest,
    LedgerError,
    NotSent,
    PublishError,
    RequestConflict,
    ResourceNotFound,
    Throttled,
    TryLater,
)
from adf_trigger.ledger.records import RunState, Waits
from adf_trigger.messages.decoding import Message
from adf_trigger.service.starting.submit import Submitted
from tests.support.memory_factory import LOST_REPLY
from tests.support.news import published_names
from tests.support.world import FACTORY_ID, STARTED, World, settings

SECRET = {"password": "hunter2-hunter2"}
DEADLINE = 600


class HeldUp:
    """Steps before which a callback can run, once."""

    def __init__(self) -> None:
        self.meanwhile: tuple[str, Callable[[], object]] | None = None

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Surround an effect."""
        if self.meanwhile is not None and self.meanwhile[0] == name:
            (_, work), self.meanwhile = self.meanwhile, None
            work()
        yield


def a_world(steps: HeldUp | None = None) -> World:
    """A service whose factory has a pipeline, and one with a secret."""
    world = World(
        steps=steps or HeldUp(), settings=settings(ADF_TRIGGER_START_DEADLINE_SECONDS=str(DEADLINE))
    )
    world.factory.declare("load")
    world.factory.declare("secret", password={"type": "SecureString"})
    return world


def events_of(world: World, key: str = "key-1") -> list[str]:
    """The ids of the events of a request."""
    return published_names(world.outbox.events, key)


def a_message(put_at: datetime, *, attempts: int = 1) -> Message:
    """A message with a secret, as the queue delivers it."""
    document = {"pipeline": "secret", "requestId": "key-1", "parameters": SECRET}
    body = json.dumps(document).encode()
    return Message.decode(body, message_id="message-1", attempts=attempts, inserted_at=put_at)


@pytest.mark.parametrize("again", [Source.HTTP, Source.QUEUE])
@pytest.mark.parametrize(
    "refusal",
    [
        BadRequest("it is wrong", status=400, code="BadRequest"),
        ResourceNotFound("no such pipeline", status=404, code="NotFound"),
        InvalidRequest([]),
    ],
    ids=["400", "404", "not to be sent"],
)
def test_a_request_that_another_caller_has_seen_accepted_ends_as_rejected(
    refusal: Exception, again: Source
) -> None:
    """The repeat was answered as accepted: its caller finds the end, and the event comes."""
    steps = HeldUp()
    world = a_world(steps)
    seen: list[Submitted] = []
    steps.meanwhile = ("send.create_run", lambda: seen.append(world.submit(source=again)))
    world.factory.fail_next("create_run", refusal)
    with pytest.raises(type(refusal)):
        world.submit()
    assert [(each.replayed, each.record.status) for each in seen] == [(True, "Accepted")]
    record = world.services.query.find("key-1")
    assert (record.status, record.state) == ("Rejected", RunState.ENDED)
    world.tick()
    assert events_of(world) == ["key-1/Rejected"]
    assert world.outbox.events[0].data.message == record.message


def test_a_request_that_is_refused_before_a_claim_leaves_no_record_and_no_event() -> None:
    """Its caller has the answer."""
    world = a_world()
    with pytest.raises(ResourceNotFound):
        world.submit(pipeline="nowhere")
    with pytest.raises(InvalidRequest):
        world.submit(parameters={"extra": 1})
    world.tick(after=30)
    assert world.ledger.get(FACTORY_ID, "key-1") is None
    assert world.outbox.events == []


def reject_once(world: World, source: Source = Source.HTTP) -> None:
    """Submit a request that createRun refuses."""
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    if source is Source.QUEUE:
        assert world.submit(source=source).record.status == "Rejected"
        return
    with pytest.raises(BadRequest):
        world.submit(source=source)


def test_each_rejection_under_a_key_is_an_event_of_its_own() -> None:
    """A consumer that drops repeats gets the first, the second and the third, and the run in the end."""
    world = a_world()
    for _ in range(3):
        reject_once(world)
        world.tick(after=15)
    run_id = world.submit().record.run_id
    world.factory.finish(run_id)
    world.tick(after=15)
    assert events_of(world) == [
        "key-1/Rejected",
        "key-1/Rejected/2",
        "key-1/Rejected/3",
        f"{run_id}/Succeeded",
    ]


def test_a_key_is_used_again_only_after_its_rejection_was_published() -> None:
    """A correction that comes before the timer publishes the earlier rejection first, so that it is not lost."""
    world = a_world()
    reject_once(world)
    world.outbox.before.append(PublishError("no queue"))
    with pytest.raises(TryLater):
        world.submit(metadata={"try": "2"})
    assert events_of(world) == []
    world.clock.forward(100)  # a publisher in progress has it leased for a while
    assert world.submit(metadata={"try": "2"}).record.state is RunState.SUBMITTED
    assert events_of(world) == ["key-1/Rejected"]


def test_a_message_that_is_delivered_again_after_its_rejection_is_rejected_once() -> None:
    """A host that dies between a rejection and its event gets the message once more: it is the same event."""
    world = a_world()
    reject_once(world, Source.QUEUE)
    again = world.submit(source=Source.QUEUE)
    assert (again.replayed, again.record.status, again.record.rejections) == (True, "Rejected", 0)
    world.tick()
    assert events_of(world) == ["key-1/Rejected"]


def test_a_refusal_that_cannot_be_recorded_still_ends_the_request() -> None:
    """The claim stands, the timer finds no run, asks once more, and records the refusal then."""
    world = a_world()
    world.submit("teacher")
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    world.ledger.before["save"] = [LedgerError("the table is away")]
    assert world.submit().record.status == "Accepted"
    world.factory.always["create_run"] = BadRequest("it is wrong", status=400)
    for _ in range(60):
        world.tick(after=30)
    assert world.status() in ("Rejected", "Unknown")
    assert len(events_of(world)) == 1
    assert len(world.factory.runs) == 1


@pytest.mark.parametrize(
    "trouble", [Throttled("slow down", retry_after=20), NotSent("no route")], ids=["throttled", "not sent"]
)
@pytest.mark.parametrize("source", [Source.HTTP, Source.QUEUE])
def test_a_request_with_secrets_waits_for_its_caller(trouble: Exception, source: Source) -> None:
    """It is accepted, shows what it waits for, and the same request under the same key sends it; the timer does not."""
    world = a_world()
    world.factory.fail_next("create_run", trouble)
    taken = world.submit(pipeline="secret", parameters=SECRET, source=source)
    assert (taken.record.status, taken.record.waits_for) == ("Accepted", Waits.CALLER)
    assert taken.again_after is not None
    assert "waits for its caller" in str(world.services.views.view(taken.record).reason)
    world.tick(after=30)
    assert world.factory.calls.count("create_run") == 1
    again = world.submit(pipeline="secret", parameters=SECRET, source=source)
    assert (again.replayed, again.again_after) == (True, None)
    assert again.record.state is RunState.SUBMITTED
    assert world.factory.runs[again.record.run_id].parameters == SECRET
    assert "hunter2" not in repr(again.record)


def test_another_secret_under_the_key_of_a_waiting_request_is_a_conflict() -> None:
    """The waiting request is the one that was accepted first."""
    world = a_world()
    world.factory.fail_next("create_run", NotSent("no route"))
    world.submit(pipeline="secret", parameters=SECRET)
    with pytest.raises(RequestConflict):
        world.submit(pipeline="secret", parameters={"password": "another"})
    assert world.factory.runs == {}


def test_concurrent_callers_of_a_waiting_request_send_it_once() -> None:
    """The second one finds the first one's lease, and is answered with its state."""
    steps = HeldUp()
    world = a_world(steps)
    world.factory.fail_next("create_run", NotSent("no route"))
    world.submit(pipeline="secret", parameters=SECRET)
    steps.meanwhile = ("records.lease_to_send", lambda: world.submit(pipeline="secret", parameters=SECRET))
    assert world.submit(pipeline="secret", parameters=SECRET).record.state is RunState.SUBMITTED
    assert len(world.factory.runs) == 1


def test_a_request_whose_caller_does_not_return_is_rejected_at_its_deadline_once() -> None:
    """Only the start deadline ends it, and others do not wait behind it meanwhile."""
    world = a_world()
    world.factory.fail_next("create_run", NotSent("no route"))
    world.submit("waiting", pipeline="secret", parameters=SECRET)
    world.factory.fail_next("create_run", NotSent("no route"))
    world.submit("later")
    world.tick(after=30)
    assert world.status("later") in STARTED
    world.tick(after=DEADLINE - 60)
    assert world.status("waiting") == "Accepted"
    world.tick(after=60)
    world.tick(after=60)
    assert world.status("waiting") == "Rejected"
    assert events_of(world, "waiting") == ["waiting/Rejected"]
    assert "waits for its caller" in str(world.services.query.find("waiting").message)


def test_a_message_that_comes_back_after_the_deadline_is_not_taken_for_a_new_one() -> None:
    """It was rejected once; the copy that was put back meanwhile starts nothing and is not rejected again."""
    world = a_world()
    world.factory.fail_next("create_run", NotSent("no route"))
    put_at = world.clock()
    world.services.intake.take(a_message(put_at))
    world.tick(after=DEADLINE + 1)
    world.clock.forward(600)
    world.services.intake.take(a_message(put_at))
    world.tick(after=60)
    assert events_of(world) == ["key-1/Rejected"]
    assert (world.status(), len(world.factory.runs)) == ("Rejected", 0)


def test_a_message_that_was_put_after_the_rejection_is_a_new_one() -> None:
    """A sender that sends the same message after its rejection gets a new attempt."""
    world = a_world()
    world.factory.fail_next("create_run", NotSent("no route"))
    world.services.intake.take(a_message(world.clock()))
    world.tick(after=DEADLINE + 1)
    world.clock.forward(60)
    world.services.intake.take(a_message(world.clock()))
    assert (world.status(), len(world.factory.runs)) == ("Queued", 1)


def test_a_message_that_is_delivered_again_after_its_refusal_is_not_refused_twice() -> None:
    """The host died between the event and the deletion: no second call, event or copy is made."""
    world = a_world()
    world.factory.always["create_run"] = BadRequest("no", status=400)
    put_at = world.clock()
    world.services.intake.take(a_message(put_at))
    world.clock.forward(300)
    world.services.intake.take(a_message(put_at, attempts=2))
    assert world.factory.calls.count("create_run") == 1
    assert events_of(world) == ["key-1/Rejected"]
    assert len(world.kept()) == 1


def test_a_doubt_about_a_request_with_secrets_is_settled_and_then_waits_for_its_caller() -> None:
    """A found run is adopted; where nothing started, the same request sends it again under the same id."""
    world = a_world()
    world.submit("teacher")
    world.factory.fail_next("create_run", LOST_REPLY)
    first = world.submit(pipeline="secret", parameters=SECRET, source=Source.QUEUE)
    assert first.again_after is not None
    in_doubt = world.submit(pipeline="secret", parameters=SECRET, source=Source.QUEUE)
    assert (in_doubt.record.status, world.factory.calls.count("create_run")) == ("Accepted", 2)
    for _ in range(4):
        world.tick(after=30)
    assert world.services.query.find("key-1").waits_for is Waits.CALLER
    again = world.submit(pipeline="secret", parameters=SECRET, source=Source.QUEUE)
    assert again.record.state is RunState.SUBMITTED
    assert again.record.run_id == first.record.run_id
    assert len(world.factory.runs) == 2
