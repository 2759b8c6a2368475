"""Sends, or sends again, what is accepted and not yet started. Run by the timer."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import (
    CredentialError,
    DataFactoryError,
    LedgerConflict,
    Refused,
    ResourceNotFound,
    Throttled,
)
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.service.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.reconcile import Finding, Reconciler, Verdict
from adf_trigger.service.records import Records
from adf_trigger.service.send import Sender, back_off

logger = logging.getLogger(__name__)

REFUSED_FOR_GOOD = 3
"""After so many calls a request in doubt that is refused, and whose run is not to be seen, is given up."""

_SECRETS_GONE = (
    "it was not started, and it cannot be sent again: values of its secure parameters are not kept. "
    "Send the request again."
)


class Dispatcher:
    """The timer's part of starting runs, in order of arrival.

    Args:
        ledger: the run ledger.
        records: writes it.
        clock: gives the present instant.
        sender: calls createRun.
        reconciler: finds out what became of calls without an answer.
        deadline: how long an accepted request may wait to be started.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        clock: Clock,
        sender: Sender,
        reconciler: Reconciler,
        *,
        deadline: timedelta,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._clock = clock
        self._sender = sender
        self._reconciler = reconciler
        self._deadline = deadline

    def dispatch(self, factory: FactoryHandle, active: Sequence[ActiveRun], budget: Budget) -> None:
        """Take up every request that is due. A factory that is throttled or down is left alone for this tick.

        Raises:
            Throttled: Data Factory asked to be left alone.
            LedgerError: the ledger is out of reach; the next tick goes on.
        """
        sending = self._sender.throttled_until(factory) is None
        for row in active:
            if not row.may_be_unsent:
                continue
            due = self._is_due(row)
            if row.sent_at is None and not due:
                sending = False  # those that came later wait behind it
            if not due or (row.sent_at is None and not sending):
                continue
            stored = self._ledger.get(factory.id, row.request_id)
            if stored is None or not self._is_due(stored.record):
                continue  # released or taken by another since the row was read
            try:
                if stored.record.state is RunState.SUBMITTED:
                    self._hand_over(stored)
                elif stored.record.state is RunState.ACCEPTED:
                    sending = self._take_up(factory, stored, budget, sending=sending) and sending
            except LedgerConflict:
                logger.info(
                    "Request %s is being handled by another process",
                    row.request_id,
                    extra={"action": "dispatch_lost_race", "request_id": row.request_id},
                )

    def _is_due(self, row: ActiveRun | RunRecord) -> bool:
        now = self._clock()
        return (row.not_before is None or row.not_before <= now) and (
            row.lease_until is None or row.lease_until <= now
        )

    def _hand_over(self, stored: Stored) -> None:
        """Leave a run to the monitor that was started, so that its record need not be read at every tick."""
        if stored.record.lease_until is not None:
            self._records.hand_over(stored)

    def _take_up(self, factory: FactoryHandle, stored: Stored, budget: Budget, *, sending: bool) -> bool:
        """Do what is due for one request; False where the factory should be sent nothing more for now."""
        record = stored.record
        if record.sent_at is None:
            if self._is_too_late(record):
                reason = f"it could not be started in time: {record.message or 'no reason is known'}"
                self._records.reject(stored, reason)
                return True
            return self._send(factory, stored, budget, in_doubt_since=None)
        try:
            finding = self._reconciler.reconcile(factory, record, budget)
        except (DataFactoryError, CredentialError) as exc:
            self._ask_later(stored, f"what became of it cannot be asked now: {exc}")
            if isinstance(exc, Throttled):
                raise
            return False
        return self._act(factory, stored, finding, budget, sending=sending)

    def _act(
        self, factory: FactoryHandle, stored: Stored, finding: Finding, budget: Budget, *, sending: bool
    ) -> bool:
        record = stored.record
        match finding.verdict:
            case Verdict.ADOPT if finding.run_id is not None:
                self._records.adopt(stored, finding.run_id)
            case Verdict.PARK:
                self._records.park(stored, finding.reason)
            case Verdict.SEND_AGAIN if record.secure_parameters:
                self._records.reject(stored, _SECRETS_GONE)
            case Verdict.SEND_AGAIN if self._is_too_late(record):
                self._records.park(stored, f"it is too late to send it again: {finding.reason}")
            case Verdict.SEND_AGAIN if sending:
                return self._send(factory, stored, budget, in_doubt_since=record.sent_at)
            case _:
                self._ask_later(stored, finding.reason)
        return True

    def _is_too_late(self, record: RunRecord) -> bool:
        return self._clock() - record.requested_at > self._deadline

    def _send(
        self, factory: FactoryHandle, stored: Stored, budget: Budget, *, in_doubt_since: datetime | None
    ) -> bool:
        if not budget.spend():
            return False
        taken = self._records.lease_to_send(stored)
        try:
            sent = self._sender.send(factory, taken, taken.record.parameters, in_doubt_since=in_doubt_since)
        except Refused as exc:
            self._on_refusal(factory, taken, exc, in_doubt_since)
            return True
        return sent.record.state is RunState.SUBMITTED

    def _on_refusal(
        self, factory: FactoryHandle, taken: Stored, refusal: Refused, in_doubt_since: datetime | None
    ) -> None:
        """A refusal is final, unless its cause may be that an earlier call of this request has started it."""
        reason = f"Data Factory refused it: {refusal}"
        if in_doubt_since is None or isinstance(refusal, ResourceNotFound):
            self._records.reject(taken, reason)
            return
        try:
            started = self._reconciler.exists(factory, taken.record)
        except (DataFactoryError, CredentialError) as exc:
            self._ask_later(taken, f"{reason}; what became of it cannot be asked now: {exc}")
            return
        if started:
            self._records.adopt(taken, taken.record.run_id)
        elif taken.record.attempts < REFUSED_FOR_GOOD:
            self._ask_later(taken, reason)
        else:
            self._records.park(taken, f"{reason}; whether an earlier call started it cannot be determined")

    def _ask_later(self, stored: Stored, reason: str) -> None:
        until = self._clock() + back_off(stored.record.attempts)
        self._records.ask_later(stored, until=until, reason=reason)
