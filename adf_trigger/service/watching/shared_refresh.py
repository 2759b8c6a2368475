"""Refreshes all awaited runs of a factory together, at a cost that does not grow with their number."""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.contracts import ENDED_IN_DATA_FACTORY
from adf_trigger.datafactory.models import PipelineRun, RunFilter
from adf_trigger.errors import (
    CredentialError,
    DataFactoryError,
    LedgerError,
    PublishError,
    ResourceNotFound,
)
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.watching.ended_runs import ended_filter, read_ended
from adf_trigger.service.watching.ends import EndRecorder

logger = logging.getLogger(__name__)

FEW = 3
"""Up to this many runs are read one by one: that costs no more than a query, and does not lag as lists do."""
IN_TURN = 2
"""Runs that are read by id in addition to a query, since lists lag."""
PAGES = 10
PERMIT_WAIT = 3.0
"""Maximum seconds that a refresh waits for a permit."""
CALLS_PER_END = 12
"""Maximum Data Factory calls for the end of one run: pages of its activities."""
FIRST_LOOK_BACK = timedelta(minutes=5)
OVERLAP = timedelta(seconds=30)
"""Overlap of lists, since they lag, and their times are the service's."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The result of a refresh.

    Attributes:
        over: requests whose end may be in the ledger already.
        ended: request → its row and its run, which has ended in Data Factory and is not recorded yet.
        failed: whether anything could not be read.
    """

    over: Collection[str]
    ended: Mapping[str, tuple[ActiveRun, PipelineRun]]
    failed: bool = False


@dataclass(slots=True)
class RefreshProgress:
    """The progress of a factory's refreshes; used by one at a time.

    Attributes:
        since: ends before it are known; None before the first refresh.
        turn: how many runs were read by id.
    """

    since: datetime | None = None
    turn: int = 0


class SharedRefresher:
    """Refreshes many runs at once: by a query of the ledger, and a query or a few reads of Data Factory.

    Args:
        ledger: the run ledger.
        ends: records and publishes the ends of runs.
        gate: says whether a factory may be called now.
        allowance: what the Resource Manager and Data Factory allow.
        clock: returns the current time.
    """

    def __init__(
        self, ledger: LedgerReader, ends: EndRecorder, gate: Gate, allowance: Allowance, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._ends = ends
        self._gate = gate
        self._allowance = allowance
        self._clock = clock

    def look(self, factory: FactoryHandle, waited_for: Collection[str], place: RefreshProgress) -> Seen:
        """Refresh requests of a factory. Raises no error of this project: the next refresh repeats failed reads.

        Args:
            factory: where they run.
            waited_for: the requests that callers wait for.
            place: the progress of the last refresh; updated.
        """
        try:
            rows = [row for row in self._ledger.active(factory.id) if row.request_id in waited_for]
        except LedgerError as exc:
            return Seen((), {}, failed=_log(factory, exc))
        unended = {row.request_id for row in rows if row.state is not RunState.ENDED}
        over = [request for request in waited_for if request not in unended]
        started = [row for row in rows if row.state is RunState.SUBMITTED]
        ended: dict[str, tuple[ActiveRun, PipelineRun]] = {}
        failed = False
        if started and self._gate.may_read(factory):
            try:
                for row, run in self._shown(factory, started, place):
                    ended[row.request_id] = (row, run)
            except (DataFactoryError, CredentialError) as exc:
                failed = _log(factory, exc)
        return Seen(over, ended, failed)

    def settle(
        self, factory: FactoryHandle, request_id: str, ended: tuple[ActiveRun, PipelineRun] | None
    ) -> RunRecord | None:
        """Record the end of a request where needed, and return its record; None where it is not over yet."""
        try:
            if ended is not None:
                self._ends.record(factory, *ended, self._budget(factory, CALLS_PER_END))
        except (LedgerError, PublishError, DataFactoryError, CredentialError) as exc:
            _log(factory, exc)  # it may have been recorded nevertheless, by this process or another
        try:
            stored = self._ledger.get(factory.id, request_id)
        except LedgerError as exc:
            _log(factory, exc)
            return None
        return stored.record if stored is not None and stored.record.ended else None

    def _shown(
        self, factory: FactoryHandle, started: Sequence[ActiveRun], place: RefreshProgress
    ) -> Sequence[tuple[ActiveRun, PipelineRun]]:
        if len(started) <= FEW:
            return self._read_by_id(factory, started)
        ours = {row.run_id: row for row in started}
        shown = [(ours[run.run_id], run) for run in self._listed(factory, place, ours)]
        seen = {row.run_id for row, _ in shown}
        unseen = [row for row in started if row.run_id not in seen]
        turn = [unseen[(place.turn + n) % len(unseen)] for n in range(min(IN_TURN, len(unseen)))]
        place.turn += IN_TURN
        return [*shown, *self._read_by_id(factory, turn)]

    def _listed(
        self, factory: FactoryHandle, place: RefreshProgress, ours: Collection[UUID]
    ) -> Sequence[PipelineRun]:
        """The awaited runs that have ended since the last list was read."""
        now = self._clock()
        since = place.since or now - FIRST_LOOK_BACK
        window = RunFilter(
            last_updated_after=since - OVERLAP,
            last_updated_before=now + timedelta(days=1),
            filters=(ended_filter(),),
        )
        found = read_ended(factory.runs, window, self._budget(factory, PAGES), now=now, ours=ours)
        # Never ahead of our clock, whatever a run claims: where the service's is ahead, ends are listed again.
        reached = since if found.newest is None else min(found.newest, now)
        place.since = max(since, min(reached, found.ours_left_out or reached))
        return found.ours

    def _read_by_id(
        self, factory: FactoryHandle, rows: Sequence[ActiveRun]
    ) -> list[tuple[ActiveRun, PipelineRun]]:
        shown, budget = [], self._budget(factory, len(rows))
        for row in rows:
            if not budget.spend():
                break
            try:
                run = factory.runs.get_run(row.run_id)
            except ResourceNotFound:
                continue  # the monitor judges how long it has been missing
            if run.status in ENDED_IN_DATA_FACTORY:
                shown.append((row, run))
        return shown

    def _budget(self, factory: FactoryHandle, calls: int) -> Budget:
        """A budget that waits only briefly: the next refresh is soon, and the timer's ticks continue."""
        budget = Budget(calls, allowance=self._allowance, factory=factory.present_id)
        return budget.part(time.monotonic() + PERMIT_WAIT)


def _log(factory: FactoryHandle, error: Exception) -> bool:
    logger.warning(
        "The awaited runs of factory %s could not be read: %s",
        factory.alias,
        error,
        extra={"action": "wait_look_failed", "factory": factory.present_id, "error": type(error).__name__},
    )
    return True
