"""Which trigger matches which event, with which parameters, under which key."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.messages.decoding import Message
from adf_trigger.messages.envelopes import Event, event_in
from adf_trigger.triggers.definitions import CLOSING_CALLS, read_triggers
from adf_trigger.triggers.matching import why_not
from adf_trigger.triggers.requests import key_of_start, requests_of
from tests.support.grid_events import (
    ACCOUNT,
    NAMES,
    as_cloud_event,
    blob_created,
    blob_trigger,
    custom_trigger,
    order_placed,
)

SCHEMAS = pytest.mark.parametrize("schema", [dict, as_cloud_event], ids=["Event Grid", "CloudEvents"])


def event_of(document: dict[str, Any]) -> Event:
    """The event in a document."""
    event, faults = event_in(document)
    assert event is not None, faults
    return event


def made(document: dict[str, Any], *triggers: dict[str, Any]) -> list[dict[str, Any]]:
    """The requests that triggers derive from an event."""
    return [each.document for each in requests_of(event_of(document), read_triggers(list(triggers)))]


def key(document: dict[str, Any], trigger: dict[str, Any] | None = None) -> str:
    """The key of the one derived request."""
    (request,) = made(document, trigger or blob_trigger())
    return str(request["requestId"])


@SCHEMAS
@pytest.mark.parametrize("name", NAMES)
def test_a_blobs_name_is_passed_on_unchanged(schema: Any, name: str) -> None:
    """Unicode and percent signs are passed as in the subject: it is not encoded."""
    (request,) = made(schema(blob_created(name)), blob_trigger())
    folder, _, file = f"in/raw/{name}".rpartition("/")
    assert request["parameters"] == {"file": file, "folder": folder}
    assert (request["pipeline"], request["correlationId"]) == ("load", "e-1")
    assert request["metadata"]["trigger"] == "OnFile"


@given(name=st.text(min_size=1, max_size=30).filter(lambda text: not text.endswith("/")))
def test_folder_and_file_make_up_a_blobs_path(name: str) -> None:
    """Whatever the blob's name, folder and file together are container and path."""
    (request,) = made(blob_created(name), blob_trigger(blobPathEndsWith=""))
    parameters = request["parameters"]
    assert f"{parameters['folder']}/{parameters['file']}" == f"in/raw/{name}"


@given(
    event_id=st.text(min_size=1, max_size=300),
    subject=st.text(max_size=300),
    kind=st.text(min_size=1, max_size=300),
)
def test_no_event_is_rejected_for_its_texts(event_id: str, subject: str, kind: str) -> None:
    """Whatever id, subject and type hold: displayed texts are made printable, and the request is valid."""
    event = {**order_placed(), "id": event_id, "subject": f"orders/{subject}", "eventType": kind}
    (document,) = made(event, custom_trigger({"file": "@triggerBody().event.subject"}, events=[kind]))
    message = Message.decode(
        json.dumps(document).encode(),
        message_id="m",
        attempts=1,
        inserted_at=datetime(2026, 1, 5, tzinfo=UTC),
    )
    assert message.request is not None, message.faults
    assert message.request.parameters == {"file": f"orders/{subject}"}


def test_an_event_carries_its_trace_on() -> None:
    """An invalid trace is dropped, and a missing subject adds no label."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    event = {**as_cloud_event(order_placed()), "subject": "orders/1", "traceparent": trace}
    (document,) = made(event, custom_trigger())
    assert document["traceparent"] == trace
    (document,) = made({**event, "subject": "", "traceparent": "x"}, custom_trigger(subjectBeginsWith=""))
    assert ("traceparent" in document, set(document["metadata"])) == (False, {"trigger", "eventType"})


def test_a_blob_at_the_top_has_its_container_as_folder() -> None:
    """Data Factory does the same."""
    event = {**blob_created(), "subject": "/blobServices/default/containers/in/blobs/a.csv"}
    (request,) = made(event, blob_trigger(blobPathBeginsWith="/in/"))
    assert request["parameters"] == {"file": "a.csv", "folder": "in"}


@pytest.mark.parametrize(
    ("event", "trigger", "why"),
    [
        (blob_created(), blob_trigger(blobPathBeginsWith="/in/blobs/other/"), "blobPathBeginsWith is"),
        (blob_created(), blob_trigger(blobPathBeginsWith="/out/"), "blobPathBeginsWith is"),
        (blob_created(), blob_trigger(blobPathEndsWith=".json"), "blobPathEndsWith is"),
        (blob_created(), blob_trigger(events=["Microsoft.Storage.BlobDeleted"]), "it starts on"),
        (blob_created(), blob_trigger(scope=f"{ACCOUNT}2"), "its scope is"),
        (blob_created(contentLength=0), blob_trigger(), "the blob is empty"),
        (blob_created(api="CreateFile"), blob_trigger(), "data.api is CreateFile"),
        (blob_created(api="AppendFile"), blob_trigger(), "data.api is AppendFile"),
        ({**blob_created(), "subject": "/x"}, blob_trigger(), "its subject is not that of a blob"),
        (order_placed(), blob_trigger(), "it starts on"),
        (order_placed(), custom_trigger(subjectBeginsWith="invoices/"), "subjectBeginsWith is"),
        (order_placed(), custom_trigger(subjectEndsWith="/paid"), "subjectEndsWith is"),
        ({**order_placed(), "topic": None}, custom_trigger(), "this is from none"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_the_reason_why_a_trigger_does_not_match_is_given(event: Any, trigger: Any, why: str) -> None:
    """The sentence names the filter."""
    said = why_not(read_triggers(trigger)[0], event_of(event))
    assert said is not None
    assert why in said


@pytest.mark.parametrize(
    ("event", "trigger"),
    [
        (blob_created(), blob_trigger(blobPathBeginsWith="/IN/blobs/RAW/", blobPathEndsWith=".CSV")),
        (
            {**blob_created(), "eventType": "microsoft.storage.blobcreated"},
            blob_trigger(scope=ACCOUNT.upper()),
        ),
        (blob_created(contentLength=0), blob_trigger(ignoreEmptyBlobs=False)),
        (blob_created(api="CreateFile"), {**blob_trigger(), "calls": ["CreateFile"]}),
        (blob_created(api="CreateFile"), {**blob_trigger(), "calls": []}),
        ({**order_placed(), "eventType": "ORDERS.placed"}, custom_trigger()),
        ({**as_cloud_event(order_placed()), "source": "urn:shop"}, custom_trigger()),
        *((blob_created(api=call), blob_trigger()) for call in CLOSING_CALLS),
    ],
    ids=lambda each: str(each)[:30],
)
def test_it_matches(event: Any, trigger: Any) -> None:
    """Case does not matter, as in Event Grid's own filters; nor does a source without a topic."""
    assert why_not(read_triggers(trigger)[0], event_of(event)) is None


