"""Stored messages in the ledger's table: one row for each, its bytes in binary properties."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from azure.data.tables import TableEntity

from adf_trigger.errors import LedgerConflict, LedgerError, UnreadableRow
from adf_trigger.ledger.gateway import MAX_PAGE, TableGateway, etag_of
from adf_trigger.ledger.kept_messages import OF_A_RECORD, By, KeptMessage
from adf_trigger.ledger.keys import listing_key, oldest_first, rows_of_kind
from adf_trigger.ledger.listing import (
    ListingPage,
    Question,
    before_instant,
    behind_instant,
    encode_listed,
)
from adf_trigger.ledger.rejected import REJECTED, best_of
from adf_trigger.ledger.rejected_rows import (
    called,
    called_keys,
    decode_kept,
    encode_kept,
    kept_key,
    key_in,
    listed_key,
    place_of_kept,
    waiting_key,
)
from adf_trigger.ledger.rows import Properties, Rows, join, join_bytes, split, split_bytes
from adf_trigger.ledger.table_listing import collected, listing_rows, shown

logger = logging.getLogger(__name__)

_ROW_KEY = "RowKey"
_PAGE = 50
"""Maximum messages, of up to 64 KiB, that are read in one query."""
_LOOKED_AT = 20
"""Maximum messages of one id that are read."""
_REMOVALS = 5
"""Maximum attempts to remove a message that other writers change."""
_PURGED_PAGES = 5
"""Maximum pages that one purge reads, past waiting messages."""

_UNLISTED = "unlisted"
"""Marks the row of a message that is not listed."""
_SINCE = "since"


class TableRejected:
    """Stores messages alongside the ledger's rows. Thread-safe.

    Args:
        table: the ledger's table.
    """

    def __init__(self, table: TableGateway) -> None:
        self._table = table
        self._completed_to: str | None = ""

    def keep(self, message: KeptMessage) -> KeptMessage:
        """See RejectedMessages.

        Raises:
            LedgerError: the table could not be read or written.
        """
        key = kept_key(message.key)
        for row in called_keys(message):
            self._table.put(REJECTED, row, {})  # first: a dangling row is ignored
        try:
            etag = self._table.commit(REJECTED, key, {}, _rows_of(message))
        except LedgerConflict:
            earlier = self.get(message.key)
            if earlier is not None and not earlier.is_aside:
                return earlier
            return self.change(replace(message, etag=None if earlier is None else earlier.etag))
        return replace(message, etag=etag)

    def change(self, message: KeptMessage) -> KeptMessage:
        """See RejectedMessages.

        Raises:
            LedgerConflict: it has changed since, or no longer exists.
            LedgerError: the table could not be read or written.
        """
        key, after = kept_key(message.key), _rows_of(message)
        before = self._rows_there(message.key)
        etag = self._table.commit(REJECTED, key, before, after, etag=message.etag or "*")
        return replace(message, etag=etag)

    def _rows_there(self, key: str) -> Rows:
        """The row of a message, and its existing index rows."""
        indices = (listing_key(place_of_kept(key)), f"waiting|{key}")
        there = (index for index in indices if self._table.read(REJECTED, index) is not None)
        return {kept_key(key): {}, **{index: {} for index in there}}

    def get(self, key: str) -> KeptMessage | None:
        """A message by its key; None if there is none.

        Raises:
            LedgerError: the table could not be read.
        """
        entity = self._table.read(REJECTED, kept_key(key))
        return None if entity is None else _message(entity)

    def _named(self, given: str, but: str | None) -> Iterator[KeptMessage]:
        rows = self._table.between(REJECTED, *called(given), limit=_LOOKED_AT)
        for key in (key_in(row[_ROW_KEY]) for row in rows):
            entity = None if key == but else self._table.read(REJECTED, kept_key(key))
            yield from _understood([entity] if entity else [])

    def list(self, *, after: str = "", limit: int) -> Sequence[KeptMessage]:
        """Messages, oldest first, at most `limit`, after a key.

        Raises:
            LedgerError: the table could not be read.
        """
        first, end = rows_of_kind("rejected")
        rows = self._table.between(
            REJECTED, kept_key(after) if after else first, end, limit=min(limit, _PAGE)
        )
        return list(_understood(rows))

    def listing(self, question: Question, *, after: str = "", limit: int) -> ListingPage:
        """The entries of a list, newest first, after a place.

        Raises:
            LedgerError: the table could not be read.
        """
        pages = listing_rows(self._table, REJECTED, question, after, limit)
        batches = (([(place, partial(shown, row)) for place, row in rows], more) for rows, more in pages)
        return collected(batches, question, after, limit)

    def find(self, given: str, *, but: str | None = None, by: By | None = None) -> KeptMessage | None:
        """See RejectedMessages.

        Raises:
            LedgerError: the table could not be read.
        """
        return best_of(each for each in self._named(given, but) if each.is_called(given, by))

    def overdue(self, *, before: datetime, limit: int) -> Sequence[KeptMessage]:
        """See RejectedMessages. Dangling index rows are removed.

        Raises:
            LedgerError: the table could not be read or written.
        """
        found: list[KeptMessage] = []
        for row in self._table.between(REJECTED, *rows_of_kind("waiting"), select=[_ROW_KEY, _SINCE]):
            if len(found) == limit or row.get(_SINCE, "") >= before.isoformat():
                continue
            entity = self._table.read(REJECTED, kept_key(row[_ROW_KEY].removeprefix("waiting|")))
            if entity is None:
                self._table.remove(REJECTED, row[_ROW_KEY])
            found += (each for each in _understood([entity] if entity else []) if each.is_on_queue)
        return found

    def complete_listing(self, *, limit: int) -> bool:
        """Index messages of earlier versions that have no index yet, at most `limit`; returns whether these were all.

        Once in each process: a version without the index may have run beside this one.

        Raises:
            LedgerError: the table could not be read or written.
        """
        if self._completed_to is None:
            return True
        first, end = rows_of_kind("rejected")
        rows = self._table.between(
            REJECTED, self._completed_to or first, end, limit=MAX_PAGE, select=[_ROW_KEY, _UNLISTED]
        )
        kept = [row[_ROW_KEY] for row in rows]
        unlisted = self._unlisted([row[_ROW_KEY] for row in rows if not row.get(_UNLISTED)])
        for key in unlisted[:limit]:
            self._list(key)
            self._completed_to = key
        if len(unlisted) > limit:
            return False
        self._completed_to = kept[-1] if len(kept) == MAX_PAGE else None
        return self._completed_to is None

    def _unlisted(self, kept: Sequence[str]) -> Sequence[str]:
        """The message rows, in order, that have no row in the listing and may need one."""
        places = [place_of_kept(key.removeprefix(kept_key(""))) for key in kept]
        if not places:
            return []
        times = [place.partition("|")[0] for place in places]
        bounds = listing_key(before_instant(min(times))), listing_key(behind_instant(max(times)))
        listed = {row[_ROW_KEY] for row in self._table.between(REJECTED, *bounds, select=[_ROW_KEY])}
        return [
            key
            for key, place in zip(kept, places, strict=True)
            if listing_key(place) not in listed and not place.partition("|")[2].startswith(OF_A_RECORD)
        ]

    def _list(self, key: str) -> None:
        row = self._table.read(REJECTED, key)
        for message in _understood([row] if row else []):
            for index, properties in _indices_of(message).items():
                self._table.put(REJECTED, index, properties)
                now = self._table.read(REJECTED, key)
                if now is None or etag_of(now) != message.etag:
                    self._table.remove(REJECTED, index)  # the writer that changed it meanwhile has indexed it

    def remove(self, key: str) -> None:
        """Remove a message, if it exists.

        Raises:
            LedgerError: the table could not be written.
        """
        for _ in range(_REMOVALS):
            row = self._table.read(REJECTED, kept_key(key))
            if row is None:
                return
            with suppress(LedgerConflict):  # its index has changed since, or it is gone
                self._remove(row, etag="*")
                return
        raise LedgerError("a message could not be removed: other writers keep changing it")

    def _remove(self, row: TableEntity, *, etag: str) -> None:
        """Remove a message, on condition that it has an ETag.

        Raises:
            LedgerConflict: it has changed, or no longer exists; nothing was removed.
            LedgerError: the table could not be read or written.
        """
        key = row[_ROW_KEY].removeprefix(kept_key(""))
        self._table.commit(REJECTED, row[_ROW_KEY], self._rows_there(key), {}, etag=etag)
        for message in _understood([row]):
            for called_key in called_keys(message):
                self._table.remove(REJECTED, called_key)

    def purge(self, *, received_before: datetime, limit: int) -> int:
        """See RejectedMessages.

        Raises:
            LedgerError: the table could not be read or written.
        """
        after, _ = rows_of_kind("rejected")
        end, count = kept_key(oldest_first(received_before)), 0
        for _ in range(_PURGED_PAGES):
            rows = self._table.between(REJECTED, after, end, limit=limit - count)
            for row in rows:
                if all(message.is_older_than(received_before) for message in _understood([row])):
                    try:
                        self._remove(row, etag=etag_of(row))
                    except LedgerConflict:
                        continue  # sent again, or dismissed, since it was read
                    count += 1
            if count == limit or not rows:
                break
            after = rows[-1][_ROW_KEY]
        return count


def _indices_of(message: KeptMessage) -> Rows:
    """Its index rows in addition to those of its ids: of the listing, or of waiting messages."""
    if message.is_listed:
        return {listed_key(message): split(encode_listed(message.listed))}
    return {waiting_key(message): {_SINCE: message.waits_since.isoformat()}} if message.is_on_queue else {}


def _rows_of(message: KeptMessage) -> Rows:
    properties: Properties = {**split(encode_kept(message)), **split_bytes(message.body)}
    if not message.is_listed:
        properties = {**properties, _UNLISTED: "1"}
    return {kept_key(message.key): properties, **_indices_of(message)}


def _message(entity: TableEntity) -> KeptMessage:
    return decode_kept(join(entity), join_bytes(entity), etag_of(entity))


def _understood(rows: Iterable[TableEntity]) -> Iterable[KeptMessage]:
    for row in rows:
        try:
            yield _message(row)
        except UnreadableRow:
            logger.warning(
                "A rejected message in the ledger cannot be decoded",
                extra={"action": "row_unreadable", "row": row["RowKey"]},
            )
