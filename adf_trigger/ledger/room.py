"""Limits the size of a record, so that every later move of it fits into its entity of Table storage.

A request is rejected before its claim if it would leave too little room. The later additions to a record are bounded
here, for every writer and every adapter, and are cut if the whole would not fit: an end without details is better than
no end.

A field that is written after the claim gets its limit in `_bounded`: a list about activities shares the room of
`details`. `test_record_fields.py` fails until it has one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from adf_trigger.contracts import MAX_NOTE, HistoryEntry
from adf_trigger.errors import Fault, InvalidRequest, UnreadableRow
from adf_trigger.ledger.encoding import encode_record
from adf_trigger.ledger.records import CameAs, RunRecord, RunState
from adf_trigger.messages.fitting import fitted_whole
from adf_trigger.messages.limits import ELLIPSIS, shorten, shorten_middle
from adf_trigger.request_ids import REQUEST_ID_FORM, is_request_id
from adf_trigger.results import RunInvoker
from adf_trigger.wire import Wire

MAX_RECORD_CHARS = 515_000
"""Longest record: characters of ASCII JSON, plus half the bytes of its message.

An entity has 1 MiB, including names and keys, and a character takes two bytes: 524,288 characters. Earlier versions
stored requests of up to 500,000, so these have room for their end, too.
"""

MAX_REQUEST_CHARS = 300_000
"""Maximum size of the request in a record, counted in the same way.

64 KiB of any JSON never take more: numbers such as 1e15 grow most, which are stored in 18 characters.
"""

MOST_ENTRIES = 50
"""Maximum entries of a history; the newest are kept."""

LONGEST_STATUS = 256
LONGEST_NAME = 256
"""Maximum characters of a status or type of Data Factory's, and of the name of an actor."""


@dataclass(frozen=True, slots=True)
class _Limits:
    """Limits of the parts of a record that grow.

    Attributes:
        message: characters of the message of a run's end. One outside the basic plane takes twelve in ASCII JSON.
        reason: characters of each other reason.
        details: characters of ASCII JSON of all that is stored of an ended run's activities.
        history: characters of ASCII JSON of the history.
    """

    message: int
    reason: int
    details: int
    history: int


_LIMITS = (
    _Limits(message=8_000, reason=3_000, details=100_000, history=60_000),
    _Limits(message=1_000, reason=1_000, details=40_000, history=20_000),
    _Limits(message=300, reason=300, details=8_000, history=4_000),
    _Limits(message=60, reason=60, details=0, history=0),
)
"""Limits, tried in turn, each stricter. Any request that this version accepts fits the second; the others are for
records that earlier versions accepted."""

E = TypeVar("E", bound=Wire)


class RecordTooLarge(UnreadableRow):
    """The record does not fit into an entity of Table storage."""


def require_room(
    parameters: Mapping[str, Any],
    *,
    secure: Iterable[str] = (),
    correlation_id: str | None = None,
    metadata: Mapping[str, str] | None = None,
    came_as: CameAs | None = None,
) -> None:
    """Reject a request that would leave its record too little room for its later moves.

    Args:
        parameters: the parameters whose values are stored.
        secure: names of the others.
        correlation_id: the caller's own id.
        metadata: the caller's labels.
        came_as: its message.

    Raises:
        InvalidRequest: it takes more than MAX_REQUEST_CHARS.
    """
    masked = () if came_as is None else came_as.masked
    kept = json.dumps([parameters, [*secure], correlation_id, metadata, masked], separators=(",", ":"))
    taken = len(kept) + _half_of_body(came_as)
    if taken > MAX_REQUEST_CHARS:
        fault = (
            f"is too large to be stored with its message and labels: {taken} characters of JSON in ASCII, at most "
            f"{MAX_REQUEST_CHARS}"
        )
        raise InvalidRequest([Fault("/parameters", fault)])


