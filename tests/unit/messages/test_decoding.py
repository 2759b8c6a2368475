"""Decoding of requests: JSON that Data Factory could not be sent is a fault, and nothing else is raised."""

import base64
import codecs
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.contracts import QueuedRunRequest
from adf_trigger.errors import InvalidRequest
from adf_trigger.messages.decoding import Message, run_request
from adf_trigger.messages.strict_json import MAX_DEPTH

NOW = datetime(2026, 1, 5, tzinfo=UTC)
TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=8)
"""Any code points, halves of surrogate pairs among them."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def faults_of(body: bytes) -> dict[str, str]:
    """Pointer → message; empty where the request is valid."""
    try:
        run_request(body)
    except InvalidRequest as exc:
        return {fault.pointer: fault.message for fault in exc.faults}
    return {}


def message(body: bytes, message_id: str = "m-1") -> Message:
    """A message of the requests queue."""
    return Message.decode(body, message_id=message_id, attempts=1, inserted_at=NOW)


def nested(levels: int) -> bytes:
    """A parameter of that many nested arrays, inside two objects."""
    return b'{"parameters": {"x": ' + b"[" * levels + b"]" * levels + b"}}"


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        (b'{"parameters": {"x": 1e400}}', "/parameters/x", "too large a number"),
        (b'{"parameters": {"x": -1e400}}', "/parameters/x", "too large a number"),
        (b'{"parameters": {"x": NaN}}', "/parameters/x", "no NaN"),
        (b'{"parameters": {"x": [{"y": Infinity}]}}', "/parameters/x/0/y", "no NaN or Infinity"),
        (rb'{"parameters": {"x": "\ud800"}}', "/parameters/x", "an unpaired surrogate"),
        (rb'{"parameters": {"x": ["a", {"b": "\udfff"}]}}', "/parameters/x/1/b", "an unpaired surrogate"),
        (rb'{"parameters": {"\ud800": 1}}', "/parameters/?", "an unpaired surrogate"),
        (rb'{"metadata": {"a": "\ud800"}}', "/metadata/a", "an unpaired surrogate"),
        (rb'{"\udc00": 1}', "/?", "an unpaired surrogate"),
        (nested(MAX_DEPTH - 1), "/parameters", "nested too deeply"),
        (nested(60_000), "", "nested too deeply"),
        (b'{"parameters": {"x": ' + b"9" * 5000 + b"}}", "", "too long"),
        (b'{"parameters": {"a": 1}, "parameters": {"a": 2}}', "/parameters", "more than once"),
        (b'{"parameters": {"a": 1, "a": 1}}', "/parameters/a", "more than once"),
        (b'{"parameters": {"x": [{"a/b": 1, "a/b": 2}]}}', "/parameters/x/0/a~1b", "more than once"),
        (b'{"parameters": {}, "factory": "\xff"}', "", "not UTF-8"),
    ],
    ids=lambda each: each[:40] if isinstance(each, bytes) else "",
)
def test_json_that_data_factory_cannot_be_sent_is_a_fault(body: bytes, pointer: str, words: str) -> None:
    """It is rejected before a claim, and the fault has the place."""
    assert words in faults_of(body).get(pointer, "nothing")


def test_all_faults_are_reported_together() -> None:
    """Faults of the JSON and of the request are in one error."""
    faults = faults_of(b'{"parameters": {"x": NaN, "y": 1, "y": 2}, "factory": 5, "day": 1}')
    assert faults.keys() == {"/parameters/x", "/parameters/y", "/factory", "/day"}


def test_valid_extremes_are_accepted() -> None:
    """The deepest and the largest allowed request, and characters that only look invalid."""
    right = {"parameters": {"x": 1.7e308, "y": 10**300, "z": "\uffff\x00\u2028\U0001f600", "": None}}
    assert faults_of(json.dumps(right).encode()) == {}
    assert faults_of(json.dumps(right, ensure_ascii=False).encode()) == {}
    assert faults_of(nested(MAX_DEPTH - 2)) == {}


@given(document=st.dictionaries(TEXT, VALUES, max_size=3))
def test_every_accepted_request_can_be_sent(document: dict[str, Any]) -> None:
    """Accepted parameters are JSON in UTF-8, unchanged."""
    body = json.dumps({"parameters": document}).encode()
    try:
        taken = run_request(body).parameters
    except InvalidRequest:
        return
    sent = json.dumps(taken, allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(sent) == document


@given(body=st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_nothing_but_faults_is_raised(body: bytes) -> None:
    """Any text is a request or named faults, by HTTP and by queue."""
    faults = faults_of(body)
    "".join(f"{pointer}{said}" for pointer, said in faults.items()).encode()
    decoded = message(body)
    assert (decoded.request is None) == bool(decoded.faults)


@pytest.mark.parametrize("bom", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("encode", [lambda body: body, base64.b64encode], ids=["plain", "base64"])
def test_a_byte_order_mark_is_ignored(bom: bytes, encode: Any) -> None:
    """.NET writes it, plain and in base64."""
    decoded = message(encode(bom + b' {"pipeline": "load"}'))
    assert decoded.request == QueuedRunRequest(pipeline="load")


@pytest.mark.parametrize(
    ("field", "meant"),
    [
        ("request_id", "requestId"),
        ("RequestId", "requestId"),
        ("is_recovery", "isRecovery"),
        ("reference_pipeline_run_id", "referencePipelineRunId"),
        ("start_from_failure", "startFromFailure"),
        ("start_activity_name", "startActivityName"),
        ("correlation_id", "correlationId"),
        ("Pipeline", "pipeline"),
    ],
)
def test_a_misspelt_field_is_a_fault(field: str, meant: str) -> None:
    """It is neither read as the field nor ignored; the fault suggests the right name."""
    decoded = message(json.dumps({"pipeline": "load", field: "x"}).encode())
    assert [(f.pointer, f"is {meant} meant?" in f.message) for f in decoded.faults] == [(f"/{field}", True)]


@pytest.mark.parametrize("key", ["a\n", " a", "", "a\u0000b", "x" * 256, "\n", " "])
def test_an_impossible_key_is_a_fault(key: str) -> None:
    """A requestId must match whole; the message is identified by its own id."""
    decoded = message(json.dumps({"pipeline": "load", "requestId": key}).encode())
    assert [fault.pointer for fault in decoded.faults] == ["/requestId"]
    assert decoded.request_id == "m-1"


@pytest.mark.parametrize("key", ['say "hi" \\ bye', "Überweisung 🚀", "a/b", "}"])
def test_a_message_is_requeued_under_any_key(key: str) -> None:
    """The key that is written into it is read from it again."""
    decoded = Message.decode(b'{"pipeline": "load"}', message_id="m", attempts=1, inserted_at=NOW, key=key)
    text = decoded.text_to_put_back()
    assert text is not None
    assert message(text.encode()).own_key == key
