"""Notes in memory, for tests."""

import threading
from collections.abc import Sequence
from typing import Any

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.keys import partition_key
from adf_trigger.ledger.notes import (
    Note,
    checked_secret,
    decode_note,
    encode_note,
    name_of,
    note_key,
    notes_between,
)


class MemoryNotes:
    """Stores notes as the text that the table would store, with the same write conflicts. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[tuple[str, str], tuple[str, int, str | None]] = {}
        self._version = 0

    def get(self, scope: str, name: str) -> Note | None:
        """The note of a name; None if there is none."""
        with self._lock:
            found = self._texts.get((partition_key(scope), note_key(name)))
        return None if found is None else Note(name, decode_note(found[0]), str(found[1]), found[2])

    def put(
        self,
        scope: str,
        name: str,
        value: dict[str, Any],
        etag: str | None = None,
        *,
        secret: str | None = None,
    ) -> Note:
        """Write a note: in place of the one with an ETag, as the first (empty), or unconditionally (None).

        Raises:
            LedgerConflict: another writer was first; nothing was written.
            NoteTooLarge: it does not fit.
            ValueError: the value is not JSON, or the name is not valid.
        """
        key = (partition_key(scope), note_key(name))
        text, hidden = encode_note(value), checked_secret(secret)
        with self._lock:
            _, version, _ = self._texts.get(key, ("", "", None))
            if etag is not None and etag != str(version):
                raise LedgerConflict(f"the note {name} has changed since it was read")
            self._version += 1
            self._texts[key] = (text, self._version, hidden)
            return Note(name, decode_note(text), str(self._version), hidden)

    def named(self, scope: str, prefix: str = "") -> Sequence[Note]:
        """The notes whose names are longer than a prefix and begin with it, in order of their names.

        Raises:
            ValueError: the prefix is not valid.
        """
        partition = partition_key(scope)
        after, before = notes_between(prefix)
        with self._lock:
            found = {
                key: text
                for (part, key), text in self._texts.items()
                if part == partition and after < key < before
            }
        return [
            Note(name_of(key), decode_note(text), str(version), hidden)
            for key, (text, version, hidden) in sorted(found.items())
        ]

    def remove(self, scope: str, name: str, etag: str | None = None) -> None:
        """Remove the note of a name: the one with an ETag, or unconditionally (None).

        Raises:
            LedgerConflict: the note with the ETag no longer exists; nothing was removed.
        """
        key = (partition_key(scope), note_key(name))
        with self._lock:
            _, version, _ = self._texts.get(key, ("", "", None))
            if etag is not None and etag != str(version):
                raise LedgerConflict(f"the note {name} has changed since it was read")
            self._texts.pop(key, None)
