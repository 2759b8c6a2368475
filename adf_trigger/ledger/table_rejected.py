"""Kept messages in the ledger's table: one row a message, its bytes in binary properties."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from azure.data.tables import TableEntity

from adf_trigger.errors import LedgerConflict, UnreadableRow
from adf_trigger.ledger.gateway import MAX_PAGE, TableGateway
from adf_trigger.ledger.keys import listing_key, oldest_first, rows_of_kind
from adf_trigger.ledger.listing import (
    ListingPage,
    Question,
    before_instant,
    behind_instant,
    encode_listed,
)
from adf_trigger.ledger.rejected import (
    OF_A_RECORD,
    REJECTED,
    KeptMessage,
    called,
    called_keys,
    decode_kept,
    encode_kept,
    kept_key,
    key_in,
    listed_key,
    place_of_kept,
)
from adf_trigger.ledger.rows import Properties, Rows, join, join_bytes, split, split_bytes
from adf_trigger.ledger.table_listing import collected, listing_rows, shown

logger = logging.getLogger(__name__)

_ROW_KEY = "RowKey"
_PAGE = 50
"""Messages of 64 KiB that are read at once."""
_LOOKED_AT = 20
"""Messages of one id that are looked at."""


class TableRejected:
    """Keeps messages beside the ledger's rows. Threads may share it.

    Args:
        table: the ledger's table.
    """

    def __init__(self, table: TableGateway) -> None:
        self._table = table
        self._completed_to: str | None = ""

    def keep(self, message: KeptMessage) -> KeptMessage:
        """Keep a message and give it back, or the one that was kept of it before, unless that only waits.

        Raises:
            LedgerError: the table could not be read or written.
        """
        key = kept_key(message.key)
        for row in called_keys(message):
            self._table.put(REJECTED, row, {})  # first: a row that leads nowhere is passed over
        try:
            self._table.commit(REJECTED, key, {}, {key: _properties(message), **_listing_of(message)})
        except LedgerConflict:
            earlier = self.get(message.key)
            if earlier is not None and not earlier.waiting:
                return earlier
            self.put(message)
        return message

    def put(self, message: KeptMessage) -> None:
        """Keep a message in the place of whatever was kept of it.

        Raises:
            LedgerError: the table could not be written.
        """
        for row, properties in _listing_of(message).items():
            self._table.put(
                REJECTED, row, properties
            )  # first: else a repeat might find its message and leave it at that
        self._table.put(REJECTED, kept_key(message.key), _properties(message))

    def get(self, key: str) -> KeptMessage | None:
        """A message by its key; None where there is none.

        Raises:
            LedgerError: the table could not be read.
        """
        entity = self._table.read(REJECTED, kept_key(key))
        return None if entity is None else _message(entity)

    def list(self, *, after: str = "", limit: int) -> Sequence[KeptMessage]:
        """Messages, oldest first, at most `limit`, from behind a key on.

        Raises:
            LedgerError: the table could not be read.
        """
        first, end = rows_of_kind("rejected")
        rows = self._table.between(
            REJECTED, kept_key(after) if after else first, end, limit=min(limit, _PAGE)
        )
        return list(_understood(rows))

    def listing(self, question: Question, *, after: str = "", limit: int) -> ListingPage:
        """What a list shows of those that are asked for, newest first, from behind a place on.

        Raises:
            LedgerError: the table could not be read.
        """
        pages = listing_rows(self._table, REJECTED, question, after, limit)
        batches = (([(place, partial(shown, row)) for place, row in rows], more) for rows, more in pages)
        return collected(batches, question, after, limit)

    def find(self, given: str, *, waiting: bool = False) -> KeptMessage | None:
        """The newest message that has an id, its own or its request's: a rejected one, or else one that waits.

        Raises:
            LedgerError: the table could not be read.
        """
        for row in self._table.between(REJECTED, *called(given), limit=_LOOKED_AT):
            entity = self._table.read(REJECTED, kept_key(key_in(row["RowKey"])))
            for message in _understood([entity] if entity else []):
                if message.waiting is waiting:
                    return message
        return None

    def complete_listing(self, *, limit: int) -> bool:
        """List what an earlier version has kept and not listed, at most `limit` messages; whether that is all.

        Once in each process: a version that does not list may have run beside this one.

        Raises:
            LedgerError: the table could not be read or written.
        """
        if self._completed_to is None:
            return True
        first, end = rows_of_kind("rejected")
        rows = self._table.between(
            REJECTED, self._completed_to or first, end, limit=MAX_PAGE, select=[_ROW_KEY]
        )
        kept = [row[_ROW_KEY] for row in rows]
        unlisted = self._unlisted(kept)
        for key in unlisted[:limit]:
            self._list(key)
            self._completed_to = key
        if len(unlisted) > limit:
            return False
        self._completed_to = kept[-1] if len(kept) == MAX_PAGE else None
        return self._completed_to is None

    def _unlisted(self, kept: Sequence[str]) -> Sequence[str]:
        """Those of the rows of messages, in order, that have none in the listing and may need one."""
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
            for listed, properties in _listing_of(message).items():
                self._table.put(REJECTED, listed, properties)
                if self._table.read(REJECTED, key) is None:
                    self._table.remove(REJECTED, listed)  # it was removed meanwhile

    def remove(self, key: str) -> None:
        """Keep a message no longer, whether or not it was.

        Raises:
            LedgerError: the table could not be written.
        """
        row = self._table.read(REJECTED, kept_key(key))
        if row is not None:
            self._remove(row)

    def _remove(self, row: TableEntity) -> None:
        key = row["RowKey"].removeprefix(kept_key(""))
        self._table.remove(REJECTED, listing_key(place_of_kept(key)))
        self._table.remove(REJECTED, row["RowKey"])
        for message in _understood([row]):
            for key in called_keys(message):
                self._table.remove(REJECTED, key)

    def purge(self, *, received_before: datetime, limit: int) -> int:
        """Remove at most `limit` messages that came before an instant; how many were.

        Raises:
            LedgerError: the table could not be read or written.
        """
        first, _ = rows_of_kind("rejected")
        end = kept_key(oldest_first(received_before))
        rows = self._table.between(REJECTED, first, end, limit=limit)
        for row in rows:
            self._remove(row)
        return len(rows)


def _listing_of(message: KeptMessage) -> Rows:
    return {listed_key(message): split(encode_listed(message.listed))} if message.is_listed else {}


def _properties(message: KeptMessage) -> Properties:
    return {**split(encode_kept(message)), **split_bytes(message.body)}


def _message(entity: TableEntity) -> KeptMessage:
    return decode_kept(join(entity), join_bytes(entity))


def _understood(rows: Iterable[TableEntity]) -> Iterable[KeptMessage]:
    for row in rows:
        try:
            yield _message(row)
        except UnreadableRow:
            logger.warning(
                "A rejected message in the ledger cannot be understood",
                extra={"action": "row_unreadable", "row": row["RowKey"]},
            )
