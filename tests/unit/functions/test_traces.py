"""The trace of a request is carried to its event, however the request came, and is no part of the request."""

import json
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from adf_trigger.events.texts import event_text
from adf_trigger.messages.traces import traceparent_of
from tests.support.world import World
from tests.unit.functions.conftest import Caller

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.mark.parametrize(
    "value",
    [TRACE, OTHER, TRACE.replace("00-", "cc-", 1), TRACE.replace("00-", "01-", 1) + "-what.comes=later"],
)
def test_a_valid_trace_is_carried_unchanged(value: str) -> None:
    """It has version 00, or a later one, which may have more fields."""
    assert traceparent_of(value) == value


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "",
        "00",
        TRACE.upper(),
        f" {TRACE}",
        f"{TRACE}\n",
        f"{TRACE}-more",
        f"{TRACE}x",
        TRACE.replace("00-", "ff-", 1),
        TRACE.replace("00-", "0-", 1),
        TRACE.replace("00-", "01-", 1) + "more",
        TRACE.replace("00-", "01-", 1) + "-größe",
        TRACE.replace("00-", "01-", 1) + "-" + "x" * 300,
        TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        TRACE.replace("00f067aa0ba902b7", "0" * 16),
        TRACE.replace("4", "g"),
        TRACE.replace("4", "٤"),
    ],
)
def test_an_invalid_trace_is_dropped(value: object) -> None:
    """It has an invalid version, ids of zeros, other letters than digits, or surrounding text."""
    assert traceparent_of(value) is None


def event_document(world: World, status: str = "Succeeded") -> dict[str, Any]:
    """The text of the single event, once the request has ended."""
    world.clock.forward(1)
    world.services.tick.run()
    for run_id in list(world.factory.runs):
        world.factory.finish(run_id, status)
    world.tick(after=15)
    (event,) = world.outbox.events
    text = event_text(event)
    read = JSONFormat().read(CloudEvent, text)
    document: dict[str, Any] = json.loads(text)
    assert read.get_extension("traceparent") == document.get("traceparent")
    return document


def test_the_header_of_a_call_is_carried(world: World, caller: Caller) -> None:
    """Its event has the extension that CloudEvents defines for it."""
    assert caller.post({}, Idempotency_Key="k", traceparent=TRACE).status_code == 202
    assert event_document(world)["traceparent"] == TRACE


@pytest.mark.parametrize("header", ["nonsense", TRACE.upper()])
def test_an_invalid_header_is_ignored(world: World, caller: Caller, header: str) -> None:
    """W3C requires it: the request is accepted, and the event has no such attribute, not even null."""
    assert caller.post({}, Idempotency_Key="k", traceparent=header).status_code == 202
    assert "traceparent" not in event_document(world)


def test_another_trace_is_the_same_request(world: World, caller: Caller) -> None:
    """A caller that repeats itself is in another span by then: no conflict, and the first trace is published."""
    assert caller.post({}, Idempotency_Key="k", traceparent=TRACE).status_code == 202
    assert caller.post({}, Idempotency_Key="k", traceparent=OTHER).status_code == 200
    assert caller.post({}, Idempotency_Key="k").status_code == 200
    assert event_document(world)["traceparent"] == TRACE


CLOUD_EVENT = {"specversion": "1.0", "id": "e", "source": "/orders", "type": "placed", "traceparent": TRACE}


@pytest.mark.parametrize(
    "message",
    [
        {"pipeline": "load", "traceparent": TRACE},
        {**CLOUD_EVENT, "data": {"pipeline": "load"}},
        {**CLOUD_EVENT, "data": {"pipeline": "load", "traceparent": OTHER}},
        {"pipeline": "load", "traceparent": TRACE, "surprise": 1},
        {**CLOUD_EVENT, "data": {"pipeline": "load", "surprise": 1}},
    ],
)
def test_the_trace_of_a_message_is_carried(world: World, caller: Caller, message: dict[str, Any]) -> None:
    """It is a field of a request, an attribute of an event; also where the message is rejected."""
    caller.message(message)
    assert event_document(world)["traceparent"] == TRACE


def test_a_message_with_an_invalid_trace_is_accepted(world: World, caller: Caller) -> None:
    """It is the same request as without it."""
    caller.message({"pipeline": "load", "requestId": "k", "traceparent": "x" * 1_000})
    caller.message({"pipeline": "load", "requestId": "k"}, message_id="m-2")
    assert "traceparent" not in event_document(world)
    assert world.outbox.rejected == []


@pytest.mark.parametrize(("own", "trace"), [({}, TRACE), ({"traceparent": OTHER}, OTHER)])
def test_a_start_of_a_batch_has_its_own_trace_or_that_of_the_call(
    world: World, caller: Caller, own: dict[str, str], trace: str
) -> None:
    """The call is POST /runs."""
    body = json.dumps({"runs": [{"pipeline": "load", "requestId": "k", **own}]}).encode()
    assert caller.call("start_runs", "POST", "runs", body=body, traceparent=TRACE).status_code == 200
    assert event_document(world)["traceparent"] == trace


def test_a_rerun_is_part_of_its_requesters_trace(world: World, caller: Caller) -> None:
    """It is not part of the trace of the run that it reruns."""
    caller.post({}, Idempotency_Key="k", traceparent=TRACE)
    event_document(world, "Failed")
    world.outbox.events.clear()
    assert caller.steer("rerun", "k", traceparent=OTHER).status_code == 202
    for run_id in list(world.factory.runs):
        world.factory.finish(run_id)
    world.tick(after=15)
    (event,) = world.outbox.events
    assert event.traceparent == OTHER
