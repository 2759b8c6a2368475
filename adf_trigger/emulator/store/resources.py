"""Linked services, datasets, pipelines, triggers and the other documents of a factory."""

import json
import sqlite3

from adf_trigger.emulator.common.documents import KINDS, Document, Kind
from adf_trigger.emulator.store.database import Database, encode

_KIND_OF = {kind.collection: kind for kind in KINDS}


class Resources:
    """The documents of every factory, by kind and name (in any case)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, factory_id: str, kind: Kind, name: str) -> Document | None:
        """One document."""
        row = self._database.row(
            "SELECT * FROM resources WHERE factory_id = ? AND collection = ? AND name = ?",
            (factory_id, kind.collection, name),
        )
        return None if row is None else _document(row)

    def page(self, factory_id: str, kind: Kind, *, after: str = "", limit: int = -1) -> list[Document]:
        """Documents of a kind in order of name, those after a name, at most `limit` (-1: all)."""
        rows = self._database.rows(
            "SELECT * FROM resources WHERE factory_id = ? AND collection = ? AND name > ? ORDER BY name LIMIT ?",
            (factory_id, kind.collection, after, limit),
        )
        return [_document(row) for row in rows]

    def every(self, kind: Kind) -> list[Document]:
        """Documents of a kind in all factories."""
        rows = self._database.rows("SELECT * FROM resources WHERE collection = ?", (kind.collection,))
        return [_document(row) for row in rows]

    def count(self, factory_id: str) -> int:
        """How many documents a factory holds."""
        row = self._database.row("SELECT count(*) AS n FROM resources WHERE factory_id = ?", (factory_id,))
        return 0 if row is None else row["n"]

    def in_factory(self, factory_id: str) -> list[Document]:
        """All documents of a factory."""
        rows = self._database.rows("SELECT * FROM resources WHERE factory_id = ?", (factory_id,))
        return [_document(row) for row in rows]

    def save(self, document: Document) -> None:
        """Insert or update; the name keeps its original case."""
        self._database.write(
            "INSERT INTO resources (factory_id, collection, name, etag, properties) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (factory_id, collection, name)"
            " DO UPDATE SET etag = excluded.etag, properties = excluded.properties",
            (
                document.factory_id,
                document.kind.collection,
                document.name,
                document.etag,
                encode(document.properties),
            ),
        )

    def delete(self, factory_id: str, kind: Kind, name: str) -> bool:
        """Delete a document; False if there is none."""
        return (
            self._database.write(
                "DELETE FROM resources WHERE factory_id = ? AND collection = ? AND name = ?",
                (factory_id, kind.collection, name),
            ).rowcount
            > 0
        )


def _document(row: sqlite3.Row) -> Document:
    return Document(
        factory_id=row["factory_id"],
        kind=_KIND_OF[row["collection"]],
        name=row["name"],
        properties=json.loads(row["properties"]),
        etag=row["etag"],
    )
