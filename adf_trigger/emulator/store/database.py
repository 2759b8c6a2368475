"""The SQLite database under the store: connection, schema, and encoding of values."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS subscriptions (
    id TEXT PRIMARY KEY COLLATE NOCASE
);
CREATE TABLE IF NOT EXISTS resource_groups (
    subscription_id TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    document TEXT NOT NULL,
    PRIMARY KEY (subscription_id, name)
);
CREATE TABLE IF NOT EXISTS factories (
    id TEXT PRIMARY KEY COLLATE NOCASE,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    subscription_id TEXT NOT NULL COLLATE NOCASE,
    resource_group TEXT NOT NULL COLLATE NOCASE,
    created TEXT NOT NULL,
    etag TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS v1_factories (
    id TEXT PRIMARY KEY COLLATE NOCASE,
    etag TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS resources (
    factory_id TEXT NOT NULL COLLATE NOCASE,
    collection TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    etag TEXT NOT NULL,
    properties TEXT NOT NULL,
    PRIMARY KEY (factory_id, collection, name)
);
CREATE TABLE IF NOT EXISTS definitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    factory_id TEXT NOT NULL COLLATE NOCASE,
    run_id TEXT NOT NULL COLLATE NOCASE,
    run_group_id TEXT NOT NULL COLLATE NOCASE,
    pipeline_name TEXT NOT NULL COLLATE NOCASE,
    status TEXT NOT NULL COLLATE NOCASE,
    message TEXT,
    run_start TEXT,
    run_end TEXT,
    last_updated TEXT NOT NULL,
    is_latest INTEGER NOT NULL,
    run_dimension TEXT NOT NULL,
    return_value TEXT NOT NULL DEFAULT '{}',
    definition INTEGER NOT NULL REFERENCES definitions (id),
    document TEXT NOT NULL,
    UNIQUE (factory_id, run_id)
);
CREATE INDEX IF NOT EXISTS runs_by_id ON runs (run_id);
CREATE INDEX IF NOT EXISTS runs_by_update ON runs (factory_id, last_updated);
CREATE INDEX IF NOT EXISTS runs_by_group ON runs (factory_id, run_group_id);
CREATE INDEX IF NOT EXISTS runs_unfinished ON runs (seq)
    WHERE status NOT IN ('Succeeded', 'Failed', 'Cancelled');
CREATE TABLE IF NOT EXISTS activity_runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    factory_id TEXT NOT NULL COLLATE NOCASE,
    run_id TEXT NOT NULL COLLATE NOCASE,
    activity_run_id TEXT NOT NULL,
    activity_name TEXT NOT NULL COLLATE NOCASE,
    activity_type TEXT NOT NULL COLLATE NOCASE,
    status TEXT NOT NULL COLLATE NOCASE,
    activity_start TEXT NOT NULL,
    activity_end TEXT,
    last_updated TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (factory_id, run_id, activity_run_id)
);
CREATE TABLE IF NOT EXISTS trigger_runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    factory_id TEXT NOT NULL COLLATE NOCASE,
    trigger_name TEXT NOT NULL COLLATE NOCASE,
    trigger_run_id TEXT NOT NULL,
    status TEXT NOT NULL COLLATE NOCASE,
    timestamp TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (factory_id, trigger_run_id)
);
"""

_ADDED_COLUMNS = (("runs", "return_value", "TEXT NOT NULL DEFAULT '{}'"),)
"""Columns that data folders of earlier versions lack: table, name and type."""

RUN_TABLES = ("runs", "activity_runs", "trigger_runs", "definitions")
ALL_TABLES = ("subscriptions", "resource_groups", "factories", "v1_factories", "resources", *RUN_TABLES)


class Database:
    """One connection in autocommit mode, with a write-ahead log, safe against a killed process."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            # It holds the secrets of linked services in plain text.
            path.touch(mode=0o600, exist_ok=True)
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        # A killed process loses nothing; a loss of power may, which is acceptable for an emulator.
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "busy_timeout=5000"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_SCHEMA)
        for table, name, kind in _ADDED_COLUMNS:
            if name not in {each["name"] for each in self.rows(f"PRAGMA table_info({table})")}:
                self.write(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")

    def write(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        """Run one statement that changes rows; it is committed on return."""
        return self._connection.execute(statement, tuple(values))

    def rows(self, statement: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self._connection.execute(statement, tuple(values)).fetchall()

    def row(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        row: sqlite3.Row | None = self._connection.execute(statement, tuple(values)).fetchone()
        return row

    def clear(self, tables: Iterable[str]) -> None:
        """Delete every row of these tables."""
        for table in tables:
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def encode(value: Any) -> str:
    """JSON text, compact."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def stamp(instant: datetime | None) -> str | None:
    """A time as text that sorts like the time."""
    return None if instant is None else instant.astimezone(UTC).isoformat(timespec="microseconds")


def unstamp(text: str | None) -> datetime | None:
    """The time in a stamp."""
    return None if text is None else datetime.fromisoformat(text)
