"""CloudEvents whose data is a request to start a run."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from adf_trigger.messages.decoding import Message
from adf_trigger.messages.envelopes import key_of

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DATA: dict[str, Any] = {"pipeline": "load", "parameters": {"day": "2026-11-26"}}


def event(**changes: Any) -> dict[str, Any]:
    """A CloudEvent that requests a run; None leaves a name out."""
    document = {
        "specversion": "1.0",
        "id": "1",
        "source": "/orders",
        "type": "com.example.order.placed",
        "data": DATA,
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}


def decoded(document: Any, message_id: str = "m-1") -> Message:
    """A message that holds it."""
    body = json.dumps(document).encode()
    return Message.decode(body, message_id=message_id, attempts=1, inserted_at=NOON)


def faults_of(document: Any) -> list[str]:
    """The places of the faults."""
    return [fault.pointer for fault in decoded(document).faults]


def test_its_data_is_the_request() -> None:
    """Its parameters are unchanged."""
    message = decoded(event())
    assert message.request is not None
    assert (message.pipeline, message.request.parameters) == ("load", {"day": "2026-11-26"})


def test_data_in_base64_is_the_same() -> None:
    """SDKs write data in this form that was given to them as bytes."""
    encoded = base64.b64encode(json.dumps(DATA).encode()).decode()
    assert decoded(event(data=None, data_base64=encoded)).request == decoded(event()).request


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize(
    "written",
    [
        base64.b64encode,
        base64.encodebytes,
        base64.urlsafe_b64encode,
        lambda data: base64.b64encode(data).rstrip(b"="),
    ],
)
def test_data_in_any_base64_is_the_same(encoding: str, written: Callable[[bytes], bytes]) -> None:
    """Each encoding and alphabet of a message is accepted, with line breaks or without padding."""
    asked = {**DATA, "metadata": {"text": "??>>~~ größe"}}
    encoded = written(json.dumps(asked, ensure_ascii=False).encode(encoding)).decode()
    assert decoded(event(data=None, data_base64=encoded)).request == decoded(event(data=asked)).request


@pytest.mark.parametrize("before", ["", " \r\n", "\ufeff"])
def test_data_in_a_text_is_the_same(before: str) -> None:
    """Producers send JSON text in this form, which would be rejected otherwise."""
    message = decoded(event(data=before + json.dumps(DATA)))
    assert message.request == decoded(event()).request
    assert message.request_id == decoded(event()).request_id


@pytest.mark.parametrize("text", ["", "load", "{", "[]", '{"pipelines": 1}', '"{}"', '{"pipeline": "load"'])
def test_another_text_is_no_request(text: str) -> None:
    """The data of an event is read like any other."""
    message = decoded(event(data=text))
    assert message.event is not None
    assert (message.event.data, message.request, message.faults) == (text, None, ())


def test_source_and_id_are_its_key() -> None:
    """Two events with both the same are one, in whatever message they come; any other is another."""
    key = decoded(event()).request_id
    assert decoded(event(time="2026-11-26T06:00:00Z"), "m-2").request_id == key
    others = [event(id="2"), event(source="/order"), event(source="/orders/", id="s1")]
    assert len({key, *(decoded(each).request_id for each in others)}) == 4
    assert key_of("a", "bc") != key_of("ab", "c")


def test_a_key_of_its_own_takes_precedence() -> None:
    """As in any request; and a key added for a replay precedes that."""
    own = {**DATA, "requestId": "own"}
    assert decoded(event(data=own)).request_id == "own"
    assert decoded(event(data=own, requestId="replayed")).request_id == "replayed"


@pytest.mark.parametrize(
    ("document", "places"),
    [
        (event(id=None, source=""), ["/id", "/source"]),
        (event(specversion="0.3"), ["/specversion"]),
        (event(type=5), ["/type"]),
        (event(data={**DATA, "day": 1}), ["/data/day"]),
        (event(data={"Pipeline": "load"}), ["/data/pipeline", "/data/Pipeline"]),
        (event(data={**DATA, "parameters": {"a": 1, "A": 2}}), ["/data/parameters/A"]),
        (event(data=json.dumps({**DATA, "day": 1})), ["/data/day"]),
        (event(data='{"pipeline": "load", "pipeline": "other"}'), ["/data/pipeline"]),
        (event(data_base64="e30="), ["/data_base64"]),
        (event(data=None, data_base64="?"), ["/data_base64"]),
    ],
    ids=str,
)
def test_each_fault_has_its_place(document: Any, places: list[str]) -> None:
    """The place is in the event, not in the extracted data."""
    assert sorted(faults_of(document)) == sorted(places)


def test_secret_values_are_removed_from_the_event() -> None:
    """Nothing else is removed: it stays an event, under its key."""
    message = decoded(event(data={"pipeline": "load", "parameters": {"password": "open sesame"}}))
    body, names = message.without_secrets(["Password"])
    assert (b"sesame" in body, names) == (False, ("password",))
    assert decoded(json.loads(body)).request_id == message.request_id


def test_secret_values_in_base64_are_removed_too() -> None:
    """None is left in another form."""
    encoded = base64.b64encode(b'{"pipeline": "load", "parameters": {"p": "open sesame"}}').decode()
    body, names = decoded(event(data=None, data_base64=encoded)).without_secrets(["p"])
    assert (encoded.encode() in body, names) == (False, ("p",))


def test_secret_values_in_a_text_are_removed_too() -> None:
    """The rest requests the same run, under the same key."""
    text = json.dumps({"pipeline": "load", "parameters": {"p": "open sesame"}, "callBackUri": "https://hush"})
    message = decoded(event(data=text))
    body, names = message.without_secrets(["p"])
    assert (b"sesame" in body, b"hush" in body, names) == (False, False, ("p",))
    assert decoded(json.loads(body)).request_id == message.request_id
