"""The rows of a record, and the operations that turn its current rows into the new ones."""

from collections.abc import Iterator, Mapping
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import UpdateMode

from adf_trigger.ledger.encoding import encode_active
from adf_trigger.ledger.keys import (
    active_key,
    id_key,
    is_plain,
    message_key,
    request_id_of,
    run_key,
    when_key,
)
from adf_trigger.ledger.listing import text_of
from adf_trigger.ledger.places import KeptPlaces, encode_places, places_key
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState

PROPERTY_CHARS = 32_000
"""A string property holds 64 KiB of UTF-16, which is 32,768 characters of ASCII."""

PROPERTY_BYTES = 60_000
"""A binary property holds 64 KiB."""

DOCUMENT = "document"
BODY = "body"
REQUEST_ID = "request_id"
WRITE_ID = "write_id"

Properties = Mapping[str, str | bytes]
Rows = Mapping[str, Properties]
Operation = tuple[str, dict[str, str | bytes], dict[str, Any]]


def rows_of(record: RunRecord, text: str) -> Rows:
    """The rows of a record by RowKey; `text` is the record encoded."""
    body = b"" if record.came_as is None else record.came_as.body
    rows: dict[str, Properties] = {run_key(record.request_id): {**split(text), **split_bytes(body)}}
    if record.state is not RunState.PUBLISHED:
        rows[active_key(record.run_id)] = split(encode_active(ActiveRun.of(record)))
    for run_id in record.run_ids:
        rows[id_key(run_id)] = {REQUEST_ID: record.request_id}
    if record.message_digest is not None:
        rows[message_key(record.message_digest, record.request_id)] = {REQUEST_ID: record.request_id}
    named = {} if is_plain(record.request_id) else {REQUEST_ID: record.request_id}
    rows[when_key(record.requested_at, record.request_id)] = {**split(text_of(record)), **named}
    return rows


def places_row(partition: str, kept: KeptPlaces) -> Operation:
    """The operation that writes places along with a record, on condition that they have not changed since read."""
    entity: dict[str, str | bytes] = {
        "PartitionKey": partition,
        "RowKey": places_key(kept.places.name),
        **split(encode_places(kept.places)),
    }
    if not kept.etag:
        return "create", entity, {}
    unchanged = {"etag": kept.etag, "match_condition": MatchConditions.IfNotModified}
    return "update", entity, {"mode": UpdateMode.REPLACE, **unchanged}


def listed(row: Mapping[str, Any]) -> str:
    """The request of a row of the listing."""
    return str(row.get(REQUEST_ID) or request_id_of(row["RowKey"]))


def split(text: str) -> dict[str, str]:
    """A text as string properties, each within the limit: document0, document1, …."""
    pieces = range(0, len(text), PROPERTY_CHARS)
    return {f"{DOCUMENT}{n}": text[start : start + PROPERTY_CHARS] for n, start in enumerate(pieces)}


def join(entity: Mapping[str, Any]) -> str:
    """The text that was split."""
    pieces = (name for name in entity if name.startswith(DOCUMENT))
    return "".join(entity[name] for name in sorted(pieces, key=lambda name: int(name.removeprefix(DOCUMENT))))


def split_bytes(body: bytes) -> dict[str, bytes]:
    """Bytes as binary properties, each within the limit: body0, body1, …."""
    starts = range(0, len(body), PROPERTY_BYTES)
    return {f"{BODY}{n}": body[start : start + PROPERTY_BYTES] for n, start in enumerate(starts)}


def join_bytes(entity: Mapping[str, Any]) -> bytes:
    """The bytes that were split."""
    names = (name for name in entity if name.startswith(BODY))
    return b"".join(entity[name] for name in sorted(names, key=lambda name: int(name.removeprefix(BODY))))


def operations(
    partition: str, run: str, before: Rows, after: Rows, *, etag: str | None, write_id: str
) -> Iterator[Operation]:
    """The operations of one transaction that turns one set of rows into the other; the run row's comes first.

    Unchanged rows need none: a move that the active row does not show changes only the run row.

    Args:
        partition: PartitionKey of all rows.
        run: RowKey of the record; its operation is conditional.
        before: rows as they were read; none for a claim.
        after: the new rows; none for a removal.
        etag: of the run row in `before`.
        write_id: marks the run row, so that a write whose reply was lost can be recognised.
    """
    keys = sorted(before.keys() | after.keys(), key=lambda key: (key != run, key))
    for key in keys:
        entity: dict[str, str | bytes] = {"PartitionKey": partition, "RowKey": key, **after.get(key, {})}
        if key == run:
            entity[WRITE_ID] = write_id
            unchanged = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        else:
            unchanged = {}
        if key not in before:
            yield "create", entity, {}
        elif key not in after:
            yield "delete", entity, unchanged
        elif key == run or before[key] != after[key]:
            yield "update", entity, {"mode": UpdateMode.REPLACE, **unchanged}
