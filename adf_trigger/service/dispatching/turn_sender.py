"""Sends requests in a factory's turn: a pilot first, and none after Data Factory has shown that it takes no runs."""

from datetime import datetime

from adf_trigger.clock import Clock
from adf_trigger.errors import (
    AdfTriggerError,
    CredentialError,
    DataFactoryError,
    InvalidRequest,
    Refused,
    ResourceNotFound,
)
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import RunState, Waits
from adf_trigger.service.admission.admission import Admission
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.calls.throttling import Bucket
from adf_trigger.service.dispatching.dispatch_turn import Turn
from adf_trigger.service.dispatching.reconcile import Reconciler
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.recording.records import Records
from adf_trigger.service.starting.send import Sender, back_off

REFUSED_FOR_GOOD = 3
"""Maximum calls for a request in doubt that is refused and whose run cannot be found."""


class TurnSender:
    """The dispatcher's part that calls createRun, and acts on a refusal.

    Args:
        records: writes the ledger.
        clock: returns the current time.
        sender: calls createRun.
        gate: says whether a factory may be called now.
        reconciler: finds the run of an earlier call without an answer.
        admission: leases a request that has a place or needs none.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        sender: Sender,
        gate: Gate,
        reconciler: Reconciler,
        admission: Admission,
    ) -> None:
        self._records = records
        self._clock = clock
        self._sender = sender
        self._gate = gate
        self._reconciler = reconciler
        self._admission = admission

    def send(
        self,
        factory: FactoryHandle,
        stored: Stored,
        turn: Turn,
        permit: Permit | None,
        *,
        in_doubt_since: datetime | None,
    ) -> bool:
        """Call createRun, unless the factory may not be called or its run has no place; returns whether it did."""
        if not turn.proven:
            with turn.pilot:
                if turn.needs_a_pilot:
                    return self._send_in_turn(factory, stored, turn, permit, in_doubt_since)
        return self._send_in_turn(factory, stored, turn, permit, in_doubt_since)

    def _send_in_turn(
        self,
        factory: FactoryHandle,
        stored: Stored,
        turn: Turn,
        permit: Permit | None,
        in_doubt_since: datetime | None,
    ) -> bool:
        permit = permit or (turn.budget.permit(Bucket.WRITES) if turn.sending else None)
        if permit is None:
            turn.sending = False
            return False
        with permit:
            return self._send_by(permit, factory, stored, turn, in_doubt_since)

    def _send_by(
        self,
        permit: Permit,
        factory: FactoryHandle,
        stored: Stored,
        turn: Turn,
        in_doubt_since: datetime | None,
    ) -> bool:
        if turn.sending and not turn.asked:
            turn.asked = True  # consulted last: a request that is let through as a probe has to send
            if self._gate.wait_to_send(factory) is not None:
                turn.sending = False
        if not turn.sending:
            return False
        taken = self._admission.lease(stored, others=turn.others_beside(stored.record.places))
        if taken is None:
            return False
        try:
            sent = self._sender.send(
                factory, taken, taken.record.parameters, permit, in_doubt_since=in_doubt_since
            )
        except (Refused, InvalidRequest) as exc:
            turn.proven = True
            self._refused(factory, taken, exc, in_doubt_since, turn)
            return True
        if sent.record.held is not None:
            return True  # which says nothing about other requests
        full = sent.record.waits_for is Waits.PIPELINE
        if full:
            turn.full.add(sent.record.pipeline.lower())
        if full or sent.record.state is RunState.SUBMITTED:
            turn.proven = True
        else:
            turn.sending = False
        return True

    def _refused(
        self,
        factory: FactoryHandle,
        taken: Stored,
        refusal: AdfTriggerError,
        in_doubt_since: datetime | None,
        turn: Turn,
    ) -> None:
        """Handle a refusal: final, unless an earlier call of this request may have started its run."""
        reason = f"Data Factory refused it: {refusal}"
        if in_doubt_since is None:
            turn.ended.append(self._records.reject(taken, reason))
            return
        try:
            run_id = self._reconciler.find(factory, taken.record, turn.budget, turn.sightings)
        except (DataFactoryError, CredentialError) as exc:
            self.ask_later(
                taken, f"{reason}; the outcome of its earlier call cannot be determined now: {exc}"
            )
            return
        if run_id is not None:
            self._records.adopt(taken, run_id)
        elif isinstance(refusal, ResourceNotFound):
            turn.ended.append(self._records.reject(taken, reason))
        elif taken.record.attempts < REFUSED_FOR_GOOD:
            self.ask_later(taken, reason)
        else:
            turn.ended.append(
                self._records.park(taken, f"{reason}; whether an earlier call started it is not known")
            )

    def ask_later(self, stored: Stored, reason: str) -> None:
        """Reconcile it at a later tick, after a wait that grows with its attempts."""
        until = self._clock() + back_off(stored.record.attempts)
        self._records.ask_later(stored, until=until, reason=reason)
