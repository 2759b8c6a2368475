"""The ledger in memory, for tests."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.encoding import (
    decode_cursor,
    decode_record,
    encode_cursor,
    require_same_request,
    successor,
)
from adf_trigger.ledger.keys import continuation_of, factory_of, key_of, partition_key, place_in, when_key
from adf_trigger.ledger.listing import (
    Entry,
    ListedRun,
    ListingPage,
    Question,
    bounds_of,
    page_of,
)
from adf_trigger.ledger.places import KeptPlaces, decode_places, encode_places
from adf_trigger.ledger.port import ActivePage, Claim, Cursor, RunPage, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.ledger.room import fitted, fitted_new


@dataclass(slots=True)
class _Partition:
    """One factory: texts, bytes and versions by request id, owners by runId, texts and versions of places by name.

    As in the table, also the rows of unpublished runs, by request id.
    """

    texts: dict[str, tuple[str, bytes, int]] = field(default_factory=dict)
    active: dict[str, ActiveRun] = field(default_factory=dict)
    owners: dict[UUID, str] = field(default_factory=dict)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    cursor: str | None = None


class MemoryLedger:
    """Stores records as the text that the table would store, with the same write conflicts.

    Thread-safe: every method is atomic, like a transaction of the table.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._partitions: dict[str, _Partition] = {}
        self._version = 0

    def claim(self, record: RunRecord, places: KeptPlaces | None = None) -> Claim:
        """Insert the record, or find the earlier one.

        Raises:
            InvalidRequest: its request id is not a valid key, or it is too large to store.
            LedgerConflict: another request has its runId, or the places have changed since they were read.
        """
        record, text = fitted_new(record)
        with self._lock:
            partition = self._partition(record.factory)
            if (found := self._stored(partition, record.request_id)) is not None:
                return Claim(found, created=False)
            self._require_free_run_id(partition, record)
            self._require_unchanged(partition, places)
            return Claim(self._put(partition, record, text, places), created=True)

    def reclaim(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """Replace a published record by a new one, conditionally.

        Raises:
            InvalidRequest: it is too large to store.
            ValueError: it is the record of another request.
            LedgerConflict: the record or the places have changed since they were read, or another request has the
                new runId.
        """
        require_same_request(stored.record, record)
        record, text = fitted_new(record)
        with self._lock:
            partition = self._unchanged(stored)
            self._require_free_run_id(partition, record)
            self._require_unchanged(partition, places)
            self._remove(partition, stored.record)
            return self._put(partition, record, text, places)

    def release(self, stored: Stored) -> None:
        """Remove a record, conditionally: the key is free again.

        Raises:
            LedgerConflict: the record has changed since it was read.
        """
        with self._lock:
            self._remove(self._unchanged(stored), stored.record)

    def get(self, factory: str, request_id: str) -> Stored | None:
        """The record of a request."""
        with self._lock:
            return self._stored(self._partition(factory), request_id)

    def find(self, factory: str, run_id: UUID) -> Stored | None:
        """The record of a run, by any runId that it ever had."""
        with self._lock:
            partition = self._partition(factory)
            request_id = partition.owners.get(run_id)
            return None if request_id is None else self._stored(partition, request_id)

    def by_message_digest(self, factory: str, message_digest: str) -> Sequence[Stored]:
        """The records of requests that arrived as a message with that digest and without a key of its own."""
        ids = [record.request_id for record in self._all(factory) if record.message_digest == message_digest]
        found = (self.get(factory, request_id) for request_id in sorted(ids))
        return [stored for stored in found if stored is not None]

    def save(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """Write a record conditionally.

        Raises:
            LedgerConflict: the record or the places have changed since they were read, or another request has the
                new runId.
            RecordTooLarge: it does not fit into an entity of Table storage.
            ValueError: it is the record of another request.
        """
        record, text = fitted(successor(stored.record, record))
        with self._lock:
            partition = self._unchanged(stored)
            self._require_free_run_id(partition, record)
            self._require_unchanged(partition, places)
            for run_id in set(stored.record.run_ids) - set(record.run_ids):
                del partition.owners[run_id]
            return self._put(partition, record, text, places)

    def places(self, factory: str, name: str) -> KeptPlaces | None:
        """The places of a name; None if there is no such row."""
        with self._lock:
            found = self._partition(factory).places.get(name)
        return None if found is None else KeptPlaces(decode_places(found[0]), str(found[1]))

    def all_places(self, factory: str, *, after: str = "", limit: int | None = None) -> Sequence[KeptPlaces]:
        """The places of a factory, in order of their names, after a name."""
        with self._lock:
            found = sorted(self._partition(factory).places.items())
        kept = [
            KeptPlaces(decode_places(text), str(version)) for name, (text, version) in found if name > after
        ]
        return kept[:limit]

    def remove_places(self, factory: str, kept: KeptPlaces) -> None:
        """Remove a row of places, conditionally.

        Raises:
            LedgerConflict: it has changed since it was read.
        """
        with self._lock:
            partition = self._partition(factory)
            self._require_unchanged(partition, kept)
            partition.places.pop(kept.places.name, None)

    def active(self, factory: str) -> Sequence[ActiveRun]:
        """The rows of all unpublished runs, in order of arrival."""
        with self._lock:
            runs = list(self._partition(factory).active.values())
        return sorted(runs, key=lambda run: (run.requested_at, run.request_id))

    def some_active(self, factory: str, *, limit: int) -> ActivePage:
        """At most `limit` of them."""
        rows = self.active(factory)
        return ActivePage(rows[:limit], is_all=len(rows) < limit)

    def runs(self, factory: str, *, since: datetime | None, limit: int, continuation: str | None) -> RunPage:
        """Records, newest first.

        Raises:
            InvalidRequest: the continuation was not issued by this service.
        """
        after = key_of(continuation) if continuation else ""
        keyed = {when_key(record.requested_at, record.request_id): record for record in self._all(factory)}
        keys = sorted(
            key
            for key, record in keyed.items()
            if key > after and (since is None or record.requested_at >= since)
        )
        page = keys[:limit]
        more = len(keys) > limit
        return RunPage([keyed[key] for key in page], continuation_of(page[-1]) if more else None)

    def listing(self, factory: str, question: Question, *, after: str = "", limit: int) -> ListingPage:
        """The current entries of a list, newest first, after a place."""
        first, end = bounds_of(question, after)
        listed = (
            Entry(place_in(when_key(record.requested_at, record.request_id)), ListedRun.of(record))
            for record in self._all(factory)
        )
        wanted = (each for each in listed if first < each.place < end and question.wants(each.run))
        return page_of(wanted, limit)

    def cursor(self, factory: str) -> Cursor:
        """The cursor of the last poll; an empty one if there was none."""
        with self._lock:
            text = self._partition(factory).cursor
        return Cursor() if text is None else decode_cursor(text)

    def save_cursor(self, factory: str, cursor: Cursor) -> None:
        """Save the cursor of a poll; the last writer wins."""
        with self._lock:
            self._partition(factory).cursor = encode_cursor(cursor)

    def purge(self, factory: str, *, published_before: datetime, limit: int) -> int:
        """Remove at most `limit` records that were published before an instant; returns how many were."""
        with self._lock:
            partition = self._partition(factory)
            records = [decode_record(text, body) for text, body, _ in partition.texts.values()]
            old = [record for record in records if record.was_published_before(published_before)][:limit]
            for record in old:
                self._remove(partition, record)
        return len(old)

    def factories(self) -> Sequence[str]:
        """Resource ids, in lower case and in order, of the factories with records in the ledger."""
        with self._lock:
            partitions = [key for key, each in sorted(self._partitions.items()) if each.texts]
        return [each for each in map(factory_of, partitions) if each is not None]

    def check(self) -> None:
        """Memory can always be read."""

    def _all(self, factory: str) -> list[RunRecord]:
        with self._lock:
            texts = list(self._partition(factory).texts.values())
        return [decode_record(text, body) for text, body, _ in texts]

    def _partition(self, factory: str) -> _Partition:
        return self._partitions.setdefault(partition_key(factory), _Partition())

    def _stored(self, partition: _Partition, request_id: str) -> Stored | None:
        found = partition.texts.get(request_id)
        return None if found is None else Stored(decode_record(found[0], found[1]), str(found[2]))

    def _unchanged(self, stored: Stored) -> _Partition:
        partition = self._partition(stored.record.factory)
        _, _, version = partition.texts.get(stored.record.request_id, ("", b"", 0))
        if str(version) != stored.etag:
            raise LedgerConflict(f"the record of {stored.record.request_id} has changed since it was read")
        return partition

    def _require_free_run_id(self, partition: _Partition, record: RunRecord) -> None:
        if partition.owners.get(record.run_id, record.request_id) != record.request_id:
            raise LedgerConflict(f"another request than {record.request_id} has run {record.run_id}")

    def _require_unchanged(self, partition: _Partition, places: KeptPlaces | None) -> None:
        if places is None:
            return
        _, version = partition.places.get(places.places.name, ("", ""))
        if str(version) != places.etag:
            raise LedgerConflict("the places have changed since they were read")

    def _put(
        self, partition: _Partition, record: RunRecord, text: str, places: KeptPlaces | None = None
    ) -> Stored:
        self._version += 1
        if places is not None:
            partition.places[places.places.name] = (encode_places(places.places), self._version)
        body = b"" if record.came_as is None else record.came_as.body
        partition.texts[record.request_id] = (text, body, self._version)
        if record.state is RunState.PUBLISHED:
            partition.active.pop(record.request_id, None)
        else:
            partition.active[record.request_id] = ActiveRun.of(record)
        partition.owners.update(dict.fromkeys(record.run_ids, record.request_id))
        return Stored(record, str(self._version))

    def _remove(self, partition: _Partition, record: RunRecord) -> None:
        del partition.texts[record.request_id]
        partition.active.pop(record.request_id, None)
        for run_id in record.run_ids:
            del partition.owners[run_id]
