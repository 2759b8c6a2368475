"""Factories of the version 1 API (`datafactories`)."""

import json
from typing import Any

from adf_trigger.emulator.store.database import Database, encode


class V1Factories:
    """Version 1 factories by resource id; each is stored as its reply body and an etag."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, resource_id: str) -> tuple[dict[str, Any], str] | None:
        """Body and etag."""
        row = self._database.row("SELECT * FROM v1_factories WHERE id = ?", (resource_id,))
        return None if row is None else (json.loads(row["document"]), row["etag"])

    def in_subscription(
        self, subscription_id: str, resource_group: str | None = None
    ) -> list[dict[str, Any]]:
        """Bodies of the factories of a subscription, or of one of its resource groups, by name."""
        documents = [json.loads(row["document"]) for row in self._database.rows("SELECT * FROM v1_factories")]
        found = [
            document
            for document in documents
            if _scope(document["id"])[: 1 if resource_group is None else 2]
            == [name.lower() for name in (subscription_id, resource_group) if name is not None]
        ]
        return sorted(found, key=lambda document: str(document["name"]).lower())

    def save(self, resource_id: str, body: dict[str, Any], etag: str) -> None:
        """Insert or update."""
        self._database.write(
            "INSERT INTO v1_factories (id, etag, document) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET etag = excluded.etag, document = excluded.document",
            (resource_id, etag, encode(body)),
        )

    def delete(self, resource_id: str) -> bool:
        """Delete a factory; False if there is none."""
        return self._database.write("DELETE FROM v1_factories WHERE id = ?", (resource_id,)).rowcount > 0


def _scope(resource_id: str) -> list[str]:
    """Subscription and resource group of an id, in lower case."""
    return resource_id.lower().split("/")[2:5:2]
