"""The moves of a record that a person has ordered, with who ordered them: part of `records.Records` only."""

import logging
from datetime import datetime
from uuid import UUID

from adf_trigger.contracts import HistoryEntry
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.service.recording import moves, steered_transitions, transitions
from adf_trigger.service.recording.move_writer import MoveWriter

logger = logging.getLogger(__name__)


class SteeringMoves(MoveWriter):
    """Moves that a person makes. Every method may raise LedgerError; after a LedgerConflict nothing is written."""

    def cancel(self, stored: Stored, entry: HistoryEntry | None = None) -> Stored:
        """Record that a request was cancelled before it was started, so that it never is.

        Args:
            stored: the request.
            entry: who did it; None where its history already says so.
        """
        moved = _noted(transitions.cancel(stored.record, now=self._clock()), entry)
        saved = self._save("records.cancel", stored, moved)
        log_cancelled(moved)
        return saved

    def ask_cancel(self, stored: Stored, entry: HistoryEntry, *, recursive: bool) -> Stored:
        """Record that a run, or one that may have been started, is to be cancelled, and who ordered that."""
        moved = steered_transitions.ask_cancel(stored.record, recursive=recursive, now=self._clock())
        saved = self._save("records.ask_cancel", stored, _noted(moved, entry))
        logger.info(
            "Request %s is to be cancelled",
            moved.request_id,
            extra={"action": "cancel_asked", "request_id": moved.request_id, "recursive": recursive},
        )
        return saved

    def confirm_cancel(self, stored: Stored) -> Stored:
        """Record that Data Factory has accepted the cancellation of a run."""
        moved = steered_transitions.confirm_cancel(stored.record)
        saved = self._save("records.confirm_cancel", stored, moved)
        logger.info(
            "Data Factory has accepted the cancellation of run %s of request %s",
            moved.run_id,
            moved.request_id,
            extra={"action": "cancel_taken", "request_id": moved.request_id, "run_id": str(moved.run_id)},
        )
        return saved

    def cancel_later(self, stored: Stored, *, until: datetime, reason: str) -> Stored:
        """Record that the cancellation of a run is to be retried at `until`, and why it has not succeeded yet."""
        moved = steered_transitions.cancel_later(stored.record, until=until, reason=reason)
        saved = self._save("records.cancel_later", stored, moved)
        logger.warning(
            "The cancellation of run %s of request %s is postponed: %s",
            moved.run_id,
            moved.request_id,
            reason,
            extra={
                "action": "cancel_postponed",
                "request_id": moved.request_id,
                "run_id": str(moved.run_id),
                "until": until.isoformat(),
            },
        )
        return saved

    def refuse_cancel(self, stored: Stored, entry: HistoryEntry) -> Stored:
        """Record that Data Factory has refused to cancel a run, with its reason; the run continues."""
        moved = _noted(steered_transitions.refuse_cancel(stored.record), entry)
        saved = self._save("records.refuse_cancel", stored, moved)
        logger.warning(
            "Data Factory refuses to cancel run %s of request %s: %s",
            moved.run_id,
            moved.request_id,
            entry.note,
            extra={"action": "cancel_refused", "request_id": moved.request_id, "run_id": str(moved.run_id)},
        )
        return saved

    def hold(
        self,
        stored: Stored,
        *,
        by: str,
        since: datetime,
        ended: datetime,
        reason: str,
        in_doubt_since: datetime | None = None,
    ) -> Stored:
        """Record that a request is held by an operator; see `transitions.hold`. One that is to be cancelled ends."""

        def move(record: RunRecord) -> RunRecord:
            if record.cancellation is not None and in_doubt_since is None:
                return transitions.cancel(record, now=self._clock())
            return transitions.hold(
                record, by=by, since=since, ended=ended, reason=reason, in_doubt_since=in_doubt_since
            )

        saved = self._save_beside_mark("records.hold", stored, move)
        moved = saved.record
        if moved.state is RunState.ENDED:
            log_cancelled(moved)
            return saved
        logger.info(
            "Request %s is held: %s",
            moved.request_id,
            reason,
            extra={"action": "request_held", "request_id": moved.request_id, "hold": by},
        )
        return saved

    def unhold(self, stored: Stored, *, ended: datetime, in_line: str) -> Stored:
        """Record that a request is no longer held, but waits for something else: its deadline continues."""
        return self._save(
            "records.unhold", stored, transitions.unhold(stored.record, until=ended, in_line=in_line)
        )

    def take_over(self, stored: Stored, run_id: UUID, entry: HistoryEntry) -> Stored:
        """Record which run a person has assigned to a request whose outcome was unknown.

        Raises:
            LedgerConflict: another request owns that run.
        """
        moved = _noted(steered_transitions.take_over(stored.record, run_id=run_id, now=self._clock()), entry)
        saved = self._save("records.take_over", stored, moved)
        logger.info(
            "Adopted run %s for request %s, as decided by a person",
            run_id,
            moved.request_id,
            extra={"action": "run_taken_over", "request_id": moved.request_id, "run_id": str(run_id)},
        )
        return saved

    def resubmit(self, stored: Stored, entry: HistoryEntry) -> Stored:
        """Record that a person has resubmitted a request whose outcome was unknown."""
        moved = _noted(steered_transitions.resubmit(stored.record, now=self._clock()), entry)
        saved = self._save("records.resubmit", stored, moved)
        logger.warning(
            "Request %s is sent again, as decided by a person",
            moved.request_id,
            extra={"action": "request_resubmitted", "request_id": moved.request_id},
        )
        return saved

    def dismiss(self, stored: Stored, entry: HistoryEntry) -> Stored:
        """Record that a person has dismissed a request whose outcome is unknown."""
        moved = _noted(steered_transitions.dismiss(stored.record), entry)
        saved = self._save("records.dismiss", stored, moved)
        logger.info(
            "Request %s is dismissed, as decided by a person",
            moved.request_id,
            extra={"action": "request_dismissed", "request_id": moved.request_id},
        )
        return saved

    def note(self, stored: Stored, entry: HistoryEntry, *, reruns: int = 0) -> Stored:
        """Record what a person has done about a run that has ended, and how often it has been rerun."""
        moved = _noted(steered_transitions.note(stored.record, reruns=reruns), entry)
        saved = self._save("records.note", stored, moved)
        logger.info(
            "Added to the history of request %s: %s",
            moved.request_id,
            entry.action if entry.note is None else f"{entry.action}: {entry.note}",
            extra={"action": "run_noted", "request_id": moved.request_id, "done": entry.action},
        )
        return saved


def log_cancelled(record: RunRecord) -> None:
    """Log that a request has ended before it was started."""
    logger.info(
        "Request %s was cancelled before it was started",
        record.request_id,
        extra={"action": "request_cancelled", "request_id": record.request_id},
    )


def _noted(record: RunRecord, entry: HistoryEntry | None) -> RunRecord:
    return record if entry is None else moves.noted(record, entry)
