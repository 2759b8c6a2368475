"""The texts of messages: whole where they fit into a queue's message, cut where they must be."""

import base64
import gzip
import json
import zlib
from typing import Any

from pydantic import BaseModel

from adf_trigger.contracts import CompletionEvent, RejectedMessage, as_dict
from adf_trigger.messages.limits import shorten

MAX_MESSAGE_BYTES = 49_152
"""Largest message text: 48 KiB, which base64 makes the 64 KiB that a queue takes."""

_GZIP = 31
"""The window bits of zlib for gzip's format."""
_LONGEST_ORIGINAL = 1 << 20

_NAMES = frozenset({"requestId", "messageId", "runId", "factory", "pipeline", "status", "correlationId"})
"""Texts of an event's data that a consumer looks for, each bounded."""

_CUTS: tuple[tuple[int, int, int], ...] = (
    (4096, 20, 2048),
    (1024, 10, 512),
    (512, 5, 256),
    (200, 1, 64),
    (64, 1, 8),
)
"""Ever harsher limits: characters of a text, entries of a list, characters of a parameter's value.

The last one holds whatever the characters are: bounded at the door are the fields that are never cut.
"""


def event_text(event: CompletionEvent) -> str:
    """The JSON of an event, never over MAX_MESSAGE_BYTES: long text is cut and `data.truncated` says so.

    Every field is there, null where there is nothing to say, so that a consumer need not ask first.
    """
    text = _compact(event.model_dump(mode="json"))
    for limits in _CUTS:
        if _fits(text):
            return text
        document = event.model_dump(mode="json")
        document["data"] = {**_cut_data(document["data"], *limits), "truncated": True}
        text = _compact(document)
    return text


def rejected_text(message: RejectedMessage) -> str:
    """The JSON of a rejected message, never over MAX_MESSAGE_BYTES.

    The faults give way to the original message, which a replay needs whole; a long one is compressed. One that is
    too long even so is cut at its end, and the reason says so.
    """
    text = _compact(message)
    if _fits(text):
        return text
    brief = message.model_copy(update={"errors": [], "reason": shorten(message.reason, 512)})
    packed = brief.model_copy(
        update={"message": _pack(original_body(message)), "message_encoding": "gzip+base64"}
    )
    text = _compact(packed)
    if _fits(text):
        return text
    cut = brief.model_copy(update={"reason": f"(the original message is cut) {brief.reason}"})
    while not _fits(text := _compact(cut)):
        cut = cut.model_copy(update={"message": cut.message[: len(cut.message) * 3 // 4]})
    return text


def original_body(message: RejectedMessage) -> bytes:
    """The original message of a rejected one, unpacked where it was packed.

    Raises:
        ValueError: what was packed is broken, or unpacks to more than a queue's message holds.
    """
    if message.message_encoding is None:
        return message.message.encode(errors="replace")
    packed = base64.b64decode(message.message, validate=True)
    if message.message_encoding == "base64":
        return packed
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        body = unpacker.decompress(packed, _LONGEST_ORIGINAL)
    except zlib.error as exc:
        raise ValueError("the packed message is broken") from exc
    if not unpacker.eof:
        raise ValueError("the packed message is cut, or too long")
    return body


def original_text(message: RejectedMessage) -> str:
    """The original message of a rejected one as text.

    Raises:
        ValueError: see original_body.
    """
    return original_body(message).decode(errors="replace")


def _pack(body: bytes) -> str:
    return base64.b64encode(gzip.compress(body, mtime=0)).decode()


def _fits(text: str) -> bool:
    return len(text.encode()) <= MAX_MESSAGE_BYTES


def _compact(document: BaseModel | dict[str, Any]) -> str:
    plain = as_dict(document) if isinstance(document, BaseModel) else document
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    whole = text.encode(errors="replace").decode()  # half a surrogate pair, as broken software writes it
    # Storage's XML cannot hold every character; outside its strings JSON has none that is not ASCII.
    return whole if whole.isascii() else json.dumps(json.loads(whole), separators=(",", ":"))


def _cut_data(data: dict[str, Any], text_limit: int, entries: int, value_limit: int) -> dict[str, Any]:
    """The data of an event with every text cut but those that name the run."""
    parameters = {
        shorten(name, value_limit): _cut_value(value, value_limit)
        for name, value in list(data["parameters"].items())[: entries * 5]
    }
    errors = data["errors"]
    cut = {
        name: shorten(value, text_limit) if isinstance(value, str) and name not in _NAMES else value
        for name, value in data.items()
    }
    return {
        **cut,
        "parameters": parameters,
        "metadata": {key: shorten(value, value_limit) for key, value in data["metadata"].items()},
        "errors": errors and [_cut_texts(error, text_limit) for error in errors[:entries]],
        "history": [_cut_texts(entry, value_limit) for entry in data["history"][-entries:]],
    }


def _cut_texts(entry: dict[str, Any], limit: int) -> dict[str, Any]:
    """An entry of a list with every text cut but for its time."""
    return {
        key: shorten(value, limit) if isinstance(value, str) and key != "at" else value
        for key, value in entry.items()
    }


def _cut_value(value: object, limit: int) -> object:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= limit else shorten(text, limit)
