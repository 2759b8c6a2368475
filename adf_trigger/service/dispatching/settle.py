"""Settles doubts: determines the outcome of a createRun without an answer, and acts on it."""

from adf_trigger.clock import Clock
from adf_trigger.errors import CredentialError, DataFactoryError
from adf_trigger.ledger.port import Stored
from adf_trigger.service.admission.start_times import StartTimes
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.dispatching.dispatch_turn import Turn
from adf_trigger.service.dispatching.reconcile import Finding, Reconciler, Verdict
from adf_trigger.service.dispatching.turn_sender import TurnSender
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.recording.records import Records

UNREADABLE_AFTER = 3
"""Maximum consecutive failed reads before the factory is skipped for the rest of a tick."""


class Settler:
    """The dispatcher's part for requests whose createRun got no clear answer.

    Args:
        records: writes the ledger.
        clock: returns the current time.
        gate: says whether a factory may be read now.
        reconciler: determines the outcome of the call.
        sender: sends again what was not started.
        times: until when a request may be started.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        gate: Gate,
        reconciler: Reconciler,
        sender: TurnSender,
        times: StartTimes,
    ) -> None:
        self._records = records
        self._clock = clock
        self._gate = gate
        self._reconciler = reconciler
        self._sender = sender
        self._times = times

    def settle(self, factory: FactoryHandle, stored: Stored, turn: Turn) -> None:
        """Determine the outcome of a call without an answer, and act on it where it is clear."""
        if not self._gate.may_read(factory):
            self._give_up_if_late(factory, stored, turn, "its outcome cannot be determined")
            return
        if turn.failed_looks >= UNREADABLE_AFTER or turn.budget.left <= 0:
            return  # the next tick asks
        try:
            finding = self._reconciler.reconcile(factory, stored.record, turn.budget, turn.sightings)
        except (DataFactoryError, CredentialError) as exc:
            turn.failed_looks += 1
            reason = f"its outcome cannot be determined now: {exc}"
            if not self._give_up_if_late(factory, stored, turn, reason):
                self._sender.ask_later(stored, reason)
            return
        turn.failed_looks = 0
        self._act(factory, stored, finding, turn)

    def _give_up_if_late(self, factory: FactoryHandle, stored: Stored, turn: Turn, reason: str) -> bool:
        """Every request has a deadline, even where Data Factory cannot be asked."""
        if not self._times.is_too_late(stored.record, turn.holds):
            return False
        wait = self._gate.next_try(factory)
        turn.ended.append(self._records.park(stored, reason if wait is None else f"{reason}: {wait.reason}"))
        return True

    def _act(self, factory: FactoryHandle, stored: Stored, finding: Finding, turn: Turn) -> None:
        record = stored.record
        match finding.verdict:
            case Verdict.ADOPT if finding.run_id is not None:
                self._records.adopt(stored, finding.run_id)
            case Verdict.PARK:
                turn.ended.append(self._records.park(stored, finding.reason))
            case Verdict.SEND_AGAIN if record.cancellation is not None:
                turn.ended.append(self._records.cancel(stored))
            case Verdict.UNDETERMINED if self._times.is_too_late(record, turn.holds):
                turn.ended.append(self._records.park(stored, finding.reason))
            case Verdict.SEND_AGAIN if self._times.is_too_late(record, turn.holds):
                turn.ended.append(
                    self._records.reject(stored, f"it could not be started in time: {finding.reason}")
                )
            case Verdict.SEND_AGAIN if (hold := turn.holds.covering(record)) is not None:
                now = self._clock()
                self._records.hold(
                    stored,
                    by=hold.scope.id,
                    since=now,
                    ended=now,
                    reason=f"{hold.in_words}; {finding.reason}",
                    in_doubt_since=record.sent_at,
                )
            case Verdict.SEND_AGAIN if record.secure_parameters:
                self._records.postpone(stored, until=self._clock(), reason=finding.reason)
            case Verdict.SEND_AGAIN if turn.sending and record.pipeline.lower() not in turn.full:
                if not self._sender.send(factory, stored, turn, None, in_doubt_since=record.sent_at):
                    self._sender.ask_later(stored, finding.reason)
            case _:
                self._sender.ask_later(stored, finding.reason)