@SCHEMAS
def test_references_are_resolved_in_the_event(schema: Any) -> None:
    """Alone with the value's own type; in text as Data Factory writes it; under the names of both schemas."""
    parameters = {
        "day": "@triggerBody().event.data.day",
        "count": "@trigger().outputs.body.event.data.count",
        "tags": "@trigger().outputs.body.event.data['tags'][1]",
        "text": "@{triggerBody().event.subject}: @{ trigger().outputs.body.event.data.count } "
        "@{triggerBody().event.data.tags}",
        "type": "@triggerBody().event.eventType",
        "time": "@trigger().startTime",
        "name": "@TRIGGER().Name",
        "none": "x@{triggerBody().event.data.tags[1].b}",
        "lenient": "@triggerBody()?.event?.data?['gone']?.deeper",
        "plain": "@@triggerBody()",
        "mail": "a@b.c @@{x}",
        "object": {"n": 1, "in": ["@triggerBody().event.id", None, True]},
        "said": {"value": "@triggerBody().event.id", "type": "Expression"},
    }
    (request,) = made(schema(order_placed()), custom_trigger(parameters))
    assert request["parameters"] == {
        "day": "2026-11-26",
        "count": 3,
        "tags": {"b": None},
        "text": 'orders/4711: 3 ["a",{"b":null}]',
        "type": "Orders.Placed",
        "time": "2026-11-26T06:00:00Z",
        "name": "OnOrder",
        "none": "x",
        "lenient": None,
        "plain": "@triggerBody()",
        "mail": "a@b.c @{x}",
        "object": {"n": 1, "in": ["o-1", None, True]},
        "said": "o-1",
    }


def test_a_missing_field_of_an_event_is_a_fault_of_the_request() -> None:
    """As in Data Factory no run is started; each parameter is named."""
    wanted = {"a": "@triggerBody().event.data.gone", "b": "@{triggerBody().event.data.tags[9]}", "c": "ok"}
    triggers = read_triggers(custom_trigger(wanted))
    (request,) = requests_of(event_of(order_placed()), triggers)
    assert [fault.pointer for fault in request.faults] == ["/parameters/a", "/parameters/b"]
    assert "the event has no gone" in request.faults[0].message


def test_one_file_makes_one_request_in_either_schema() -> None:
    """Subject and ETag identify it: several events of one write, of whatever ids and schemas, are one."""
    first = key(blob_created(id_="e-1", api="PutBlob"))
    assert key(blob_created(id_="e-2", api="PutBlockList")) == first
    assert key(blob_created(tag='"0x8DE2C"')) == first
    assert key(as_cloud_event(blob_created(id_="e-3"))) == first
    others = [
        blob_created(tag="0x8DE2D"),
        blob_created("Orders.csv"),
        {**blob_created(), "topic": ACCOUNT.upper()},
    ]
    assert len({first, *map(key, others)}) == len(others) + 1


def test_without_an_etag_source_and_id_identify_an_event() -> None:
    """CloudEvents defines it so; this holds for every custom event, even one whose data has an ETag."""
    assert key(blob_created(tag="")) != key(blob_created(tag="", id_="e-2"))
    orders = [key({**order_placed(eTag="x"), "id": each}, custom_trigger()) for each in ("o-1", "o-2", "o-1")]
    assert (orders[0] == orders[2], orders[0] != orders[1]) == (True, True)


def test_each_pipeline_of_each_trigger_has_a_request_of_its_own() -> None:
    """This holds also where one pipeline is listed twice, with other parameters."""
    twice = blob_trigger("A")
    twice["properties"]["pipelines"] *= 2
    requests = made(blob_created(), twice, blob_trigger("B"), blob_trigger("C", "other"))
    assert [each["pipeline"] for each in requests] == ["load", "load", "load", "other"]
    assert len({each["requestId"] for each in requests}) == 4


EVENTS = st.tuples(st.text(max_size=4), st.text(min_size=1, max_size=4))


@given(events=st.lists(EVENTS, min_size=2, max_size=2, unique=True))
def test_keys_never_collide(events: list[tuple[str, str]]) -> None:
    """Whatever sources and ids hold, two events have two keys."""
    (trigger,) = read_triggers(custom_trigger())
    keys = {
        key_of_start(event_of({**order_placed(), "topic": source, "id": id_}), trigger, trigger.starts[0])
        for source, id_ in events
    }
    assert len(keys) == 2
