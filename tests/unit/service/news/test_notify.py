"""All events are built in one place, whichever way a request came and however far it got."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import BadRequest, PublishError, Throttled
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.messages.decoding import Message
from adf_trigger.news import CompletionEvent, RejectedMessage
from adf_trigger.service.news.notify import Notifier
from tests.contracts.ledger_records import a_factory, a_full_record
from tests.support.news import published_names
from tests.support.world import FACTORY_ID, World

SENT = datetime(2026, 1, 5, 11, 59, tzinfo=UTC)
LABELLED: dict[str, Any] = {"pipeline": "load", "correlationId": "c", "metadata": {"a": "b"}}


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `load`."""
    world = World()
    world.factory.declare("load", password={"type": "SecureString", "defaultValue": ""})
    return world


def send(world: World, document: Any) -> None:
    """Accept a message as the function does."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    world.services.intake.take(Message.decode(body, message_id="m-1", attempts=2, inserted_at=SENT))


def news(world: World) -> tuple[CompletionEvent, RejectedMessage]:
    """The single event and the single rejected message."""
    (event,) = world.outbox.events
    (rejected,) = world.outbox.rejected
    return event, rejected


def test_both_rejections_of_a_message_publish_the_same(world: World) -> None:
    """A rejection by Data Factory and one before that carry the sender's ids, its labels and the reason."""
    send(world, {**LABELLED, "requestId": "k", "surprise": 1})
    early, early_copy = news(world)
    world.outbox.events.clear()
    world.outbox.rejected.clear()
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    send(world, {**LABELLED, "requestId": "k"})
    late, late_copy = news(world)
    assert published_names([early, late]) == ["k/Rejected/m-1", "k/Rejected"], (
        "the one names a message, the other a request"
    )
    for name in ("source", "subject", "type"):
        assert getattr(early, name) == getattr(late, name), name
    for name in (
        "request_id",
        "factory",
        "pipeline",
        "status",
        "correlation_id",
        "metadata",
        "requested_by",
    ):
        assert getattr(early.data, name) == getattr(late.data, name), name
    assert (early.data.links.self, late.data.links.self) == ("/api/runs/m-1?by=messageId", "/api/runs/k")
    assert early.source == f"{FACTORY_ID}/pipelines/load"
    assert (
        early.data.message
        == "the message has faults; /surprise: there is no such field; pipeline parameters go below `parameters`"
    )
    assert late.data.message == "Data Factory refused it: it is wrong"
    assert (early_copy.request_id, late_copy.request_id) == ("k", "k")
    assert late_copy.message == json.dumps({**LABELLED, "requestId": "k"}), "exactly as it came"


def test_a_rejection_of_a_call_is_an_event_alone(world: World) -> None:
    """A request by HTTP has no message that could be replayed."""
    world.factory.fail_next("create_run", Throttled("slow", retry_after=1))
    world.submit()
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    world.tick(after=20)
    (event,) = world.outbox.events
    assert (published_names([event]), event.data.message) == (
        ["key-1/Rejected"],
        "Data Factory refused it: it is wrong",
    )
    assert world.outbox.rejected == []


def test_no_parameter_of_a_faulty_message_is_in_its_event(world: World) -> None:
    """Its secure parameters are not known, so an event has none; its sender has the message."""
    send(world, {**LABELLED, "parameters": {"password": "hush", "no": 1}})
    event, _ = news(world)
    assert event.data.parameters == {}
    assert "hush" not in event.model_dump_json()


@pytest.mark.parametrize(
    "labels",
    [
        {"correlationId": 3, "metadata": "x"},
        {"correlationId": "", "metadata": {"a": 1}},
        {"correlationId": None, "metadata": []},
    ],
)
def test_invalid_labels_are_left_out(world: World, labels: dict[str, Any]) -> None:
    """The rejection is published whatever stands in the labels."""
    send(world, {"pipeline": "load", **labels})
    event, _ = news(world)
    assert (event.data.correlation_id, event.data.metadata) == (None, {})


def test_the_same_faulty_message_is_the_same_event(world: World) -> None:
    """Delivered twice, it is published twice under one id, and every field but the time of the copy is the same."""
    send(world, b"nonsense")
    world.clock.forward(60)
    send(world, b"nonsense")
    first, second = world.outbox.events
    assert first == second
    assert (first.id, first.source, first.time) == ("m-1/Rejected/m-1", f"{FACTORY_ID}/pipelines/", SENT)


def test_an_outage_of_the_events_makes_no_second_record_and_no_copy(world: World) -> None:
    """Delivered repeatedly during it, a message has one record, one copy and one id of its event."""
    for _ in range(3):
        world.outbox.before += [PublishError("no queue")] * 2
        with pytest.raises(PublishError):
            send(world, b"nonsense")
    send(world, b"nonsense")
    news(world)
    assert [kept.rejected_at for kept in world.kept()] == [world.clock.now]


def test_an_event_of_a_request_that_has_not_ended_is_a_bug(world: World) -> None:
    """A record that may still change is never published."""
    record: RunRecord = world.submit(source=Source.QUEUE).record
    notifier = world.services.intake._rejecter._notifier
    with pytest.raises(ValueError, match="has not ended"):
        notifier.ended(record)


def test_a_record_as_it_was_while_its_run_was_active_has_nothing_of_the_end() -> None:
    """Its later end is left out; all other fields are kept."""
    ended = a_full_record(a_factory())
    before = Notifier.as_in_progress(ended, "InProgress")
    assert before == replace(
        ended,
        state=RunState.SUBMITTED,
        status="InProgress",
        event_id=None,
        ended_at=None,
        duration_ms=None,
        message=None,
        errors=(),
        results=None,
        truncated=False,
        published_at=None,
        routes=(),
    )
    assert ended.event_id is not None
