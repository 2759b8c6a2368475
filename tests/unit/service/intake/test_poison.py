"""A message that the host gives up on is a request like any other: never lost, never doubled, never a failure."""

import json
from typing import Any

import pytest

from adf_trigger.errors import BadRequest, LedgerError, Unavailable
from adf_trigger.messages.decoding import Message
from tests.support.news import published_names
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, World
from tests.unit.functions.conftest import Caller

MOVED = FACTORY_ID.replace("/rg/", "/rg-new/")


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `load`."""
    world = World()
    world.factory.declare("load", text={"type": "String", "defaultValue": ""})
    return world


@pytest.fixture
def caller(world: World) -> Caller:
    """Calls the functions of that service."""
    return Caller(world)


def poison(caller: Caller, body: Any, **options: Any) -> None:
    """Deliver a message of the poison queue."""
    caller.message(body, poison=True, **options)


def test_a_message_that_was_never_refused_is_accepted(caller: Caller, world: World) -> None:
    """Storage was out for five deliveries: that is no fault of the request."""
    poison(caller, {"pipeline": "load", "requestId": "k"})
    assert world.status("k") == "Queued"
    assert world.outbox.events == []


def test_an_accepted_request_is_not_accepted_again(caller: Caller, world: World) -> None:
    """The same request under the same key is a repeat."""
    for is_poison in (False, True):
        caller.message({"pipeline": "load", "requestId": "k"}, poison=is_poison)
    assert len(world.factory.runs) == 1
    assert world.outbox.events == []
    assert world.kept() == []


def test_another_request_under_a_used_key_is_rejected_and_published(caller: Caller, world: World) -> None:
    """The key alone does not identify it: the requests are compared, and the message has its own record and event."""
    caller.message({"pipeline": "load", "requestId": "k"})
    poison(caller, {"pipeline": "load", "requestId": "k", "parameters": {"text": "x"}}, message_id="m-2")
    poison(caller, {"pipeline": "load", "requestId": "k", "surprise": 1}, message_id="m-3")
    assert published_names(world.outbox.events) == ["m-2/Rejected/m-2", "k/Rejected/m-3"]
    assert [kept.message_id for kept in world.kept()] == ["m-2", "m-3"]
    assert world.status("k") == "Queued"


def test_a_rejected_key_does_not_block_the_message(caller: Caller, world: World) -> None:
    """A key whose request was rejected is free for another."""
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    caller.message({"pipeline": "load", "requestId": "k", "parameters": {"text": "wrong"}})
    world.clock.forward(10_000)
    poison(caller, {"pipeline": "load", "requestId": "k"})
    assert world.status("k") == "Queued"


@pytest.mark.parametrize("later", [0, 23 * 3600, 25 * 3600])
def test_a_copy_of_an_accepted_message_under_another_id_is_linked_to_it(
    caller: Caller, world: World, later: float
) -> None:
    """The host gives the copy another id; within a day it is not started again, and its rejection names the request."""
    body = b'{"pipeline": "load", "parameters": {"text": "x"}}'
    caller.message(body, message_id="m-1")
    caller.message(body.replace(b'"x"', b'"y"'), message_id="m-2")
    world.clock.forward(later)
    poison(caller, body, message_id="m-9")
    if later > 24 * 3600:
        assert len(world.factory.runs) == 3
        return
    assert len(world.factory.runs) == 2
    (kept,) = world.kept()
    assert (kept.taken_as, kept.message_id, kept.body) == ("m-1", "m-9", body)
    assert "request m-1" in kept.reason
    assert published_names(world.outbox.events) == ["m-9/Rejected/m-9"]


@pytest.mark.parametrize("later", [0, 23 * 3600, 25 * 3600])
@pytest.mark.parametrize("key", ["k", None])
def test_a_copy_of_a_refused_message_is_not_tried_again(
    caller: Caller, world: World, key: str | None, later: float
) -> None:
    """Its rejection was published; the copy is linked to it for a day, and an operator may replay it."""
    body = json.dumps({"pipeline": "load", **({"requestId": key} if key else {})}).encode()
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    caller.message(body, message_id="m-1", inserted_at=world.clock.now)
    world.clock.forward(later)
    poison(caller, body, message_id="m-9", inserted_at=world.clock.now)
    others = [kept for kept in world.kept() if kept.taken_as is not None]
    if later > 24 * 3600:
        assert (others, len(world.factory.runs)) == ([], 1)
        return
    assert world.factory.runs == {}
    assert [(kept.taken_as, kept.message_id, kept.body) for kept in others] == [(key or "m-1", "m-9", body)]
    assert published_names(world.outbox.events)[1:] == [f"{key or 'm-9'}/Rejected/m-9"]


def test_a_copy_of_a_message_of_another_factory_of_ours_is_linked_to_it(world: World) -> None:
    """Records are searched under every id that a factory had, and under those that have left the settings."""
    body = b'{"pipeline":"load"}'
    Caller(world).message(body, message_id="m-1")
    run_id = next(iter(world.factory.runs))
    for number, moved in enumerate(({FACTORY_ID: "default"}, {})):
        services = restarted(world, {"default": (MOVED, world.factory)}, moved)
        services.intake.take_poison(
            Message.decode(body, message_id=f"m-{number + 8}", attempts=1, inserted_at=world.clock.now)
        )
    assert list(world.factory.runs) == [run_id]
    assert [(kept.message_id, kept.taken_as) for kept in world.kept()] == [("m-8", "m-1"), ("m-9", "m-1")]


def test_two_copies_of_one_message_start_one_run(caller: Caller, world: World) -> None:
    """The host was killed between the copy and the removal of the original, and copied it again."""
    for message_id in ("m-8", "m-9"):
        poison(caller, {"pipeline": "load"}, message_id=message_id)
        poison(caller, {"pipeline": "load"}, message_id=message_id, attempts=2)
    assert len(world.factory.runs) == 1
    assert [kept.taken_as for kept in world.kept()] == ["m-8"]


@pytest.mark.parametrize("body", [b"", b"no JSON", b"\xff", b'{"Id": 1}', b"[" * 60_000, b"{}"])
def test_a_message_of_any_bytes_is_published(caller: Caller, world: World, body: bytes) -> None:
    """The rejection says how often it was delivered in all."""
    poison(caller, body, attempts=2)
    (kept,) = world.kept()
    assert (kept.body, kept.attempts) == (body, 7)
    assert len(world.outbox.events) == 1


def test_an_outage_of_data_factory_puts_it_back_under_its_key(caller: Caller, world: World) -> None:
    """It goes into the requests queue, where it is delivered as often as any."""
    world.factory.fail_next("get_pipeline", Unavailable("down", status=503))
    poison(caller, {"pipeline": "load", "parameters": {"text": "x"}}, message_id="m-9")
    ((text, _),) = world.outbox.put_back_texts
    assert json.loads(text)["requestId"] == "m-9"


@pytest.mark.parametrize(
    "error", [LedgerError("the table is away"), RuntimeError("a bug")], ids=["outage", "bug"]
)
def test_trouble_puts_it_back_into_the_poison_queue(
    caller: Caller, world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The function never fails: the platform would hide the message for ten minutes and then give it up."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(world.ledger, "by_message_digest", fail)
    poison(caller, {"pipeline": "load"}, message_id="m-9")
    ((text, delay),) = world.outbox.put_back_as_poison
    assert (json.loads(text), delay > 0) == ({"pipeline": "load"}, True)
    monkeypatch.undo()
    poison(caller, text.encode(), message_id="m-10")
    assert world.status("m-10") == "Queued"