def fitted_new(record: RunRecord) -> tuple[RunRecord, str]:
    """Fit a new record; returns it and its text.

    Raises:
        InvalidRequest: its request id is not a valid key, or it would leave too little room.
    """
    if not is_request_id(record.request_id):
        raise InvalidRequest([Fault("requestId", REQUEST_ID_FORM)])
    require_room(
        record.parameters,
        secure=record.secure_parameters,
        correlation_id=record.correlation_id,
        metadata=record.metadata,
        came_as=record.came_as,
    )
    return fitted(record)


def fitted(record: RunRecord) -> tuple[RunRecord, str]:
    """Fit a record, cutting and marking long parts; returns it and its text.

    Raises:
        RecordTooLarge: it is not sent yet and its parameters fit into no entity; a record that was sent loses them.
    """
    for each in _shrinking(record):
        text = encode_record(each)
        if len(text) + _half_of_body(each.came_as) <= MAX_RECORD_CHARS:
            return each, text
    raise RecordTooLarge(
        f"the record of {record.request_id} is too large to store: more than {MAX_RECORD_CHARS} characters of JSON"
    )


def _shrinking(record: RunRecord) -> Iterator[RunRecord]:
    for limits in _LIMITS:
        record = _bounded(record, limits)
        yield record
    if record.state is not RunState.ACCEPTED:
        yield replace(record, parameters=dict.fromkeys(record.parameters, ELLIPSIS), truncated=True)
        yield replace(record, parameters={}, truncated=True)


def _half_of_body(came_as: CameAs | None) -> int:
    return 0 if came_as is None else (len(came_as.body) + 1) // 2


def _bounded(record: RunRecord, limits: _Limits) -> RunRecord:
    message = _cut(record.message, limits.message)
    errors = record.errors and _first(record.errors, limits.details)
    left = limits.details - sum(map(_chars, errors or ()))
    results = record.results and fitted_whole(record.results, left)
    if results and (left_out := len(record.errors or ()) - len(errors or ())):
        results = results.model_copy(update={"errors_left_out": results.errors_left_out + left_out})
    waiting = record.cancellation
    return replace(
        record,
        status=shorten(record.status, LONGEST_STATUS),
        message=message,
        last_answer=_cut(record.last_answer, limits.reason),
        errors=errors,
        results=results,
        truncated=record.truncated
        or (record.ended and (message, errors, results) != (record.message, record.errors, record.results)),
        cancellation=waiting and replace(waiting, waits=_cut(waiting.waits, limits.reason)),
        history=_newest(record.history, limits.history),
        invoked_by=record.invoked_by and _short(record.invoked_by),
    )


def _cut(text: str | None, limit: int) -> str | None:
    return text and shorten_middle(text, limit)


def _first(entries: tuple[E, ...], room: int) -> tuple[E, ...]:
    """The first entries, as many as fit."""
    kept = 0
    for entry in entries:
        room -= _chars(entry)
        if room < 0:
            break
        kept += 1
    return entries[:kept]


def _newest(history: tuple[HistoryEntry, ...], room: int) -> tuple[HistoryEntry, ...]:
    """The newest entries, as many as fit, after one that replaces the others."""
    entries = tuple(map(_entry, history))
    kept = len(_first(entries[::-1], room)[:MOST_ENTRIES])
    if kept == len(entries):
        return entries
    kept = min(kept, MOST_ENTRIES - 1)
    last_cut = entries[len(entries) - kept - 1]
    mark = HistoryEntry(at=last_cut.at, action="truncated", note="earlier entries are not stored")
    return (mark, *entries[len(entries) - kept :])


def _entry(entry: HistoryEntry) -> HistoryEntry:
    short = {"by": _cut(entry.by, LONGEST_NAME), "note": _cut(entry.note, MAX_NOTE)}
    return entry if (entry.by, entry.note) == tuple(short.values()) else entry.model_copy(update=short)


def _short(invoker: RunInvoker) -> RunInvoker:
    return RunInvoker.model_validate(
        {name: shorten(text, LONGEST_NAME) for name, text in invoker if text is not None}
    )


def _chars(entry: Wire) -> int:
    """The characters that a list entry takes in the text, including its comma."""
    return len(json.dumps(entry.model_dump(mode="json"), separators=(",", ":"))) + 1
