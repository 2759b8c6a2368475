"""Notes in the ledger's table: one row for each note, in the partition of its factory or the app's own."""

from collections.abc import Sequence
from typing import Any

from azure.data.tables import TableEntity

from adf_trigger.ledger.gateway import TableGateway, etag_of
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
from adf_trigger.ledger.rows import join, split

SECRET = "secret"  # noqa: S105 - a property's name
"""The property of a note's secret."""


class TableNotes:
    """Stores notes alongside the ledger's rows. Thread-safe.

    Args:
        table: the ledger's table.
    """

    def __init__(self, table: TableGateway) -> None:
        self._table = table

    def get(self, scope: str, name: str) -> Note | None:
        """The note of a name; None if there is none.

        Raises:
            LedgerError: the table could not be read.
        """
        entity = self._table.read(partition_key(scope), note_key(name))
        return None if entity is None else _note(name, entity)

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
            LedgerError: the table could not be written.
        """
        partition, key = partition_key(scope), note_key(name)
        text = encode_note(value)
        hidden = checked_secret(secret)
        rows = {key: {**split(text), **({} if hidden is None else {SECRET: hidden})}}
        if etag is None:
            new_etag = self._table.put(partition, key, rows[key])
        else:
            new_etag = self._table.commit(partition, key, rows if etag else {}, rows, etag or None)
        return Note(name, decode_note(text), new_etag, hidden)

    def named(self, scope: str, prefix: str = "") -> Sequence[Note]:
        """The notes whose names are longer than a prefix and begin with it, in order of their names.

        Raises:
            LedgerError: the table could not be read.
            ValueError: the prefix is not valid.
        """
        rows = self._table.between(partition_key(scope), *notes_between(prefix))
        return [_note(name_of(row["RowKey"]), row) for row in rows]

    def remove(self, scope: str, name: str, etag: str | None = None) -> None:
        """Remove the note of a name: the one with an ETag, or unconditionally (None).

        Raises:
            LedgerConflict: the note with the ETag no longer exists; nothing was removed.
            LedgerError: the table could not be written.
        """
        partition, key = partition_key(scope), note_key(name)
        if etag is None:
            self._table.remove(partition, key)
        else:
            self._table.commit(partition, key, {key: {}}, {}, etag)


def _note(name: str, row: TableEntity) -> Note:
    return Note(name, decode_note(join(row)), etag_of(row), row.get(SECRET))
