"""Pipeline runs and their activity runs: the engine's `RunLog`, and the API's queries."""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from adf_trigger.emulator.common.models import ActivityRun, PipelineRun, Recovery
from adf_trigger.emulator.store.database import Database, encode, stamp, unstamp
from adf_trigger.emulator.store.queries import RunQuery
from adf_trigger.emulator.store.selection import select

_UNFINISHED = "status NOT IN ('Succeeded', 'Failed', 'Cancelled')"
_ACTIVITY_COLUMNS = frozenset(
    {"factory_id", "run_id", "activity_run_id", "activity_name", "activity_type", "status", "start", "end"}
)
_ACTIVITY_DOCUMENT = tuple(field.name for field in fields(ActivityRun) if field.name not in _ACTIVITY_COLUMNS)


class Runs:
    """Runs of every factory. A definition is stored once, however many runs were started from it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._definition = lru_cache(maxsize=256)(self._load_definition)

    def save_run(self, run: PipelineRun) -> None:
        """Insert or update; a run of a factory that was deleted meanwhile is dropped.

        Fields that cannot change after createRun are written once. For is_latest see `supersede`.
        """
        values = (
            run.status,
            run.message,
            stamp(run.run_start),
            stamp(run.run_end),
            stamp(run.last_updated),
            encode(run.run_dimension),
            encode(run.return_value),
        )
        updated = self._database.write(
            "UPDATE runs SET status = ?, message = ?, run_start = ?, run_end = ?, last_updated = ?,"
            " run_dimension = ?, return_value = ? WHERE factory_id = ? AND run_id = ?",
            (*values, run.factory_id, run.run_id),
        )
        if updated.rowcount:
            return
        self._database.write(
            "INSERT INTO runs (status, message, run_start, run_end, last_updated, run_dimension, return_value,"
            " factory_id, run_id, run_group_id, pipeline_name, is_latest, definition, document)"
            " SELECT ?, ?, ?, ?, ?, ?, ?, id, ?, ?, ?, ?, ?, ? FROM factories WHERE id = ?",
            (
                *values,
                run.run_id,
                run.run_group_id,
                run.pipeline_name,
                run.is_latest,
                self._definition_id(run.definition),
                encode(_fixed_part(run)),
                run.factory_id,
            ),
        )

    def supersede(self, factory_id: str, run_group_id: str, latest: str) -> None:
        """Make one run of a group its latest, and the others not."""
        self._database.write(
            "UPDATE runs SET is_latest = (run_id = ?) WHERE factory_id = ? AND run_group_id = ?",
            (latest, factory_id, run_group_id),
        )

    def run(self, factory_id: str, run_id: str) -> PipelineRun | None:
        """One run, with its definition."""
        row = self._database.row(
            "SELECT * FROM runs WHERE factory_id = ? AND run_id = ?", (factory_id, run_id)
        )
        return None if row is None else self._run(row)

    def is_taken(self, run_id: str) -> bool:
        """Whether any factory has a run of this id."""
        return self._database.row("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)) is not None

    def unfinished(self) -> Sequence[PipelineRun]:
        """Runs of all factories that have not ended, in order of creation."""
        return [
            self._run(row)
            for row in self._database.rows(f"SELECT * FROM runs WHERE {_UNFINISHED} ORDER BY seq")  # noqa: S608 - a constant
        ]

    def count_unfinished(self, factory_id: str) -> int:
        """How many runs of a factory have not ended."""
        row = self._database.row(
            f"SELECT count(*) AS n FROM runs WHERE factory_id = ? AND {_UNFINISHED}",  # noqa: S608 - a constant
            (factory_id,),
        )
        return 0 if row is None else row["n"]

    def every(self, factory_id: str | None, pipeline_name: str | None) -> list[PipelineRun]:
        """All runs, in order of creation, of one factory or all, of one pipeline or all."""
        scope = {"factory_id": factory_id, "pipeline_name": pipeline_name}
        given = {column: value for column, value in scope.items() if value is not None}
        where = " AND ".join(["1", *(f"{column} = ?" for column in given)])
        rows = self._database.rows(f"SELECT * FROM runs WHERE {where} ORDER BY seq", given.values())  # noqa: S608 - columns are constants
        return [self._run(row) for row in rows]

    def newest(
        self,
        *,
        pipeline_name: str | None = None,
        statuses: Sequence[str] = (),
        since: datetime | None = None,
        before: int | None = None,
        limit: int,
    ) -> list[tuple[int, PipelineRun]]:
        """Runs of all factories, newest first, each with its position.

        Args:
            pipeline_name: only runs of this pipeline.
            statuses: only runs with one of these; empty for all.
            since: only runs that started at this time or later.
            before: only runs at a lower position.
            limit: maximum number of runs.
        """
        wanted: list[tuple[str, Sequence[Any]]] = [("1", ())]
        if pipeline_name is not None:
            wanted.append(("pipeline_name = ?", (pipeline_name,)))
        if statuses:
            wanted.append((f"status IN ({', '.join('?' * len(statuses))})", statuses))
        if since is not None:
            wanted.append(("coalesce(run_start, last_updated) >= ?", (stamp(since),)))
        if before is not None:
            wanted.append(("seq < ?", (before,)))
        where = " AND ".join(condition for condition, _ in wanted)
        values = [value for _, given in wanted for value in given]
        rows = self._database.rows(
            f"SELECT * FROM runs WHERE {where} ORDER BY seq DESC LIMIT ?",  # noqa: S608 - conditions are constants
            (*values, limit),
        )
        return [(row["seq"], self._run(row)) for row in rows]

    def anywhere(self, run_id: str) -> PipelineRun | None:
        """One run, of any factory."""
        row = self._database.row("SELECT * FROM runs WHERE run_id = ?", (run_id,))
        return None if row is None else self._run(row)

    def find(self, factory_id: str, query: RunQuery) -> tuple[list[PipelineRun], str | None]:
        """A page of runs and the token for the next page."""
        rows, token = select(
            self._database,
            "runs",
            {"factory_id": factory_id},
            query,
            updated="last_updated",
            limit=query.size,
        )
        return [self._run(row) for row in rows], token

    def save_activity(self, activity: ActivityRun) -> None:
        """Insert or update; dropped if the factory was deleted meanwhile."""
        # Not asdict(), which would copy whole outputs only to write them.
        document = {name: getattr(activity, name) for name in _ACTIVITY_DOCUMENT}
        self._database.write(
            "INSERT INTO activity_runs (factory_id, run_id, activity_run_id, activity_name, activity_type, status,"
            " activity_start, activity_end, last_updated, document)"
            " SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM factories WHERE id = ?"
            " ON CONFLICT (factory_id, run_id, activity_run_id) DO UPDATE SET status = excluded.status,"
            " activity_start = excluded.activity_start, activity_end = excluded.activity_end,"
            " last_updated = excluded.last_updated, document = excluded.document",
            (
                activity.run_id,
                activity.activity_run_id,
                activity.activity_name,
                activity.activity_type,
                activity.status,
                stamp(activity.start),
                stamp(activity.end),
                stamp(activity.end or activity.start),
                encode(document),
                activity.factory_id,
            ),
        )

    def activities(self, factory_id: str, run_id: str) -> Sequence[ActivityRun]:
        """All activity runs of a run, in order of their start."""
        rows = self._database.rows(
            "SELECT * FROM activity_runs WHERE factory_id = ? AND run_id = ? ORDER BY seq",
            (factory_id, run_id),
        )
        return [_activity(row) for row in rows]

    def find_activities(
        self, factory_id: str, run_id: str, query: RunQuery
    ) -> tuple[list[ActivityRun], str | None]:
        """A page of a run's activity runs and the token for the next page."""
        rows, token = select(
            self._database,
            "activity_runs",
            {"factory_id": factory_id, "run_id": run_id},
            query,
            updated="last_updated",
            limit=query.size,
        )
        return [_activity(row) for row in rows], token

    def _definition_id(self, definition: dict[str, Any]) -> int:
        text = encode(definition)
        digest = hashlib.sha256(text.encode()).hexdigest()
        row = self._database.row("SELECT id FROM definitions WHERE digest = ?", (digest,))
        if row is not None:
            known: int = row["id"]
            return known
        made = self._database.write(
            "INSERT INTO definitions (digest, document) VALUES (?, ?)", (digest, text)
        ).lastrowid
        if made is None:
            raise LookupError(digest)
        return made

    def _load_definition(self, identity: int) -> dict[str, Any]:
        row = self._database.row("SELECT document FROM definitions WHERE id = ?", (identity,))
        if row is None:
            raise LookupError(identity)
        document: dict[str, Any] = json.loads(row["document"])
        return document

    def _run(self, row: sqlite3.Row) -> PipelineRun:
        document = json.loads(row["document"])
        recovery = document.pop("recovery")
        return PipelineRun(
            factory_id=row["factory_id"],
            run_id=row["run_id"],
            run_group_id=row["run_group_id"],
            pipeline_name=row["pipeline_name"],
            definition=self._definition(row["definition"]),
            last_updated=datetime.fromisoformat(row["last_updated"]),
            status=row["status"],
            message=row["message"],
            run_start=unstamp(row["run_start"]),
            run_end=unstamp(row["run_end"]),
            is_latest=bool(row["is_latest"]),
            run_dimension=json.loads(row["run_dimension"]),
            return_value=json.loads(row["return_value"]),
            trigger_time=datetime.fromisoformat(document.pop("trigger_time")),
            secure_parameters=frozenset(document.pop("secure_parameters")),
            recovery=None if recovery is None else Recovery(**recovery),
            **document,
        )


def _fixed_part(run: PipelineRun) -> dict[str, Any]:
    return {
        "parameters": run.parameters,
        "secure_parameters": sorted(run.secure_parameters),
        "invoked_by": run.invoked_by,
        "trigger_time": stamp(run.trigger_time),
        "recovery": None if run.recovery is None else asdict(run.recovery),
        "annotations": run.annotations,
    }


def _activity(row: sqlite3.Row) -> ActivityRun:
    return ActivityRun(
        factory_id=row["factory_id"],
        run_id=row["run_id"],
        activity_run_id=row["activity_run_id"],
        activity_name=row["activity_name"],
        activity_type=row["activity_type"],
        status=row["status"],
        start=datetime.fromisoformat(row["activity_start"]),
        end=unstamp(row["activity_end"]),
        **json.loads(row["document"]),
    )
