"""Claims runs that others have started, once they have ended, and publishes them."""

import logging
import threading
from collections import Counter
from dataclasses import replace
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import PipelineRun
from adf_trigger.errors import (
    CredentialError,
    DataFactoryError,
    LedgerConflict,
    LedgerError,
    NotFound,
    PublishError,
    TryLater,
    UnreadableRow,
)
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import RunRecord
from adf_trigger.messages.declaration import Declaration
from adf_trigger.service import optimistic
from adf_trigger.service.attribution import owner_of
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.other_runs.record import Group, group_of, record_of, rerun_entry, rerun_note
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.recording.records import Records
from adf_trigger.service.starting.definitions import Definitions
from adf_trigger.service.watching.ends import EndRecorder

logger = logging.getLogger(__name__)

MOST_KNOWN = 20_000
"""Maximum runs that a process remembers as published or claimed, so that what lists show again costs no read."""

MOST_FAILURES = 20
"""Maximum ticks in which claiming a run may fail, though storage answers, before it is given up."""


class OtherRunClaimer:
    """Claims runs of others. Thread-safe.

    Args:
        ledger: the run ledger.
        factories: all configured factories.
        records: writes the ledger.
        ends: reads how runs have ended.
        publisher: publishes them.
        definitions: what pipelines declare: values of secure parameters are not kept.
        clock: returns the current time.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        factories: Factories,
        records: Records,
        ends: EndRecorder,
        publisher: Publisher,
        definitions: Definitions,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._factories = factories
        self._records = records
        self._ends = ends
        self._publisher = publisher
        self._definitions = definitions
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[UUID, None] = {}
        self._failures: Counter[UUID] = Counter()
        self._uncounted: Counter[str] = Counter()

    def is_known(self, run_id: UUID) -> bool:
        """Whether this process remembers a run as published or claimed."""
        return run_id in self._known

    def uncounted(self, factory: FactoryHandle) -> int:
        """The number of runs of a factory that this process has claimed and not counted yet."""
        with self._lock:
            return self._uncounted[factory.id]

    def are_counted(self, factory: FactoryHandle, count: int) -> None:
        """Subtract claimed runs that have been counted."""
        with self._lock:
            self._uncounted[factory.id] -= count

    def is_recorded(self, factory: FactoryHandle, run: PipelineRun) -> bool:
        """Whether a run is in the ledger.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        if owner_of(self._ledger, self._factories, factory, run.run_id) is None:
            return False
        self._remember(run.run_id)
        return True

    def claim(self, factory: FactoryHandle, run: PipelineRun, budget: Budget) -> bool:
        """Claim and publish a run that no record has; False where a later tick has to.

        Raises:
            LedgerConflict: another process was first.
            LedgerError: the ledger is out of reach, or has no room for the run.
        """
        try:
            return self._claimed(factory, run, budget)
        except UnreadableRow:
            self._count_failure(run)
            raise
        except (LedgerError, PublishError, DataFactoryError, CredentialError):
            raise
        except Exception:
            self._count_failure(run)
            raise

    def _claimed(self, factory: FactoryHandle, run: PipelineRun, budget: Budget) -> bool:
        if not budget.left:
            return False
        declared = self._declared(factory, run.pipeline_name)
        first = group_of(run)
        group = None if first is None else self._group(factory, run, first)
        record, cut = record_of(factory.id, run, declared, group, now=self._clock())
        end = self._ends.of(factory, record, run, budget)
        if end is None:
            return False
        claim = self._records.observe(record, replace(end, truncated=end.truncated or cut))
        if not claim.created and claim.stored.record.run_id != run.run_id:
            logger.error(
                "Run %s cannot be published: its requestId %s belongs to another request",
                run.run_id,
                record.request_id,
                extra={"action": "run_not_observed", "run_id": str(run.run_id)},
            )
        self._remember(run.run_id)
        if claim.created:
            with self._lock:
                self._uncounted[factory.id] += 1
            self._publish(claim.stored)
        return True

    def _publish(self, stored: Stored) -> None:
        """Publish a claimed run; where that fails, a later tick publishes it like any record that has ended."""
        try:
            self._publisher.publish_leased(stored)
        except LedgerConflict:
            logger.info(
                "Request %s is being handled by another process",
                stored.record.request_id,
                extra={"action": "publish_lost_race", "request_id": stored.record.request_id},
            )
        except (LedgerError, PublishError) as exc:
            logger.warning(
                "The end of run %s could not be published yet: %s",
                stored.record.run_id,
                exc,
                extra={"action": "publish_record_failed", "request_id": stored.record.request_id},
            )

    def _declared(self, factory: FactoryHandle, pipeline: str) -> Declaration | None:
        """What a pipeline declares; None where that is not known."""
        try:
            return self._definitions.get(factory, pipeline)
        except (DataFactoryError, CredentialError):
            return self._definitions.remembered(factory, pipeline)

    def _group(self, factory: FactoryHandle, run: PipelineRun, first: UUID) -> Group:
        """The group of a rerun. The rerun is noted once in the history of the first run, where that is known here."""
        owner = owner_of(self._ledger, self._factories, factory, first)
        if owner is None or not owner.ended:
            return Group(first)
        number = owner.reruns
        note = rerun_note(run.run_id)

        def add(stored: Stored) -> RunRecord:
            if any(each.note == note for each in stored.record.history):
                return stored.record
            entry = rerun_entry(run, now=self._clock())
            self._records.note(stored, entry, reruns=stored.record.reruns + 1)
            return replace(stored.record, reruns=stored.record.reruns + 1)

        try:
            number = optimistic.update(self._ledger, owner, add).reruns
        except (NotFound, TryLater) as exc:
            logger.warning(
                "The rerun of run %s could not be written into its history: %s",
                first,
                exc,
                extra={"action": "rerun_not_noted", "request_id": owner.request_id},
            )
        return Group(first, owner.attempt + max(1, number))

    def _remember(self, run_id: UUID) -> None:
        with self._lock:
            self._known[run_id] = None
            self._failures.pop(run_id, None)
            while len(self._known) > MOST_KNOWN:
                del self._known[next(iter(self._known))]

    def _count_failure(self, run: PipelineRun) -> None:
        with self._lock:
            self._failures[run.run_id] += 1
            given_up = self._failures[run.run_id] >= MOST_FAILURES
        if given_up:
            self._remember(run.run_id)
            logger.error(
                "Run %s of %s has ended, and could not be published in %d ticks: giving up",
                run.run_id,
                run.pipeline_name,
                MOST_FAILURES,
                extra={"action": "run_not_observed", "run_id": str(run.run_id)},
            )
