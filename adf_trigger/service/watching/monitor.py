"""Watches the active runs of a factory, at a cost that grows with the runs that have ended, not with the active ones.

One query lists the runs that have ended since the last poll; they are matched in memory. Runs that no list shows are
read by id, a few at each tick. A run is never assumed to have ended: a failed poll changes nothing, a run that no list
shows is not lost, and an unrecognized status does not count as ended.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.contracts import ENDED_IN_DATA_FACTORY
from adf_trigger.datafactory.models import PipelineRun, RunFilter
from adf_trigger.errors import (
    CredentialError,
    DataFactoryError,
    FactoryUnusable,
    ResourceNotFound,
    Throttled,
)
from adf_trigger.ledger.port import Cursor, LedgerReader
from adf_trigger.ledger.records import ActiveRun, RunState
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.recording.records import Records
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.troubles import Troubles
from adf_trigger.service.watching.ended_runs import EndedRuns, Wanted, ended_filter, none_wanted, read_ended
from adf_trigger.service.watching.ends import EndRecorder
from adf_trigger.service.watching.sweep import Sweeper

logger = logging.getLogger(__name__)

FEW = 3
"""Up to this many active runs are read one by one: that costs no more than a query, and does not lag as lists do."""

SWEPT_PER_TICK = 2
"""Maximum runs per tick that are read by id, in turn, where the list was complete."""

MOST_SWEPT = 200
"""Maximum runs per tick that are read by id where the list could not be read, or was too long to be read in full."""

FIRST_LOOK_BACK = timedelta(minutes=30)
"""Overlap of the first poll with the oldest active run: our clock may be ahead of the service's."""

NEVER_LATER = timedelta(days=1)
"""How far past our clock a list extends, since our clock may be behind the service's."""

LONGEST_BACKLOG = timedelta(hours=2)
"""How long lists repeat an end that could not be recorded; then it is left to the sweep."""

UNREADABLE_AFTER = 3
"""Maximum failed reads of one turn before the factory is skipped until the next tick."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of the ended runs of a factory.

    Attributes:
        after: the list has the runs whose last update is after this time.
        runs: what was read of it.
    """

    after: datetime
    runs: EndedRuns


