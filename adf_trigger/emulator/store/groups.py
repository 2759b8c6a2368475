"""Subscriptions and their resource groups."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from adf_trigger.emulator.store.database import Database, encode


@dataclass(slots=True, kw_only=True)
class ResourceGroup:
    """A resource group.

    Attributes:
        location: in its short form, as `eastus`.
        tags: None if none were ever set, which a reply distinguishes from an empty object.
        managed_by: id of a resource that manages it.
    """

    subscription_id: str
    name: str
    location: str
    tags: dict[str, str] | None = None
    managed_by: str | None = None
    instance: str = field(default="")

    @property
    def id(self) -> str:
        """Resource id, in the case of the group's creation."""
        return f"/subscriptions/{self.subscription_id}/resourceGroups/{self.name}"


class ResourceGroups:
    """The groups of all subscriptions; names in any case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def provide(self, places: Mapping[str, Collection[str]], location: str) -> None:
        """Create the subscriptions and groups that do not exist."""
        for subscription, names in places.items():
            self._database.write("INSERT OR IGNORE INTO subscriptions (id) VALUES (?)", (subscription,))
            for name in names:
                if self.get(subscription, name) is None:
                    self.save(ResourceGroup(subscription_id=subscription, name=name, location=location))

    def adopt(self, location: str) -> None:
        """Create the missing subscriptions and groups of factories, as in folders of earlier versions."""
        rows = self._database.rows("SELECT DISTINCT subscription_id, resource_group FROM factories")
        for row in rows:
            self.provide({row["subscription_id"]: [row["resource_group"]]}, location)

    def subscriptions(self) -> list[str]:
        """Ids of the subscriptions."""
        return [row["id"] for row in self._database.rows("SELECT id FROM subscriptions ORDER BY id")]

    def has_subscription(self, subscription_id: str) -> bool:
        """Whether there is such a subscription."""
        row = self._database.row("SELECT id FROM subscriptions WHERE id = ?", (subscription_id,))
        return row is not None

    def get(self, subscription_id: str, name: str) -> ResourceGroup | None:
        """A group."""
        row = self._database.row(
            "SELECT * FROM resource_groups WHERE subscription_id = ? AND name = ?", (subscription_id, name)
        )
        return None if row is None else _group(row)

    def in_subscription(self, subscription_id: str) -> list[ResourceGroup]:
        """The groups of a subscription, by name."""
        rows = self._database.rows(
            "SELECT * FROM resource_groups WHERE subscription_id = ? ORDER BY name", (subscription_id,)
        )
        return [_group(row) for row in rows]

    def save(self, group: ResourceGroup) -> None:
        """Insert or update."""
        document = {
            "location": group.location,
            "tags": group.tags,
            "managed_by": group.managed_by,
            "instance": group.instance,
        }
        self._database.write(
            "INSERT INTO resource_groups (subscription_id, name, document) VALUES (?, ?, ?)"
            " ON CONFLICT (subscription_id, name) DO UPDATE SET document = excluded.document",
            (group.subscription_id, group.name, encode(document)),
        )

    def delete(self, group: ResourceGroup) -> None:
        """Delete a group; the caller deletes its resources."""
        self._database.write(
            "DELETE FROM resource_groups WHERE subscription_id = ? AND name = ?",
            (group.subscription_id, group.name),
        )


def _group(row: sqlite3.Row) -> ResourceGroup:
    return ResourceGroup(
        subscription_id=row["subscription_id"], name=row["name"], **json.loads(row["document"])
    )
