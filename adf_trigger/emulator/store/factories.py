"""Factories by resource id; names are globally unique."""

import json
import sqlite3
from datetime import datetime

from adf_trigger.emulator.common.documents import Factory
from adf_trigger.emulator.store.database import Database, encode, stamp


class Factories:
    """The factories of all subscriptions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, factory_id: str) -> Factory | None:
        """The factory with a resource id, in any letter case."""
        row = self._database.row("SELECT * FROM factories WHERE id = ?", (factory_id,))
        return None if row is None else _factory(row)

    def id_of_name(self, name: str) -> str | None:
        """Resource id of the factory that has the name, in any subscription."""
        row = self._database.row("SELECT id FROM factories WHERE name = ?", (name,))
        return None if row is None else row["id"]

    def in_subscription(self, subscription_id: str, resource_group: str | None = None) -> list[Factory]:
        """The factories of a subscription, or of one of its resource groups, by name."""
        where, values = "subscription_id = ?", [subscription_id]
        if resource_group is not None:
            where += " AND resource_group = ?"
            values.append(resource_group)
        rows = self._database.rows(f"SELECT * FROM factories WHERE {where} ORDER BY name", values)  # noqa: S608 - made of constants
        return [_factory(row) for row in rows]

    def save(self, factory: Factory) -> None:
        """Insert or update."""
        document = {
            "location": factory.location,
            "tags": factory.tags,
            "identity": factory.identity,
            "properties": factory.properties,
            "extra": factory.extra,
        }
        self._database.write(
            "INSERT INTO factories (id, name, subscription_id, resource_group, created, etag, document)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET etag = excluded.etag, document = excluded.document",
            (
                factory.id,
                factory.name,
                factory.subscription_id,
                factory.resource_group,
                stamp(factory.created),
                factory.etag,
                encode(document),
            ),
        )

    def delete(self, factory_id: str) -> bool:
        """Delete a factory and everything in it; False if there is none."""
        for table in ("resources", "runs", "activity_runs", "trigger_runs"):
            self._database.write(f"DELETE FROM {table} WHERE factory_id = ?", (factory_id,))  # noqa: S608 - constants
        return self._database.write("DELETE FROM factories WHERE id = ?", (factory_id,)).rowcount > 0


def _factory(row: sqlite3.Row) -> Factory:
    return Factory(
        subscription_id=row["subscription_id"],
        resource_group=row["resource_group"],
        name=row["name"],
        created=datetime.fromisoformat(row["created"]),
        etag=row["etag"],
        **json.loads(row["document"]),
    )
