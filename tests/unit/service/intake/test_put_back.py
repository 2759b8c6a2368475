"""A message that cannot be accepted now comes again with its bytes and under its key, whatever its size."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.errors import LedgerError, PublishError, Unavailable
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.texts import MAX_QUEUE_BYTES, keyed_text, queue_text
from adf_trigger.service.steering.rejected import ReplayOrder
from adf_trigger.service.steering.resolve import ResolveOrder
from adf_trigger.service.steering.steerer import RunSelector
from tests.support.news import published_names
from tests.support.world import World
from tests.unit.functions.conftest import Caller

SENT = datetime(2026, 1, 5, 11, 59, tzinfo=UTC)


def large(size: int = MAX_QUEUE_BYTES, **fields: Any) -> bytes:
    """A message of exactly so many bytes."""
    document = {"pipeline": "load", "parameters": {"text": ""}, **fields}
    room = size - len(json.dumps(document, separators=(",", ":")))
    document["parameters"] = {"text": "x" * room}
    return json.dumps(document, separators=(",", ":")).encode()


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline with a text and a password."""
    world = World()
    text = {"type": "String", "defaultValue": ""}
    world.factory.declare("load", text=text, password={"type": "SecureString", "defaultValue": ""})
    return world


def put_back(world: World) -> bytes:
    """The single text that was put back."""
    ((text, delay),) = world.outbox.put_back_texts
    world.outbox.put_back_texts.clear()
    assert delay > 0
    assert len(text.encode()) <= MAX_QUEUE_BYTES
    return text.encode()


@pytest.mark.parametrize(
    "body",
    [
        b' {"pipeline":"load" , "requestId":"k","parameters":{"text":1.0e0}} ',
        large(requestId="k"),
        base64.b64encode(b'{"pipeline": "load", "requestId": "k"}'),
    ],
    ids=["blanks", "as large as can be", "base64"],
)
def test_a_message_with_its_own_key_is_put_back_unchanged(world: World, body: bytes) -> None:
    """Nothing is rewritten, so nothing can outgrow the queue."""
    world.ledger.before["claim"] = [LedgerError("the table is away")]
    world.factory.fail_next("get_pipeline", Unavailable("down", status=503))
    Caller(world).message(body)
    assert put_back(world) == body


def test_a_key_is_added_where_it_fits_and_all_else_stays(world: World) -> None:
    """The copy has another id in the queue, and is the same request."""
    world.ledger.before["claim"] = [LedgerError("the table is away")]
    Caller(world).message(b' { "pipeline" : "load","metadata":{"a":"1e0"} }', message_id="m-7")
    text = put_back(world)
    assert text == b'{"requestId":"m-7", "pipeline" : "load","metadata":{"a":"1e0"} }'
    Caller(world).message(text, message_id="m-8")
    assert world.status("m-7") == "Queued"


@pytest.mark.parametrize("body", [large(), large(requestId=None)], ids=["as large as can be", "null"])
def test_where_no_key_fits_the_bytes_are_kept_and_a_reference_is_put_back(world: World, body: bytes) -> None:
    """Through outages it is one request under one key, and nothing is left over in the end."""
    caller = Caller(world)
    world.factory.fail_next("get_pipeline", Unavailable("down", status=503))
    caller.message(body, message_id="m-1")
    (kept,) = [each for each in world.kept() if each.body]
    assert (kept.body, kept.waiting, kept.request_id) == (body, True, "m-1")
    for number, failing in enumerate((world.rejected.before.setdefault("get", []), None)):
        text = put_back(world)
        if failing is None:
            world.ledger.before["claim"] = [LedgerError("the table is away")]
        else:
            failing.append(LedgerError("the table is away"))
        caller.message(text, message_id=f"m-{number + 2}")
    text = put_back(world)
    caller.message(text, message_id="m-9")
    assert world.status("m-1") == "Queued"
    assert world.kept() == []
    caller.message(text, message_id="m-9", attempts=2)
    assert len(world.factory.runs) == 1
    assert world.outbox.events == []
    assert world.outbox.rejected == []


def test_a_reference_to_nothing_is_rejected(world: World) -> None:
    """The rejection is published."""
    Caller(world).message({"adfTriggerKept": "0|m", "requestId": "k"})
    assert published_names(world.outbox.events) == ["k/Rejected/m-1"]


