"""The texts of messages, cut to fit into a queue message."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from adf_trigger.contracts import HistoryEntry, as_dict
from adf_trigger.messages.fitting import LONGEST_NAME, fitted_children, fitted_errors, fitted_results
from adf_trigger.messages.limits import bounded_json, shorten_middle
from adf_trigger.news import CompletionEvent, EventData, RejectedMessage

MAX_MESSAGE_BYTES = 49_152
"""Largest message text: 48 KiB, which in base64 is the 64 KiB that a queue accepts."""

_GZIP = 31
"""The window bits of zlib for gzip's format."""
_LONGEST_ORIGINAL = 1 << 20

_BOUNDED = frozenset(
    {"request_id", "message_id", "run_id", "factory", "pipeline", "status", "correlation_id"}
)
"""Members of an event's data that identify it, each bounded when a request arrives: they are never cut."""

_VALUES = (4096, 2048, 1024, 512, 256, 128)
"""Maximum characters of a parameter's value, tried in turn: cut first, since its sender has it."""

_SHARES = tuple(0.85**step for step in range(20))
"""Shares of all other limits, tried in turn."""

_ACTIVITIES, _CHILDREN, _MESSAGES, _RETURN_VALUE = 24_000, 10_000, 16_000, 6_000
"""Sizes of the parts of a cut event."""

_LEAST = 64
"""Minimum characters of a text that are kept."""


@dataclass(frozen=True, slots=True)
class _Limits:
    """Limits of an event's data. Sizes are characters of ASCII JSON.

    Attributes:
        value: characters of a parameter's value, and of a label's.
        share: of everything else.
        text: characters of a text.
        names: characters of the names in errors.
        entries: of lists; five times as many parameters.
    """

    value: int
    share: float
    text: int
    names: int
    entries: int

    def of(self, size: int) -> int:
        """The share of a size."""
        return int(size * self.share)


def _limits() -> Iterator[_Limits]:
    """Limits, tried in turn, each stricter. The last ones suffice for any characters."""
    for value in _VALUES:
        yield _Limits(value, 1, 8192, LONGEST_NAME, 20)
    for share in _SHARES:
        yield _Limits(
            _VALUES[-1], share, max(_LEAST, int(4096 * share)), LONGEST_NAME, max(1, int(20 * share))
        )
    yield _Limits(_LEAST, 0.04, 200, _LEAST, 1)
    yield _Limits(8, 0, _LEAST, _LEAST, 1)


def event_text(event: CompletionEvent) -> str:
    """The JSON of an event, never over MAX_MESSAGE_BYTES: long text is cut, and `data.truncated` is set.

    Every field is present, null where it has no value.
    """
    text = _compact(_document(event))
    for limits in _limits():
        if _fits(text):
            return text
        text = _compact(_document(event.model_copy(update={"data": _cut_data(event.data, limits)})))
    return text


def _document(event: CompletionEvent) -> dict[str, Any]:
    """An event as JSON; null attributes are left out, since some SDKs read them as values."""
    document = event.model_dump(mode="json")
    return {name: value for name, value in document.items() if value is not None}


def rejected_text(message: RejectedMessage) -> str:
    """The JSON of a rejected message, never over MAX_MESSAGE_BYTES.

    The faults are cut before the original message, which a replay needs whole; a long message is compressed. If it is
    still too long, its end is cut, and the reason says so.
    """
    text = _compact(message)
    if _fits(text):
        return text
    brief = message.model_copy(update={"errors": [], "reason": shorten_middle(message.reason, 512)})
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
    """The original message of a rejected one, unpacked if it was packed.

    Raises:
        ValueError: the packed message is damaged, or unpacks to more than a queue's message can hold.
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
        raise ValueError("the packed message is damaged") from exc
    if not unpacker.eof:
        raise ValueError("the packed message is cut or too long")
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
    whole = text.encode(errors="replace").decode()  # an unpaired surrogate, as faulty software writes it
    # Storage's XML cannot hold every character; escaped, JSON is ASCII alone.
    return whole if whole.isascii() else json.dumps(json.loads(whole), separators=(",", ":"))


def _cut_data(data: EventData, limits: _Limits) -> EventData:
    """The data of an event within limits."""
    texts = {
        name: shorten_middle(value, limits.text)
        for name, value in data
        if isinstance(value, str) and name not in _BOUNDED
    }
    parameters = [*data.parameters.items()][: limits.entries * 5]
    activities = data.activities and fitted_results(data.activities, limits.of(_ACTIVITIES))
    children = fitted_children(data.children, size=limits.of(_CHILDREN))
    errors = data.errors and fitted_errors(
        data.errors,
        most=limits.entries,
        size=max(_LEAST, limits.of(_MESSAGES)),
        longest_name=limits.names,
        properties=limits.names > _LEAST,
    )
    return data.model_copy(
        update={
            **texts,
            "parameters": {
                shorten_middle(name, limits.value): _cut_value(value, limits.value)
                for name, value in parameters
            },
            "metadata": {key: shorten_middle(value, limits.value) for key, value in data.metadata.items()},
            "errors": errors,
            "errors_left_out": data.errors_left_out + len(data.errors or ()) - len(errors or ()),
            "activities": activities,
            "activities_left_out": data.activities_left_out
            + len(data.activities or ())
            - len(activities or ()),
            "children": children,
            "children_left_out": data.children_left_out + len(data.children) - len(children),
            "return_value": bounded_json(data.return_value, limits.of(_RETURN_VALUE))[0],
            "history": [_cut_entry(entry, limits.value) for entry in data.history[-limits.entries :]],
            "truncated": True,
        }
    )


def _cut_entry(entry: HistoryEntry, limit: int) -> HistoryEntry:
    texts = {name: shorten_middle(value, limit) for name, value in entry if isinstance(value, str)}
    return entry.model_copy(update=texts)


def _cut_value(value: object, limit: int) -> object:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= limit else shorten_middle(text, limit)