class Monitor:
    """Brings the records of started runs up to date.

    Args:
        ledger: the run ledger.
        records: writes it.
        ends: records and publishes the ends of runs.
        publisher: publishes lost runs.
        sweep: chooses the runs that are read by id.
        clock: returns the current time.
        tick_threads: reads several runs concurrently.
        overlap: how far a poll looks back behind the last one, since lists lag.
        missing_limit: how long Data Factory may answer that it has no such run before the run counts as lost.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        ends: EndRecorder,
        publisher: Publisher,
        sweep: Sweeper,
        clock: Clock,
        tick_threads: TickThreads,
        *,
        overlap: timedelta,
        missing_limit: timedelta,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._ends = ends
        self._publisher = publisher
        self._sweep = sweep
        self._clock = clock
        self._tick_threads = tick_threads
        self._overlap = overlap
        self._missing_limit = missing_limit

    def poll(
        self,
        factory: FactoryHandle,
        active: Sequence[ActiveRun],
        budget: Budget,
        over: set[UUID] | None = None,
        others: Wanted = none_wanted,
    ) -> Listed | None:
        """Check the started runs once; returns the list of ended runs, where one was needed.

        Args:
            factory: the factory.
            active: its active runs.
            budget: calls that may be spent.
            over: runs that Data Factory has shown as ended are added to it.
            others: says which other runs the list should include.

        Raises:
            DataFactoryError, CredentialError: reading failed; runs that were not seen are unchanged, the ends that
                were seen are recorded.
            LedgerError, PublishError: storage is out of reach; the next tick continues.
        """
        over = set() if over is None else over
        started = [row for row in active if row.state is RunState.SUBMITTED]
        if not started:
            return None
        if len(started) <= FEW:
            self._ask_for(factory, started, budget, over)
            return None
        try:
            listed = self._list_ended(factory, active, started, budget, others)
        except (Throttled, FactoryUnusable):
            raise
        except DataFactoryError:
            self._sweep_over(factory, started, MOST_SWEPT, budget, over)
            raise
        found = listed.runs
        over.update(found.shown)
        unseen = [row for row in started if row.run_id not in found.shown]
        self._sweep_over(factory, unseen, SWEPT_PER_TICK if found.complete else MOST_SWEPT, budget, over)
        if found.error is not None:
            raise found.error
        return listed

    def look(self, factory: FactoryHandle, row: ActiveRun, budget: Budget) -> None:
        """Read one run by its id, and record what has changed.

        Raises:
            DataFactoryError, CredentialError: reading failed.
            LedgerConflict: another process has changed the record.
            LedgerError, PublishError: storage is out of reach.
        """
        self._take(factory, row, self._read(factory, row), budget)

    def _read(self, factory: FactoryHandle, row: ActiveRun) -> PipelineRun | None:
        """Read a run; None where Data Factory itself answers that it has no run of that id."""
        try:
            return factory.runs.get_run(row.run_id)
        except ResourceNotFound as exc:
            _log_not_seen(row, exc)
            return None

    def _take(self, factory: FactoryHandle, row: ActiveRun, run: PipelineRun | None, budget: Budget) -> None:
        if run is None:
            self._missing(factory, row)
        elif run.status in ENDED_IN_DATA_FACTORY:
            self._ends.record(factory, row, run, budget)
        else:
            self._see(factory, row, run)

    def _list_ended(
        self,
        factory: FactoryHandle,
        active: Sequence[ActiveRun],
        started: Sequence[ActiveRun],
        budget: Budget,
        others: Wanted,
    ) -> Listed:
        """Record the ends that a list shows; returns the list.

        At most half of the calls and of the time goes into the list. However many runs have ended in the factory, the
        rest is left to record ends, and to read by id the runs that the list has not reached.
        """
        earliest = min(row.requested_at for row in started) - FIRST_LOOK_BACK
        since = max(min(self._ledger.cursor(factory.id).polled_until or earliest, self._clock()), earliest)
        window = RunFilter(
            last_updated_after=since - self._overlap,
            last_updated_before=max(self._clock(), since) + NEVER_LATER,
            filters=(ended_filter(),),
        )
        ours = {row.run_id: row for row in active if row.state is not RunState.ENDED}
        found = read_ended(
            factory.runs,
            window,
            budget.share(1 / 2),
            now=self._clock(),
            at_most=max(1, budget.left // 2),
            ours=ours.keys(),
            others=others,
        )
        left = self._record(factory, ours, found.ours, budget)
        if found.complete:
            self._advance_cursor(factory, since, found, left)
        return Listed(window.last_updated_after, found)

    def _record(
        self,
        factory: FactoryHandle,
        ours: Mapping[UUID, ActiveRun],
        oldest_first: Sequence[PipelineRun],
        budget: Budget,
    ) -> Sequence[PipelineRun]:
        """Record ends, each independently; returns those that are left to a later tick."""
        troubles, done = Troubles("monitor"), set[UUID]()

        def record(run: PipelineRun) -> None:
            with troubles.of(ours[run.run_id].request_id):
                if self._ends.record(factory, ours[run.run_id], run, budget):
                    done.add(run.run_id)

        self._tick_threads.each(record, budget.while_it_lasts(oldest_first))
        return [run for run in oldest_first if run.run_id not in done]

    def _advance_cursor(
        self,
        factory: FactoryHandle,
        since: datetime,
        found: EndedRuns,
        left: Sequence[PipelineRun],
    ) -> None:
        """Advance the cursor to the end of this list, by the service's own clock: ours may be ahead of it.

        The cursor never passes our clock, whatever time a run claims: where the service's clock is ahead, lists repeat
        some ends. It also stops before ends that could not be recorded, for LONGEST_BACKLOG at most, and before runs
        that were left out.
        """
        now = self._clock()
        until = since if found.newest is None else min(found.newest, now)
        waiting = [run.last_updated for run in left if run.last_updated]
        until = min([until, *(each for each in waiting if now - each < LONGEST_BACKLOG)])
        until = min(until, found.ours_left_out or until)
        if until > since:
            self._records.save_cursor(factory.id, Cursor(polled_until=until))

    def _ask_for(
        self, factory: FactoryHandle, rows: Sequence[ActiveRun], budget: Budget, over: set[UUID]
    ) -> None:
        troubles, failed = Troubles("monitor"), list[UUID]()

        def ask(row: ActiveRun) -> None:
            try:
                run = self._read(factory, row)
            except (Throttled, FactoryUnusable, CredentialError):
                raise
            except DataFactoryError as exc:
                failed.append(row.run_id)
                _log_not_seen(row, exc)
                if len(failed) >= UNREADABLE_AFTER:
                    raise
                return
            if run is not None and run.status in ENDED_IN_DATA_FACTORY:
                over.add(row.run_id)
            with troubles.of(row.request_id):
                self._take(factory, row, run, budget)

        self._tick_threads.each(ask, (row for row in rows if budget.spend()))

    def _sweep_over(
        self, factory: FactoryHandle, rows: Sequence[ActiveRun], most: int, budget: Budget, over: set[UUID]
    ) -> None:
        """Read runs by id that no list has shown for long: more of them where the list could not be read whole."""
        due = self._sweep.next_of(factory.id, rows, min(most, budget.left))
        self._ask_for(factory, due, budget, over)

    def _see(self, factory: FactoryHandle, row: ActiveRun, run: PipelineRun) -> None:
        """Record progress; an unchanged run costs no write."""
        stored = self._ledger.get(factory.id, row.request_id)
        if stored is None or stored.record.state is not RunState.SUBMITTED:
            return
        status = run.status or stored.record.status
        news = (status, run.run_start) != (stored.record.status, stored.record.started_at)
        if news or stored.record.missing_since is not None:
            self._records.see(stored, status=status, started_at=run.run_start)

    def _missing(self, factory: FactoryHandle, row: ActiveRun) -> None:
        """Record that Data Factory has no such run: its history was purged, the factory was recreated, or it lags."""
        since = row.missing_since
        now = self._clock()
        if since is not None and timedelta() <= now - since < self._missing_limit:
            return
        stored = self._ledger.get(factory.id, row.request_id)
        if stored is None or stored.record.state is not RunState.SUBMITTED:
            return
        since = stored.record.missing_since
        if since is None or since > now:
            self._records.miss(stored)
        elif now - since >= self._missing_limit:
            reason = (
                f"Data Factory has had no run {row.run_id} since {since.isoformat()}: its history was purged, or "
                f"the factory was recreated. Its last known status is {stored.record.status}"
            )
            self._publisher.publish_leased(self._records.lose(stored, reason))


def _log_not_seen(row: ActiveRun, error: DataFactoryError) -> None:
    logger.warning(
        "Run %s cannot be read: %s",
        row.run_id,
        error,
        extra={"action": "run_not_seen", "run_id": str(row.run_id), "request_id": row.request_id},
    )
