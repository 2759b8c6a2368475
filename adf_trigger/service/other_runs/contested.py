"""Which runs may belong to requests in doubt, so that they are not published as runs of others.

A request is in doubt from its first createRun until Data Factory or a person has settled its outcome. In that time
it has an active row; one that is then published as Unknown has none any more. So each tick notes requests in doubt
before it decides about them, and the note stays until the request has its run, or it is certain that it has none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.contracts import RunStatus
from adf_trigger.datafactory.models import PipelineRun
from adf_trigger.ledger.listing import Question
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.service.attribution import CLOCK_SKEW
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.other_runs.observing import (
    Doubt,
    ObservationKeeper,
    ObservationProgress,
    Observed,
    doubt_name,
)
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.troubles import Troubles

SEARCHED_AT_ONCE = 100
"""Maximum requests of unknown fate that one read of the history finds; it reads a bounded number of rows."""

MOST_SENDING = 200
"""Maximum requests under way whose records are read; where there are more, all runs of their time are contested."""

LEASE_MARGIN = timedelta(minutes=1)
"""A lease that ends within this time may be over when the tick comes to its request."""


@dataclass(frozen=True, slots=True)
class Contested:
    """Since when the runs of pipelines may be those of requests in doubt.

    Attributes:
        doubts: those requests.
        all_since: since when any run may be one of theirs, where there are too many to read their pipelines.
    """

    doubts: Sequence[Doubt]
    all_since: datetime | None = None

    def since(self, pipeline: str) -> datetime | None:
        """When the first createRun in doubt was sent; None where no request of a pipeline is in doubt."""
        own = [each.since for each in self.doubts if each.pipeline.lower() == pipeline.lower()]
        return min([*own, *([] if self.all_since is None else [self.all_since])], default=None)

    def has(self, run: PipelineRun) -> bool:
        """Whether a run may be of a request in doubt."""
        since = self.since(run.pipeline_name)
        return since is not None and may_be_of(run, since)


class ContestFinder:
    """Finds contested runs.

    Args:
        ledger: the run ledger.
        factories: all configured factories.
        observing: keeps the notes of requests in doubt.
        clock: returns the current time.
        tick_threads: reads several records concurrently.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        factories: Factories,
        observing: ObservationKeeper,
        clock: Clock,
        tick_threads: TickThreads,
    ) -> None:
        self._ledger = ledger
        self._factories = factories
        self._observing = observing
        self._clock = clock
        self._tick_threads = tick_threads

    def note(self, factory: FactoryHandle, active: Iterable[ActiveRun]) -> None:
        """Note requests in doubt, before anything is decided about them. Costs nothing where there is none.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        soon = self._clock() + LEASE_MARGIN
        rows = [
            row for row in active if _was_called(row) and (not row.lease_until or row.lease_until <= soon)
        ]
        if not rows:
            return
        noted = {each.name for each in self._observing.read(factory.id).doubts}
        troubles = Troubles("observe")

        def note(row: ActiveRun) -> None:
            with troubles.of(row.request_id):
                stored = self._ledger.get(factory.id, row.request_id)
                if stored is not None and is_in_doubt(stored.record):
                    self._observing.doubt(factory.id, stored.record)

        self._tick_threads.each(note, (row for row in rows if doubt_name(row.request_id) not in noted))

    def search(self, factory: FactoryHandle, place: ObservationProgress) -> ObservationProgress:
        """Note requests of unknown fate in a part of the history; returns the place to continue from.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        question = Question(statuses=frozenset({RunStatus.UNKNOWN}))
        page = self._ledger.listing(factory.id, question, after=place.search or "", limit=SEARCHED_AT_ONCE)
        for entry in page.entries:
            stored = self._ledger.get(factory.id, entry.run.request_id)
            if stored is not None and is_in_doubt(stored.record):
                self._observing.doubt(factory.id, stored.record)
        return replace(place, search=page.read_to)

    def of(self, factory: FactoryHandle, observed: Observed) -> Contested:
        """The contested runs now. A request sent before this call is in doubt here, or has its run in the ledger.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        noted = {factory.id: observed.doubts, **observed.beside}
        doubts = [
            each
            for kept_under, its in noted.items()
            for each in its
            if not self._is_settled(kept_under, each)
        ]
        left, all_since = MOST_SENDING, None
        for handle in self._factories.of(factory.alias):
            for row in self._ledger.active(handle.id):
                if not _was_called(row):
                    continue
                if left == 0:
                    earliest = min(row.requested_at, row.sent_at or row.requested_at)
                    all_since = earliest if all_since is None else min(all_since, earliest)
                    continue
                left -= 1
                stored = self._ledger.get(handle.id, row.request_id)
                if stored is not None and is_in_doubt(stored.record):
                    doubts.append(_doubt_of(stored.record))
        return Contested(doubts, all_since)

    def _is_settled(self, factory: str, doubt: Doubt) -> bool:
        stored = self._ledger.get(factory, doubt.request_id)
        if stored is not None and is_in_doubt(stored.record):
            return False
        self._observing.settle(factory, doubt)
        return True


def may_be_of(run: PipelineRun, since: datetime) -> bool:
    """Whether a run may belong to a request whose first createRun was sent at a given time."""
    return run.run_start is None or run.run_start >= since - CLOCK_SKEW


def is_in_doubt(record: RunRecord) -> bool:
    """Whether a request may have started a run that is not known to be its own."""
    if record.submitted_at is not None or record.joined_to is not None:
        return False  # Data Factory, or a person, has named its run; or it has joined another one
    if record.state is RunState.ACCEPTED:
        return record.sent_at is not None
    return record.undecided


def _was_called(row: ActiveRun) -> bool:
    return row.may_be_unsent and row.sent_at is not None


def _doubt_of(record: RunRecord) -> Doubt:
    since = record.doubted_from or record.sent_at or record.requested_at
    return Doubt(record.request_id, record.pipeline, since)
