"""Stored messages in memory, for tests."""

import threading
from collections.abc import Sequence
from datetime import datetime

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.kept_messages import By, KeptMessage
from adf_trigger.ledger.listing import Entry, ListingPage, Question, bounds_of, page_of
from adf_trigger.ledger.rejected import best_of
from adf_trigger.ledger.rejected_rows import decode_kept, encode_kept, place_of_kept


class MemoryRejected:
    """Stores messages as the text and the bytes that the table would store. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, tuple[str, bytes, str]] = {}
        self._writes = 0

    def keep(self, message: KeptMessage) -> KeptMessage:
        """See RejectedMessages."""
        with self._lock:
            row = self._rows.get(message.key)
            if row is not None and not (earlier := decode_kept(*row)).is_aside:
                return earlier
            return self._written(message)

    def change(self, message: KeptMessage) -> KeptMessage:
        """See RejectedMessages."""
        with self._lock:
            row = self._rows.get(message.key)
            if row is None or row[2] != message.etag:
                raise LedgerConflict(f"message {message.message_id} has changed since it was read")
            return self._written(message)

    def _written(self, message: KeptMessage) -> KeptMessage:
        self._writes += 1
        row = self._rows[message.key] = (encode_kept(message), message.body, str(self._writes))
        return decode_kept(*row)

    def get(self, key: str) -> KeptMessage | None:
        """A message by its key; None if there is none."""
        with self._lock:
            row = self._rows.get(key)
        return None if row is None else decode_kept(*row)

    def list(self, *, after: str = "", limit: int) -> Sequence[KeptMessage]:
        """Messages, oldest first, at most `limit`, after a key."""
        with self._lock:
            return [decode_kept(*self._rows[key]) for key in sorted(self._rows) if key > after][:limit]

    def listing(self, question: Question, *, after: str = "", limit: int) -> ListingPage:
        """The entries of a list, newest first, after a place."""
        first, end = bounds_of(question, after)
        with self._lock:
            kept = [decode_kept(*row) for row in self._rows.values()]
        listed = (Entry(place_of_kept(each.key), each.listed) for each in kept if each.is_listed)
        return page_of(
            (each for each in listed if first < each.place < end and question.wants(each.run)), limit
        )

    def find(self, given: str, *, but: str | None = None, by: By | None = None) -> KeptMessage | None:
        """See RejectedMessages."""
        with self._lock:
            kept = [decode_kept(*self._rows[key]) for key in sorted(self._rows, reverse=True)]
        return best_of(each for each in kept if each.is_called(given, by) and each.key != but)

    def overdue(self, *, before: datetime, limit: int) -> Sequence[KeptMessage]:
        """See RejectedMessages."""
        with self._lock:
            kept = [decode_kept(*self._rows[key]) for key in sorted(self._rows)]
        return [each for each in kept if each.is_on_queue and each.waits_since < before][:limit]

    def complete_listing(self, *, limit: int) -> bool:  # noqa: ARG002 - part of the port
        """Nothing to do: there is no separate index."""
        return True

    def remove(self, key: str) -> None:
        """Remove a message, if it exists."""
        with self._lock:
            self._rows.pop(key, None)

    def purge(self, *, received_before: datetime, limit: int) -> int:
        """See RejectedMessages."""
        with self._lock:
            kept = {key: decode_kept(*self._rows[key]) for key in sorted(self._rows)}
            old = [key for key, each in kept.items() if each.is_older_than(received_before)][:limit]
            for key in old:
                del self._rows[key]
        return len(old)
