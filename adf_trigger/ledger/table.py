"""The ledger in Table storage: one transaction per claim, one atomic conditional write per step."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from uuid import UUID

from azure.data.tables import TableClient, TableEntity

from adf_trigger.clock import IdSource, new_id
from adf_trigger.errors import LedgerConflict, UnreadableRow
from adf_trigger.ledger.encoding import (
    decode_active,
    decode_cursor,
    decode_record,
    encode_cursor,
    encode_record,
    require_same_request,
    successor,
)
from adf_trigger.ledger.gateway import TableGateway, etag_of
from adf_trigger.ledger.keys import (
    CURSOR_KEY,
    continuation_of,
    end_of_instant,
    factory_of,
    id_key,
    key_of,
    messages_of,
    partition_key,
    rows_of_kind,
    run_key,
)
from adf_trigger.ledger.listing import ListingPage, Question
from adf_trigger.ledger.places import KeptPlaces, decode_places, places_key
from adf_trigger.ledger.port import MOST_PARTITIONS, ActivePage, Claim, Cursor, RunPage, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord
from adf_trigger.ledger.room import fitted, fitted_new
from adf_trigger.ledger.rows import REQUEST_ID, Rows, join, join_bytes, listed, places_row, rows_of, split
from adf_trigger.ledger.table_declarations import TableDeclarations
from adf_trigger.ledger.table_listing import TableListing
from adf_trigger.ledger.table_notes import TableNotes
from adf_trigger.ledger.table_rejected import TableRejected
from adf_trigger.ledger.unreadable import readable
from adf_trigger.request_ids import is_request_id

_CLAIM_ATTEMPTS = 3
"""The earlier record may be released between the lost claim and reading it; then the key is free again."""
_PURGE_PAGE = 100
_SAME_MESSAGES = 100
"""Maximum requests of equal messages that are read."""


class TableLedger:
    """Stores the ledger in one table, one partition per factory. Thread-safe.

    Args:
        open_client: creates a client of the table; called once per thread.
        new_id: creates the marks of writes.
        create_missing: whether a missing table is created.
    """

    def __init__(
        self,
        open_client: Callable[[], TableClient],
        *,
        new_id: IdSource = new_id,
        create_missing: bool = False,
    ) -> None:
        self._table = TableGateway(open_client, new_id, create_missing=create_missing)

    def create_table_if_missing(self) -> None:
        """Create the table unless it exists.

        Raises:
            LedgerError: it could not be created.
        """
        self._table.create_table()

    def declarations(self) -> TableDeclarations:
        """Declarations of pipelines, in the same table."""
        return TableDeclarations(self._table)

    def notes(self) -> TableNotes:
        """Small documents alongside the records, in the same table."""
        return TableNotes(self._table)

    def rejected(self) -> TableRejected:
        """Rejected messages with their bytes, in the same table."""
        return TableRejected(self._table)

    def claim(self, record: RunRecord, places: KeptPlaces | None = None) -> Claim:
        """Insert the record with its active, id and when rows in one transaction, or find the earlier one.

        Raises:
            InvalidRequest: its request id is not a valid key, or it is too large to store.
            LedgerConflict: another request has its runId, or the places have changed since they were read.
            LedgerError: the table could not be read or written.
        """
        record, text = fitted_new(record)
        rows = rows_of(record, text)
        lost: LedgerConflict | None = None
        for _ in range(_CLAIM_ATTEMPTS):
            try:
                return Claim(self._write(record, before={}, after=rows, places=places), created=True)
            except LedgerConflict as exc:
                lost = exc
            found = self.get(record.factory, record.request_id)
            if found is not None:
                return Claim(found, created=False)
            if places is not None:
                raise LedgerConflict("the places have changed since they were read") from lost
        raise LedgerConflict(f"another request than {record.request_id} has run {record.run_id}") from lost

    def reclaim(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """Replace a published record by a new one, with all its rows, in one conditional transaction.

        Raises:
            InvalidRequest: it is too large to store.
            ValueError: it is the record of another request.
            LedgerConflict: the record or the places have changed since they were read, or another request has the
                new runId.
            LedgerError: the table could not be written.
        """
        require_same_request(stored.record, record)
        record, text = fitted_new(record)
        return self._write(record, _rows(stored.record), rows_of(record, text), stored.etag, places)

    def release(self, stored: Stored) -> None:
        """Remove a record and all its rows, conditionally: the key is free again.

        Raises:
            LedgerConflict: the record has changed since it was read.
            LedgerError: the table could not be written.
        """
        self._remove(stored)

    def get(self, factory: str, request_id: str) -> Stored | None:
        """The record of a request.

        Raises:
            LedgerError: the table could not be read.
        """
        if not is_request_id(request_id):
            return None
        entity = self._table.read(partition_key(factory), run_key(request_id))
        return None if entity is None else _stored(entity)

    def find(self, factory: str, run_id: UUID) -> Stored | None:
        """The record of a run, by any runId that it ever had.

        Raises:
            LedgerError: the table could not be read.
        """
        entity = self._table.read(partition_key(factory), id_key(run_id))
        return None if entity is None else self.get(factory, entity.get(REQUEST_ID, ""))

    def by_message_digest(self, factory: str, message_digest: str) -> Sequence[Stored]:
        """The records of requests that arrived as a message with that digest and without a key of its own.

        Raises:
            LedgerError: the table could not be read.
        """
        rows = self._table.between(partition_key(factory), *messages_of(message_digest), limit=_SAME_MESSAGES)
        found = (self.get(factory, row.get(REQUEST_ID, "")) for row in rows)
        return [stored for stored in found if stored is not None]

    def save(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """Write a record conditionally, with its active row if that changes, and an id row if the runId does.

        Raises:
            LedgerConflict: the record or the places have changed since they were read, or another request has the
                new runId.
            RecordTooLarge: it does not fit into an entity.
            ValueError: it is the record of another request.
            LedgerError: the table could not be written.
        """
        record, text = fitted(successor(stored.record, record))
        return self._write(record, _rows(stored.record), rows_of(record, text), stored.etag, places)

    def places(self, factory: str, name: str) -> KeptPlaces | None:
        """The places of a name; None if there is no such row.

        Raises:
            LedgerError: the table could not be read.
            UnreadableRow: the row cannot be decoded.
        """
        entity = self._table.read(partition_key(factory), places_key(name))
        return None if entity is None else _places_of(entity)

    def all_places(self, factory: str, *, after: str = "", limit: int | None = None) -> Sequence[KeptPlaces]:
        """The places of a factory, in order of their names, after a name. Unreadable rows are left out.

        Raises:
            LedgerError: the table could not be read.
        """
        first, last = places_key(after), rows_of_kind("places")[1]
        entities = self._table.between(partition_key(factory), first, last, limit=limit)
        found = (readable(entity["RowKey"], _places_of, entity) for entity in entities)
        return [kept for kept in found if kept is not None]

    def remove_places(self, factory: str, kept: KeptPlaces) -> None:
        """Remove a row of places, conditionally.

        Raises:
            LedgerConflict: it has changed since it was read.
            LedgerError: the table could not be written.
        """
        key = places_key(kept.places.name)
        self._table.commit(partition_key(factory), key, {key: {}}, {}, kept.etag)

    def active(self, factory: str) -> Sequence[ActiveRun]:
        """The rows of all unpublished runs, in order of arrival. The cost depends on these rows, not on the history.

        Raises:
            LedgerError: the table could not be read.
        """
        return self._active(factory)

    def some_active(self, factory: str, *, limit: int) -> ActivePage:
        """At most `limit` of them: one request up to 1,000.

        Raises:
            LedgerError: the table could not be read.
        """
        entities = self._active_entities(factory, limit)
        return ActivePage(_in_order_of_arrival(entities), is_all=len(entities) < limit)

    def _active(self, factory: str, limit: int | None = None) -> Sequence[ActiveRun]:
        return _in_order_of_arrival(self._active_entities(factory, limit))

    def _active_entities(self, factory: str, limit: int | None) -> Sequence[TableEntity]:
        return self._table.between(partition_key(factory), *rows_of_kind("active"), limit=limit)

    def runs(self, factory: str, *, since: datetime | None, limit: int, continuation: str | None) -> RunPage:
        """Records, newest first: one query for a page, and one read for each record.

        A record that is removed while the page is read is left out, so a page may be short.

        Raises:
            InvalidRequest: the continuation was not issued by this service.
            LedgerError: the table could not be read.
        """
        first, last = rows_of_kind("when")
        after = key_of(continuation) if continuation else first
        before = end_of_instant(since) if since else last
        rows = self._table.between(partition_key(factory), after, before, limit=limit + 1)
        page = rows[:limit]
        found = (readable(row["RowKey"], self.get, factory, listed(row)) for row in page)
        records = [stored.record for stored in found if stored is not None]
        return RunPage(records, continuation_of(page[-1]["RowKey"]) if len(rows) > limit else None)

    def listing(self, factory: str, question: Question, *, after: str = "", limit: int) -> ListingPage:
        """The current entries of a list, newest first, after a place.

        Raises:
            LedgerError: the table could not be read.
        """
        get, active = partial(self.get, factory), partial(self._active, factory)
        return TableListing(self._table, factory, question, get=get, active=active).page(after, limit)

    def cursor(self, factory: str) -> Cursor:
        """The cursor of the last poll; an empty one if there was none.

        Raises:
            LedgerError: the table could not be read.
        """
        entity = self._table.read(partition_key(factory), CURSOR_KEY)
        return Cursor() if entity is None else decode_cursor(join(entity))

    def save_cursor(self, factory: str, cursor: Cursor) -> None:
        """Save the cursor of a poll; the last writer wins.

        Raises:
            LedgerError: the table could not be written.
        """
        self._table.put(partition_key(factory), CURSOR_KEY, split(encode_cursor(cursor)))

    def purge(self, factory: str, *, published_before: datetime, limit: int) -> int:
        """Remove at most `limit` records that were published before a time; returns how many were.

        Reads only requests made before that instant, so the cost depends on the old records, not on the history.

        Raises:
            LedgerError: the table could not be read or written.
        """
        # Records published before the instant were requested before it, and are after it in the listing.
        after, end = end_of_instant(published_before), rows_of_kind("when")[1]
        purged = 0
        while purged < limit:
            rows = self._table.between(partition_key(factory), after, end, limit=_PURGE_PAGE)
            if not rows:
                break
            for row in rows[: limit - purged]:
                purged += self._purged(factory, listed(row), published_before)
                after = row["RowKey"]
        return purged

    def factories(self) -> Sequence[str]:
        """Resource ids, in lower case and in order, of the factories with rows in the table.

        Raises:
            LedgerError: the table could not be read.
        """
        partitions = islice(self._table.partitions(), MOST_PARTITIONS)
        return [each for each in map(factory_of, partitions) if each is not None]

    def check(self) -> None:
        """Check that it can be read, for the health report.

        Raises:
            LedgerError: the table could not be read, or does not exist.
        """
        self._table.probe()

    def _write(
        self,
        record: RunRecord,
        before: Rows,
        after: Rows,
        etag: str | None = None,
        places: KeptPlaces | None = None,
    ) -> Stored:
        run, partition = run_key(record.request_id), partition_key(record.factory)
        beside = [] if places is None else [places_row(partition, places)]
        return Stored(record, self._table.commit(partition, run, before, after, etag, beside=beside))

    def _remove(self, stored: Stored) -> None:
        self._write(stored.record, _rows(stored.record), {}, stored.etag)

    def _purged(self, factory: str, request_id: str, published_before: datetime) -> bool:
        stored = readable(request_id, self.get, factory, request_id)
        if stored is None or not stored.record.was_published_before(published_before):
            return False
        try:
            self._remove(stored)
        except LedgerConflict:
            return False  # reclaimed, or purged by another process
        return True


def _active_of(entity: TableEntity) -> ActiveRun:
    return decode_active(join(entity))


def _in_order_of_arrival(entities: Sequence[TableEntity]) -> Sequence[ActiveRun]:
    runs = [readable(entity["RowKey"], _active_of, entity) for entity in entities]
    understood = [run for run in runs if run is not None]
    return sorted(understood, key=lambda run: (run.requested_at, run.request_id))


def _places_of(entity: TableEntity) -> KeptPlaces:
    try:
        return KeptPlaces(decode_places(join(entity)), etag_of(entity))
    except UnreadableRow as exc:
        raise UnreadableRow(f"the row {entity['RowKey']} of places cannot be decoded") from exc


def _rows(record: RunRecord) -> Rows:
    return rows_of(record, encode_record(record))


def _stored(entity: TableEntity) -> Stored:
    return Stored(decode_record(join(entity), join_bytes(entity)), etag_of(entity))
