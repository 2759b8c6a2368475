"""Kept messages in memory: for tests, and for nothing that must outlive its process."""

import threading
from collections.abc import Sequence
from datetime import datetime

from adf_trigger.ledger.keys import oldest_first
from adf_trigger.ledger.listing import Entry, ListingPage, Question, bounds_of, page_of
from adf_trigger.ledger.rejected import KeptMessage, decode_kept, encode_kept, place_of_kept


class MemoryRejected:
    """Keeps messages as the text and the bytes that the table would keep. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, tuple[str, bytes]] = {}

    def keep(self, message: KeptMessage) -> KeptMessage:
        """Keep a message and give it back, or the one that was kept of it before, unless that only waits."""
        with self._lock:
            row = self._rows.get(message.key)
            if row is not None and not (earlier := decode_kept(*row)).waiting:
                return earlier
            self._rows[message.key] = (encode_kept(message), message.body)
        return message

    def put(self, message: KeptMessage) -> None:
        """Keep a message in the place of whatever was kept of it."""
        with self._lock:
            self._rows[message.key] = (encode_kept(message), message.body)

    def get(self, key: str) -> KeptMessage | None:
        """A message by its key; None where there is none."""
        with self._lock:
            row = self._rows.get(key)
        return None if row is None else decode_kept(*row)

    def list(self, *, after: str = "", limit: int) -> Sequence[KeptMessage]:
        """Messages, oldest first, at most `limit`, from behind a key on."""
        with self._lock:
            return [decode_kept(*self._rows[key]) for key in sorted(self._rows) if key > after][:limit]

    def listing(self, question: Question, *, after: str = "", limit: int) -> ListingPage:
        """What a list shows of those that are asked for, newest first, from behind a place on."""
        first, end = bounds_of(question, after)
        with self._lock:
            kept = [decode_kept(*row) for row in self._rows.values()]
        listed = (Entry(place_of_kept(each.key), each.listed) for each in kept if each.is_listed)
        return page_of(
            (each for each in listed if first < each.place < end and question.wants(each.run)), limit
        )

    def find(self, given: str, *, waiting: bool = False) -> KeptMessage | None:
        """The newest message that has an id, its own or its request's: a rejected one, or else one that waits."""
        with self._lock:
            kept = [decode_kept(*self._rows[key]) for key in sorted(self._rows, reverse=True)]
        return next((each for each in kept if given in each.ids and each.waiting is waiting), None)

    def complete_listing(self, *, limit: int) -> bool:  # noqa: ARG002 - part of the port
        """Nothing is listed apart, so that nothing is missing."""
        return True

    def remove(self, key: str) -> None:
        """Keep a message no longer, whether or not it was."""
        with self._lock:
            self._rows.pop(key, None)

    def purge(self, *, received_before: datetime, limit: int) -> int:
        """Remove at most `limit` messages that came before an instant; how many were."""
        end = oldest_first(received_before)
        with self._lock:
            old = sorted(key for key in self._rows if key < end)[:limit]
            for key in old:
                del self._rows[key]
        return len(old)