def test_a_kept_message_that_is_finally_rejected_is_published_once(world: World) -> None:
    """Its bytes are in the record of the rejection, and the waiting copy is removed."""
    caller, body = Caller(world), large(parameters={"text": ""}, startActivityName="x")
    world.ledger.before["claim"] = [LedgerError("the table is away")]
    caller.message(body, message_id="m-1")
    world.factory.pipelines.clear()
    world.clock.forward(600)
    caller.message(put_back(world), message_id="m-2")
    (kept,) = world.kept()
    assert (kept.body, kept.waiting, kept.request_id, kept.message_id) == (body, False, "m-1", "m-2")
    assert published_names(world.outbox.events) == ["m-1/Rejected/m-2"]


@pytest.mark.parametrize("decision", ["dismiss", "replay"])
def test_a_rejection_is_published_whatever_is_decided_before_that(decision: str) -> None:
    """It is published once, when the events queue is back; a replay is accepted beside it."""
    world = World()
    caller, steering = Caller(world), world.services.steering
    world.outbox.before.append(PublishError("no queue of events"))
    caller.message({"pipeline": "later", "requestId": "k"}, message_id="m-1", inserted_at=SENT)
    world.factory.declare("later")
    if decision == "dismiss":
        steering.resolve(RunSelector("k"), ResolveOrder(decision="dismiss"))
    else:
        steering.replay(RunSelector("k"), ReplayOrder())
    for number, (text, _) in enumerate(world.outbox.put_back_texts):
        caller.message(text.encode(), message_id=f"m-{2 + number}", inserted_at=SENT)
    assert published_names(world.outbox.events) == ["k/Rejected/m-1"]
    assert world.outbox.rejected == []
    assert len(world.factory.runs) == (decision == "replay")


def test_secrets_are_not_kept_for_lack_of_room(world: World) -> None:
    """A message with secrets that fits nowhere with its id is rejected: the reason tells the sender what to do."""
    world.submit("teacher")
    world.ledger.before["claim"] = [LedgerError("the table is away")]
    body = large().replace(b'"x', b'"x","password":"hush', 1)[: MAX_QUEUE_BYTES - 3] + b'"}}'
    Caller(world).message(body, message_id="m-1")
    (kept,) = world.kept()
    assert (kept.waiting, kept.masked) == (False, ("password",))
    assert b"hush" not in kept.body
    assert "give messages a requestId" in kept.reason


def test_a_faulty_message_waits_unchanged_where_the_ledger_cannot_keep_it(world: World) -> None:
    """It uses up no delivery, and is published once the ledger is back, under its own key."""
    world.rejected.before["keep"] = [LedgerError("the table is away")]
    caller, body = Caller(world), b'{"requestId": "k", "surprise": 1}'
    caller.message(body)
    assert world.outbox.events == []
    assert world.outbox.rejected == []
    assert put_back(world) == body
    caller.message(body, message_id="m-2")
    assert [kept.body for kept in world.kept()] == [body]


def test_a_message_that_would_come_again_under_another_id_is_published_without_the_ledger(
    world: World,
) -> None:
    """Its copy in the rejected queue is all that is left, and can be replayed by itself."""
    world.rejected.before["keep"] = [LedgerError("the table is away")]
    Caller(world).message(b"no JSON")
    assert world.outbox.put_back_texts == []
    assert published_names(world.outbox.events) == ["m-1/Rejected/m-1"]
    assert [(copy.message, copy.record) for copy in world.outbox.rejected] == [("no JSON", None)]


@given(
    document=st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=3),
    bom=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_a_message_that_is_put_back_is_the_same_message(
    document: dict[str, str], bom: bytes, *, ascii_only: bool, indent: int | None
) -> None:
    """Any characters survive, and none that storage cannot hold is put raw."""
    body = bom + json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode(errors="replace")
    for text in (queue_text(body), keyed_text(body, "k")):
        assert text is not None
        assert not {"\uffff", "\ufffe", "\x00", "\x01", "\r"} & set(text)
        decoded = Message.decode(text.encode(), message_id="m", attempts=1, inserted_at=SENT)
        assert {name: value for name, value in decoded.document.items() if name != "requestId"} == {
            name: value for name, value in document.items() if name != "requestId"
        }
