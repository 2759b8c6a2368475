"""A body that is no JSON object of a request is named for what it is, by HTTP and by queue."""

import base64
import codecs
import gzip
import json
from datetime import UTC, datetime
from functools import reduce
from urllib.parse import quote

import pytest

from adf_trigger.errors import InvalidRequest
from adf_trigger.messages.decoding import Message, run_request

REQUEST = {"pipeline": "load", "metadata": {"who": "Jürgen"}}
TEXT = json.dumps(REQUEST, ensure_ascii=False)
ESCAPED = TEXT.replace('"', "&quot;")
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)

SENT = {
    "JSON inside a JSON string": json.dumps(TEXT).encode(),
    "Latin-1": TEXT.encode("latin-1"),
    "UTF-16": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "UTF-16 or UTF-32": TEXT.encode("utf-16-le"),
    "UTF-32": TEXT.encode("utf-32"),
    "gzip": gzip.compress(TEXT.encode()),
    "form-encoded": b"pipeline=load&day=2026-11-26",
    "URL-encoded JSON": quote(TEXT).encode(),
    "multipart": b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
    "&quot;": ESCAPED.encode(),
    "HTML or XML": json.dumps(ESCAPED).encode(),
    "XML": b"<request><pipeline>load</pipeline></request>",
    "single quotes": str(REQUEST).encode(),
    "typographic quotes": TEXT.replace('"', "“").encode(),
    "backslash before its quotes": TEXT.replace('"', '\\"').encode(),
}


def faults_of(body: bytes) -> list[tuple[str, str]]:
    """The faults by HTTP."""
    with pytest.raises(InvalidRequest) as caught:
        run_request(body)
    return [(fault.pointer, fault.message) for fault in caught.value.faults]


@pytest.mark.parametrize("called", SENT)
def test_the_fault_names_what_was_sent_and_what_to_send(called: str) -> None:
    """It is one sentence, at the place of the body, without a parser's line and column."""
    ((pointer, said),) = faults_of(SENT[called])
    assert (pointer, called in said, "; send" in said, "line 1" in said) == ("", True, True, False)


@pytest.mark.parametrize("called", [each for each in SENT if not each.startswith("UTF-")])
def test_a_message_has_the_same_fault(called: str) -> None:
    """The same sentence is used for a queue message."""
    message = Message.decode(SENT[called], message_id="m", attempts=1, inserted_at=NOON)
    assert [(fault.pointer, fault.message) for fault in message.faults] == faults_of(SENT[called])
    assert message.request is None


def test_base64_is_only_for_queues() -> None:
    """By HTTP the fault names it; a message may be base64, but not of another base64."""
    once = base64.b64encode(TEXT.encode())
    assert "base64 of JSON" in faults_of(once)[0][1]
    assert Message.decode(once, message_id="m", attempts=1, inserted_at=NOON).request is not None
    in_string = Message.decode(
        json.dumps(once.decode()).encode(), message_id="m", attempts=1, inserted_at=NOON
    )
    assert "base64 of JSON" in in_string.faults[0].message


def test_a_separately_encoded_object_is_named() -> None:
    """String templates write parameters as a JSON text."""
    faults = dict(faults_of(json.dumps({"parameters": json.dumps({"day": 1})}).encode()))
    assert faults == {"/parameters": "is JSON inside a JSON string (encoded twice); send the object itself"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"parameters": {"a": 1,}}', "column"),
        (b'{"parameters": {"a": }}', "a value is expected at line 1, column 22"),
        (b'{"parameters" {"a": 1}}', "a colon is expected at line 1"),
        (b'{"parameters": {"a": 1}}{}', "there is data after the end of the object"),
        (b'{"parameters": {"a": "x}}', "an unterminated string begins at line 1, column 22"),
        (b'{"parameters": {"a": "x\ny"}}', "a control character in a string must be escaped"),
        (b'{"parameters": {"a": "\\x"}}', "a backslash in a string must be escaped"),
        (b'{"parameters": {"a": "&quot;"},}', "column"),
        (b"hello", "the body is not JSON: it must be a JSON object"),
        (b'"hello"', "the body must be an object"),
        (b"42", "the body must be an object"),
    ],
)
def test_otherwise_the_fault_has_the_place_where_json_ends(body: bytes, said: str) -> None:
    """The message is our own."""
    assert said in faults_of(body)[0][1]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (base64.b64encode(TEXT.encode())[:-3], "damaged base64 of JSON: base64 cannot have"),
        (
            base64.b64encode(TEXT.encode())[:20] + "§".encode() + b"aaa",
            "damaged base64 of JSON: character",
        ),
        (base64.b64encode(b"<request/>"), "is base64, and its content is XML"),
        (base64.b64encode(b"just a text"), "is base64, and its content is not JSON"),
        (base64.b64encode(b'[{"pipeline": "load"}]'), "is base64, and its content must be an object"),
        (base64.b64encode(b'"load"'), "is base64, and its content must be an object"),
        (
            base64.b64encode(gzip.compress(TEXT.encode(), mtime=0)),
            "is base64, and its content is compressed (gzip)",
        ),
        (
            reduce(lambda body, _: base64.b64encode(body), range(4), TEXT.encode()),
            "base64-encoded too many times",
        ),
        (TEXT.encode("utf-16")[:-1], "UTF-16"),
        (base64.b64encode(b'{"pipeline": "load",}'), "at line 1, column"),
        (b"hello", "the body is not JSON"),
        (b"YWJjZA", "is base64, and its content is not JSON"),
        (b"day", "the body is not JSON"),
        (b"", "the body is blank"),
    ],
)
def test_an_undecodable_text_is_named(body: bytes, said: str) -> None:
    """The fault never has the first line and column of a text that was not written as JSON."""
    message = Message.decode(body, message_id="m", attempts=1, inserted_at=NOON)
    (fault,) = message.faults
    assert (said in fault.message, "line 1, column 1 " in f"{fault.message} ") == (True, False), fault.message
    assert message.body == body


def test_a_valid_request_with_such_values_is_valid() -> None:
    """Values may be anything: only the body itself is checked."""
    parameters = {"html": ESCAPED, "form": "a=b", "json": TEXT, "quote": "&quot;"}
    assert run_request(json.dumps({"parameters": parameters}).encode()).parameters == parameters
