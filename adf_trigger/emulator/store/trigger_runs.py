"""Runs of triggers."""

import json
import sqlite3
from datetime import datetime

from adf_trigger.emulator.common.documents import TriggerRun
from adf_trigger.emulator.store.database import Database, encode, stamp
from adf_trigger.emulator.store.queries import RunQuery
from adf_trigger.emulator.store.selection import select


class TriggerRuns:
    """Trigger runs of every factory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, factory_id: str, trigger_name: str, trigger_run_id: str) -> TriggerRun | None:
        """One run of a trigger."""
        row = self._database.row(
            "SELECT * FROM trigger_runs WHERE factory_id = ? AND trigger_name = ? AND trigger_run_id = ?",
            (factory_id, trigger_name, trigger_run_id),
        )
        return None if row is None else _trigger_run(row)

    def save(self, run: TriggerRun) -> None:
        """Insert or update."""
        document = {
            "trigger_type": run.trigger_type,
            "message": run.message,
            "properties": run.properties,
            "triggered_pipelines": run.triggered_pipelines,
            "scheduled": stamp(run.scheduled),
        }
        self._database.write(
            "INSERT INTO trigger_runs (factory_id, trigger_name, trigger_run_id, status, timestamp, document)"
            " VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (factory_id, trigger_run_id)"
            " DO UPDATE SET status = excluded.status, document = excluded.document",
            (
                run.factory_id,
                run.trigger_name,
                run.trigger_run_id,
                run.status,
                stamp(run.timestamp),
                encode(document),
            ),
        )

    def find(self, factory_id: str, query: RunQuery) -> tuple[list[TriggerRun], str | None]:
        """A page of trigger runs and the token for the next page."""
        rows, token = select(
            self._database,
            "trigger_runs",
            {"factory_id": factory_id},
            query,
            updated="timestamp",
            limit=query.size,
        )
        return [_trigger_run(row) for row in rows], token

    def last_scheduled(self, factory_id: str, trigger_name: str) -> datetime | None:
        """The latest time that a trigger fired for."""
        row = self._database.row(
            "SELECT max(json_extract(document, '$.scheduled')) AS at FROM trigger_runs"
            " WHERE factory_id = ? AND trigger_name = ?",
            (factory_id, trigger_name),
        )
        return None if row is None or row["at"] is None else datetime.fromisoformat(row["at"])


def _trigger_run(row: sqlite3.Row) -> TriggerRun:
    document = json.loads(row["document"])
    scheduled = document.pop("scheduled")
    return TriggerRun(
        factory_id=row["factory_id"],
        trigger_name=row["trigger_name"],
        trigger_run_id=row["trigger_run_id"],
        status=row["status"],
        timestamp=datetime.fromisoformat(row["timestamp"]),
        scheduled=None if scheduled is None else datetime.fromisoformat(scheduled),
        **document,
    )
