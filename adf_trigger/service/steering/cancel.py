"""Cancels runs: immediately if none was started, through Data Factory if one was, later if that is in doubt.

The cancellation is recorded before Data Factory is called, so that no crash and no outage loses it: the
timer retries until there is an answer. Calling twice is safe, since a run is cancelled once.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from adf_trigger.clock import Clock
from adf_trigger.contracts import HistoryEntry, RunStatus
from adf_trigger.errors import (
    AdfTriggerError,
    CredentialError,
    DataFactoryError,
    FactoryUnusable,
    LedgerError,
    NotFound,
    NotSent,
    PublishError,
    Refused,
    ResourceNotFound,
    Throttled,
    TryLater,
    UnknownOutcome,
    WrongState,
)
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.service import optimistic
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.calls.throttling import Bucket
from adf_trigger.service.elapsed import bounded
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.recording.records import Records
from adf_trigger.service.starting.send import LONGEST_BACK_OFF, back_off
from adf_trigger.service.steering.descendants import cancel_descendants
from adf_trigger.service.steps import Steps
from adf_trigger.service.troubles import Troubles
from adf_trigger.service.watching.monitor import Monitor
from adf_trigger.service.watching.refresh import CALLS

logger = logging.getLogger(__name__)


YOUNG = timedelta(minutes=2)
"""Data Factory's cancel call may not know a run younger than this yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """A caller's order.

    Attributes:
        recursive: whether to cancel the runs that it has started, too.
        by: who gave the order, where known.
        note: why.
    """

    recursive: bool = True
    by: str | None = None
    note: str | None = None


class Canceller:
    """Cancels runs, for callers and for the timer.

    Args:
        ledger: the run ledger.
        records: writes it.
        factories: all configured factories.
        gate: says whether a factory may be called now.
        monitor: records what Data Factory shows of a run.
        publisher: publishes the ends of requests.
        allowance: counts the calls of callers' orders.
        clock: returns the current time.
        steps: surrounds each call.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        factories: Factories,
        gate: Gate,
        monitor: Monitor,
        publisher: Publisher,
        allowance: Allowance,
        clock: Clock,
        steps: Steps,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._factories = factories
        self._gate = gate
        self._monitor = monitor
        self._publisher = publisher
        self._allowance = allowance
        self._clock = clock
        self._steps = steps

    def cancel(self, record: RunRecord, order: CancelOrder) -> RunRecord:
        """Cancel a run; returns its record. A run that has ended is left unchanged.

        A later order cancels the child runs of a run that was first cancelled alone.

        A run that is being sent, or is in doubt, is marked, and cancelled once it is found; so is a run whose factory
        gives no clear answer now.

        Raises:
            WrongState: it is not known whether there is a run, its factory is not configured any more, or Data Factory
                refuses to cancel it.
            FactoryUnusable: Data Factory does not let this service cancel runs. The run continues.
            TryLater: others keep changing the record.
            NotFound: the record is gone.
            LedgerError: the ledger is out of reach.
        """
        return optimistic.update(self._ledger, record, lambda stored: self._cancel(stored, order))

    def repeat(self, factory: FactoryHandle, active: Sequence[ActiveRun], budget: Budget) -> None:
        """Retry cancellations that Data Factory has not confirmed.

        A failure of one does not affect the others.

        Raises:
            LedgerError: the ledger is out of reach; the next tick continues.
        """
        troubles = Troubles("cancel")
        for row in active:
            if row.cancel_at is None or row.state is RunState.ENDED:
                continue
            now = self._clock()
            if bounded(row.cancel_at, now, LONGEST_BACK_OFF) > now:
                continue
            waits = self._gate.wait_to_cancel(factory) is not None
            permit = None if waits else budget.permit(Bucket.WRITES)
            if permit is None:
                return  # the next tick retries
            with permit, troubles.of(row.request_id):
                self._repeat(factory, row, budget, permit)

    def _repeat(self, factory: FactoryHandle, row: ActiveRun, budget: Budget, permit: Permit) -> None:
        stored = self._ledger.get(factory.id, row.request_id)
        if stored is None or stored.record.state is not RunState.SUBMITTED or not _is_asked(stored.record):
            return  # the dispatcher determines first whether there is a run
        try:
            self._call(factory, stored, budget, permit)
        except FactoryUnusable as exc:
            self._later(stored, exc)  # no caller waits for the answer: it may succeed later
        except WrongState:
            return  # recorded and logged already

    def _cancel(self, stored: Stored, order: CancelOrder) -> RunRecord:
        record = stored.record
        if record.undecided:
            raise WrongState(
                "it is not known whether there is a run, or how it ends, so it cannot be cancelled; "
                f"decide about it by resolve: {record.message}"
            )
        if record.ended:
            return self._cancel_descendants(stored, order, record)
        entry = HistoryEntry(at=self._clock(), by=order.by, action="cancel", note=order.note)
        if record.state is RunState.ACCEPTED:
            return self._cancel_unstarted(stored, order, entry)
        factory = self._factories.kept_under(record.factory)
        if factory is None:
            raise WrongState(f"its factory {record.factory} is not configured any more")
        if not _is_marked(record, order):
            stored = self._records.ask_cancel(stored, entry, recursive=order.recursive)
        now = self._order(factory, stored)
        if not now.ended:
            return now
        return optimistic.update(
            self._ledger, now, lambda ended: self._cancel_descendants(ended, order, record)
        )

    def _cancel_descendants(self, stored: Stored, order: CancelOrder, before: RunRecord) -> RunRecord:
        """Cancel the child runs of a run that was cancelled alone; another ended run is left unchanged.

        Data Factory may not search below an ended run, so each child run is cancelled on its own.
        """
        record = stored.record
        was_started = record.status == RunStatus.CANCELLED and record.confirmed_run_id is not None
        if not (order.recursive and was_started and _was_alone(before)):
            return record
        factory = self._factories.kept_under(record.factory)
        if factory is None:
            raise WrongState(f"its factory {record.factory} is not configured any more")
        wait = self._gate.wait_to_cancel(factory) or self._gate.wait_to_read(factory)
        if wait is not None:
            left = max(1.0, (wait.until - self._clock()).total_seconds())
            raise TryLater(
                f"the runs that it has started cannot be cancelled now: {wait.reason}", retry_after=left
            )
        since, now = record.requested_at, self._clock()
        cancelled = cancel_descendants(
            factory, record.run_id, self._steps, self._allowance, since=since, now=now
        )
        if not cancelled:
            return record
        note = f"{len(cancelled)} of the runs that it has started were cancelled"
        if order.note:
            note = f"{note}: {order.note}"
        entry = HistoryEntry(at=now, by=order.by, action="cancel", note=note)
        return self._records.note(stored, entry, reruns=record.reruns).record

    def _cancel_unstarted(self, stored: Stored, order: CancelOrder, entry: HistoryEntry) -> RunRecord:
        """End a request that was not sent; mark one that may have been."""
        record = stored.record
        if record.sent_at is not None:
            if _is_marked(record, order):
                return record
            return self._records.ask_cancel(stored, entry, recursive=order.recursive).record
        cancelled = self._records.cancel(stored, entry)
        try:
            self._publisher.publish_leased(self._records.lease_to_publish(cancelled))
        except (LedgerError, PublishError) as exc:
            logger.warning(
                "The event of request %s is left to the timer: %s",
                record.request_id,
                exc,
                extra={"action": "publish_left_to_timer", "request_id": record.request_id},
            )
        return self._present(cancelled.record)

    def _order(self, factory: FactoryHandle, stored: Stored) -> RunRecord:
        """Cancel a run through Data Factory while the caller waits."""
        wait = self._gate.wait_to_cancel(factory)
        if wait is not None:
            return self._postponed(stored, wait.reason)
        try:
            with self._allowance.demand(factory.present_id, Bucket.WRITES) as permit:
                self._call(factory, stored, Budget(CALLS), permit)
        except FactoryUnusable as exc:
            if _is_asked(stored.record):
                self._remove_order(stored.record, exc)
                raise
        return self._present(stored.record)

    def _call(self, factory: FactoryHandle, stored: Stored, budget: Budget, permit: Permit) -> None:
        """Call Data Factory to cancel a run, and record its answer.

        Raises:
            WrongState: it refuses, and the run has not ended.
            FactoryUnusable: it denies access.
            LedgerError, PublishError: the outcome could not be recorded; a repeated order is safe.
        """
        record = stored.record
        asked = record.cancellation
        try:
            with self._steps("cancel.call"):
                permit.use()
                factory.runs.cancel_run(record.run_id, recursive=asked is None or asked.recursive)
        except (Throttled, NotSent, UnknownOutcome, CredentialError) as exc:
            self._later(stored, exc)
            return
        except FactoryUnusable:
            raise
        except Refused as exc:
            seen = self._looked(factory, stored, budget)
            if seen.record.ended:
                return
            if not _is_asked(record):
                return  # it was confirmed before: refusing the repeated order changes nothing
            if isinstance(exc, ResourceNotFound) and self._is_young(record):
                self._later(seen, exc)
                return
            self._remove_order(record, exc)
            raise WrongState(f"Data Factory refuses to cancel it: {exc}") from exc
        if _is_asked(record):
            stored = self._records.confirm_cancel(stored)
        self._looked(factory, stored, budget)

    def _is_young(self, record: RunRecord) -> bool:
        return record.submitted_at is not None and self._clock() - record.submitted_at < YOUNG

    def _later(self, stored: Stored, error: AdfTriggerError) -> None:
        self._postponed(stored, f"Data Factory has not confirmed the cancellation: {error}")

    def _postponed(self, stored: Stored, reason: str) -> RunRecord:
        """Leave the retry to the timer, unless the cancellation was confirmed before."""
        asked = stored.record.cancellation
        if asked is None or asked.due_at is None:
            return stored.record
        until = self._clock() + back_off(asked.attempts + 1)
        return self._records.cancel_later(stored, until=until, reason=reason).record

    def _remove_order(self, record: RunRecord, error: AdfTriggerError) -> None:
        """Remove a refused order, retrying where others change the record meanwhile."""
        entry = HistoryEntry(at=self._clock(), action="cancel refused", note=str(error))

        def forget(stored: Stored) -> None:
            now = stored.record
            if now.state is RunState.SUBMITTED and now.cancellation == record.cancellation:
                self._records.refuse_cancel(stored, entry)

        with suppress(NotFound, TryLater):  # the timer asks again, and is refused again
            optimistic.update(self._ledger, record, forget)

    def _looked(self, factory: FactoryHandle, stored: Stored, budget: Budget) -> Stored:
        """The record after its run was refreshed; unchanged where that fails."""
        record = stored.record
        try:
            self._monitor.look(factory, ActiveRun.of(record), budget)
        except (LedgerError, PublishError, DataFactoryError, CredentialError) as exc:
            logger.info(
                "Run %s could not be refreshed after it was cancelled: %s",
                record.run_id,
                exc,
                extra={"action": "look_failed", "request_id": record.request_id},
            )
        return self._ledger.get(record.factory, record.request_id) or stored

    def _present(self, record: RunRecord) -> RunRecord:
        stored = self._ledger.get(record.factory, record.request_id)
        return record if stored is None else stored.record


def _is_asked(record: RunRecord) -> bool:
    """Whether a cancellation is ordered and not confirmed."""
    return record.cancellation is not None and record.cancellation.due_at is not None


def _was_alone(record: RunRecord) -> bool:
    """Whether it was ordered to be cancelled without its child runs; a wider order would be in its history."""
    asked = record.cancellation
    orders = sum(each.action == "cancel" for each in record.history)
    return asked is not None and (not asked.recursive or orders > 1)


def _is_marked(record: RunRecord, order: CancelOrder) -> bool:
    """Whether the order is covered by an earlier one."""
    asked = record.cancellation
    return asked is not None and (asked.recursive or not order.recursive)
