"""A request is the same in every encoding."""

import base64
import codecs
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.storage.queue import BinaryBase64EncodePolicy, TextBase64EncodePolicy
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.contracts import QueuedRunRequest
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.encodings import plain_json
from adf_trigger.messages.texts import queue_text

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=12)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=6)
REQUESTS = st.builds(
    lambda parameters, indent, ascii_only: json.dumps(
        {"pipeline": "load", "parameters": parameters}, indent=indent, ensure_ascii=ascii_only
    ),
    st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3),
    st.none() | st.integers(0, 2),
    st.booleans(),
)

TEXTS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "utf-8 with mark": lambda text: text.encode("utf-8-sig"),
    "utf-16 little": lambda text: text.encode("utf-16-le"),
    "utf-16 big": lambda text: text.encode("utf-16-be"),
    "utf-16 little with mark": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "utf-16 big with mark": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "utf-32 little": lambda text: text.encode("utf-32-le"),
    "utf-32 big with mark": lambda text: codecs.BOM_UTF32_BE + text.encode("utf-32-be"),
    "blanks around": lambda text: f" \r\n\t{text}\n ".encode(),
}
LAYERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "with line breaks": base64.encodebytes,
    "with line breaks of Windows": lambda body: base64.encodebytes(body).replace(b"\n", b"\r\n"),
    "URL-safe": base64.urlsafe_b64encode,
    "without padding": lambda body: base64.b64encode(body).rstrip(b"="),
    "URL-safe without padding": lambda body: base64.urlsafe_b64encode(body).rstrip(b"="),
    "with a mark before it": lambda body: codecs.BOM_UTF8 + base64.b64encode(body),
    "in UTF-16": lambda body: base64.b64encode(body).decode().encode("utf-16"),
}


def decoded(body: bytes) -> Message:
    """A message of the requests queue."""
    return Message.decode(body, message_id="m", attempts=1, inserted_at=NOON)


@given(
    text=REQUESTS,
    encoding=st.sampled_from(sorted(TEXTS)),
    layers=st.lists(st.sampled_from(sorted(LAYERS)), max_size=2),
)
def test_every_encoding_of_a_request_is_the_same_request(text: str, encoding: str, layers: list[str]) -> None:
    """Any UTF, any base64, once or twice; the original bytes are kept, and are readable when requeued."""
    body = TEXTS[encoding](text)
    for layer in layers:
        body = LAYERS[layer](body)
    message = decoded(body)
    assert message.request == QueuedRunRequest.model_validate_json(text), message.faults
    assert message.body == body
    put_back = queue_text(body)
    assert put_back is not None
    assert decoded(put_back.encode()).request == message.request


@given(text=REQUESTS, layers=st.lists(st.sampled_from(sorted(LAYERS)), max_size=2))
def test_the_digest_is_that_of_the_json(text: str, layers: list[str]) -> None:
    """A copy in another encoding has the same digest."""
    body = text.encode()
    for layer in layers:
        body = LAYERS[layer](body)
    assert decoded(body).digest == decoded(text.encode()).digest


@given(body=st.binary(max_size=80) | st.text(alphabet="eyJ01+/=-_ {\x00", max_size=60).map(str.encode))
def test_one_rule_decides(body: bytes) -> None:
    """A text that begins with a brace is never base64, and one that holds no object stays unchanged."""
    plain = plain_json(body)
    assert plain == body or plain.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{")
    if body.startswith(b"{") and b"\x00" not in body[:4]:
        assert plain == body


@pytest.mark.parametrize(
    ("body", "digest"),
    [
        (b'{"pipeline": "load"}', "56f39a3ef11d56c69e9593d5"),
        (b'\xef\xbb\xbf {"pipeline": "load"}', "5b0aee12e4a31a779367a6af"),
        (base64.b64encode(b'\xef\xbb\xbf {"pipeline": "load"}'), "5b0aee12e4a31a779367a6af"),
    ],
)
def test_digests_of_earlier_versions_stay(body: bytes, digest: str) -> None:
    """They are stored in the ledger, and identify a copy in the poison queue."""
    assert decoded(body).digest.startswith(digest)


REQUEST = {"pipeline": "load", "requestId": "nightly-2026-11-26", "parameters": {"who": "Jürgen"}}
TEXT = json.dumps(REQUEST, ensure_ascii=False)
RECORDED: dict[str, bytes] = {
    "azure-storage-queue, Python, as it is": TEXT.encode(),
    "azure-storage-queue, Python, TextBase64EncodePolicy": TextBase64EncodePolicy().encode(TEXT).encode(),
    "azure-storage-queue, Python, BinaryBase64EncodePolicy": BinaryBase64EncodePolicy()
    .encode(TEXT.encode())
    .encode(),
    ".NET, QueueMessageEncoding.Base64": (
        b"eyJwaXBlbGluZSI6ImxvYWQiLCJyZXF1ZXN0SWQiOiJuaWdodGx5LTIwMjYtMTEtMjYiLCJwYXJhbWV0ZXJzIjp7Indo"
        b"byI6IkrDvHJnZW4ifX0="
    ),
    ".NET, File.WriteAllText with a byte order mark, base64": base64.b64encode(TEXT.encode("utf-8-sig")),
    "PowerShell, [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($text))": base64.b64encode(
        TEXT.encode("utf-16-le")
    ),
    "az storage message put --content": TEXT.encode(),
    "az storage message put --content $(base64 <<< ...), which breaks lines": base64.encodebytes(
        f"{TEXT}\n".encode()
    ),
    "Logic Apps, Put a message on a queue": json.dumps(REQUEST, ensure_ascii=False, indent=2)
    .replace("\n", "\r\n")
    .encode(),
    "Logic Apps, base64(...) of what was base64 already": base64.b64encode(base64.b64encode(TEXT.encode())),
    "JavaScript, btoa of a URL-safe library": base64.urlsafe_b64encode(TEXT.encode()).rstrip(b"="),
}


@pytest.mark.parametrize("client", RECORDED)
def test_messages_of_real_clients_are_read(client: str) -> None:
    """Each is the same request."""
    message = decoded(RECORDED[client])
    assert message.request is not None, message.faults
    assert (message.request.pipeline, message.request_id) == ("load", "nightly-2026-11-26")
    parameters: dict[str, Any] = dict(message.request.parameters)
    assert parameters == {"who": "Jürgen"}
