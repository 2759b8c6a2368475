"""Watches the active runs of a factory, at a cost that follows what changed.

One query of the runs updated since the last poll shows most of what is new; runs that no query has shown for a
while are asked for by id. What cannot be seen is never taken for ended: a failed poll changes nothing, a run that
no list shows is not lost, and a status that is not known has not ended.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.contracts import ENDED_IN_DATA_FACTORY, ActivityError
from adf_trigger.datafactory.models import ActivityRun, PipelineRun, RunFilter, TimeWindow
from adf_trigger.errors import (
    AdfTriggerError,
    BadRequest,
    CredentialError,
    DataFactoryError,
    LedgerConflict,
    ResourceNotFound,
    Throttled,
)
from adf_trigger.ledger.port import Cursor, LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.limits import shorten
from adf_trigger.service.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.reconcile import CLOCK_SKEW
from adf_trigger.service.records import Records
from adf_trigger.service.transitions import RunEnd

logger = logging.getLogger(__name__)

FEW = 3
"""With so few active runs, asking for each is no dearer than a query and shows the truth sooner."""

DETAILS_WAIT = timedelta(minutes=10)
"""How long the news of an end waits for the reasons of its activities."""

MOST_ERRORS = 10
LONGEST_MESSAGE = 1024
LONGEST_NAME = 256
"""Reasons that a record keeps, and characters of each: a loop of thousands may fail in every round, and a record
holds 500,000 characters of ASCII JSON, in which one character can take twelve."""

_FAILED_ACTIVITY = frozenset({"Failed", "TimedOut"})


class Monitor:
    """Brings the records of started runs up to date.

    Args:
        ledger: the run ledger.
        records: writes it.
        clock: gives the present instant.
        overlap: how far a poll looks back behind the last one, since lists lag.
        stale_after: a run unseen for so long is asked for by its id.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        clock: Clock,
        *,
        overlap: timedelta,
        stale_after: timedelta,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._clock = clock
        self._overlap = overlap
        self._stale_after = stale_after

    def poll(self, factory: FactoryHandle, active: Sequence[ActiveRun], budget: Budget) -> None:
        """Look at the started runs once.

        Raises:
            DataFactoryError, CredentialError: looking failed; what was not seen stays as it was.
            LedgerError: the ledger is out of reach; the next tick goes on.
        """
        started = [row for row in active if row.state is RunState.SUBMITTED]
        if not started:
            return
        if len(started) <= FEW:
            self._ask_for(factory, started, budget)
            return
        shown, complete = self._query(factory, started, budget)
        unseen = [row for row in started if row.run_id not in shown and (not complete or self._is_stale(row))]
        self._ask_for(factory, sorted(unseen, key=_last_seen), budget, note=True)

    def _is_stale(self, row: ActiveRun) -> bool:
        return self._clock() - _last_seen(row) >= self._stale_after

    def _query(
        self, factory: FactoryHandle, started: Sequence[ActiveRun], budget: Budget
    ) -> tuple[set[UUID], bool]:
        """Bring the runs up to date that changed since the last poll: their ids, and whether these were all.

        At most half of the budget goes into the list, so that however much has changed in the factory there are
        calls left to record what has ended, and to ask for what the list has not come to.
        """
        begun = self._clock()
        since = self._ledger.cursor(factory.id).polled_until or min(row.requested_at for row in started)
        window = RunFilter(last_updated_after=since - self._overlap, last_updated_before=begun + CLOCK_SKEW)
        found, complete = budget.read(factory.runs.query_runs(window), at_most=max(1, budget.left // 2))
        ours = {row.run_id: row for row in started}
        shown = {run.run_id: run for run in found if run.run_id in ours}
        done = [self._bring_up_to_date(factory, ours[run_id], run, budget) for run_id, run in shown.items()]
        if complete and all(done):
            self._records.save_cursor(factory.id, Cursor(polled_until=begun))
        return set(shown), complete

    def _ask_for(
        self, factory: FactoryHandle, rows: Sequence[ActiveRun], budget: Budget, *, note: bool = False
    ) -> None:
        """Read runs by their ids. `note` records even that nothing is new, so that others have their turn."""
        for row in rows:
            if not budget.spend():
                return
            try:
                run = factory.runs.get_run(row.run_id)
            except (ResourceNotFound, BadRequest) as exc:
                logger.warning(
                    "Run %s cannot be read: %s",
                    row.run_id,
                    exc,
                    extra={"action": "run_not_seen", "run_id": str(row.run_id), "request_id": row.request_id},
                )
                continue
            self._bring_up_to_date(factory, row, run, budget, note=note)

    def _bring_up_to_date(
        self, factory: FactoryHandle, row: ActiveRun, run: PipelineRun, budget: Budget, *, note: bool = False
    ) -> bool:
        """Record what a run has come to; False where the next tick must look at it again."""
        ended = run.status in ENDED_IN_DATA_FACTORY
        if ended and not budget.left:
            return False  # of hundreds that wait for a call not even the records need be read
        stored = self._ledger.get(factory.id, row.request_id)
        if stored is None or stored.record.state is not RunState.SUBMITTED:
            return True
        try:
            if ended:
                return self._record_end(factory, stored, run, budget)
            if note or self._is_news(stored.record, run):
                status = run.status or stored.record.status
                self._records.see(stored, status=status, started_at=run.run_start)
        except LedgerConflict:
            logger.info(
                "Run %s is being handled by another process",
                run.run_id,
                extra={
                    "action": "monitor_lost_race",
                    "run_id": str(run.run_id),
                    "request_id": row.request_id,
                },
            )
        return True

    def _is_news(self, record: RunRecord, run: PipelineRun) -> bool:
        return (
            run.status != record.status
            or run.run_start != record.started_at
            or self._clock() - _last_seen(record) >= self._stale_after / 2
        )

    def _record_end(self, factory: FactoryHandle, stored: Stored, run: PipelineRun, budget: Budget) -> bool:
        if not budget.spend():
            return False
        try:
            errors = self._failed_activities(factory, stored.record, run)
        except (DataFactoryError, CredentialError) as exc:
            if self._clock() - (run.run_end or run.last_updated or self._clock()) < DETAILS_WAIT:
                if isinstance(exc, Throttled):
                    raise
                self._log_details_missing(run, exc)
                return False
            errors = []
        self._records.end(stored, _end_of(run, errors))
        return True

    def _log_details_missing(self, run: PipelineRun, error: AdfTriggerError) -> None:
        logger.warning(
            "Run %s has ended, and its activities cannot be read yet: %s",
            run.run_id,
            error,
            extra={"action": "activities_not_read", "run_id": str(run.run_id)},
        )

    def _failed_activities(
        self, factory: FactoryHandle, record: RunRecord, run: PipelineRun
    ) -> list[ActivityError]:
        """Why it failed; also what failed inside a run that Data Factory calls Succeeded."""
        since = run.run_start or record.submitted_at or record.requested_at
        window = TimeWindow(after=since - CLOCK_SKEW, before=self._clock() + CLOCK_SKEW)
        activities = factory.runs.query_activity_runs(run.run_id, window=window)
        return [_error_of(activity) for activity in activities if activity.status in _FAILED_ACTIVITY]


def _end_of(run: PipelineRun, errors: Sequence[ActivityError]) -> RunEnd:
    """How a run has ended, its reasons cut to what a record can hold."""
    message, cut = run.message or "", [_shorten_error(error) for error in errors]
    return RunEnd(
        status=run.status,
        started_at=run.run_start,
        ended_at=run.run_end or run.last_updated,
        duration_ms=run.duration_in_ms,
        message=shorten(message, LONGEST_MESSAGE),
        errors=tuple(cut[:MOST_ERRORS]),
        truncated=len(message) > LONGEST_MESSAGE or cut != errors or len(cut) > MOST_ERRORS,
    )


def _error_of(activity: ActivityRun) -> ActivityError:
    return ActivityError(
        activity_name=activity.activity_name,
        activity_type=activity.activity_type,
        error_code=activity.error.error_code,
        failure_type=activity.error.failure_type,
        message=activity.error.message,
    )


def _shorten_error(error: ActivityError) -> ActivityError:
    names = error.model_dump(by_alias=False, exclude={"message"})
    return ActivityError(
        **{field: shorten(text, LONGEST_NAME) for field, text in names.items()},
        message=shorten(error.message, LONGEST_MESSAGE),
    )


def _last_seen(row: ActiveRun | RunRecord) -> datetime:
    return row.last_seen_at or row.sent_at or row.requested_at
