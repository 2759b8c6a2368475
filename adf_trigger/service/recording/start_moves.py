"""The moves of a record until its run is started, or it ends without one: part of `records.Records` only."""

import logging
from datetime import datetime
from uuid import UUID

from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import RunRecord, RunState, Waits
from adf_trigger.service.recording import transitions
from adf_trigger.service.recording.move_writer import MoveWriter
from adf_trigger.service.recording.steering_moves import log_cancelled

logger = logging.getLogger(__name__)


class StartMoves(MoveWriter):
    """Moves around createRun. Every method may raise LedgerError; after a LedgerConflict nothing is written."""

    def lease_to_send(self, stored: Stored) -> Stored:
        """Lease a request to this process, which is about to call createRun."""
        leased = transitions.lease_to_send(stored.record, now=self._clock(), lease=self._lease)
        return self._save("records.lease_to_send", stored, leased)

    def submit(self, leased: Stored, run_id: UUID) -> Stored:
        """Record the run that createRun has returned."""
        record = leased.record
        saved = self._save_beside_mark(
            "records.submit",
            leased,
            lambda record: transitions.submit(record, run_id=run_id, now=self._clock()),
        )
        logger.info(
            "Started run %s of %s for request %s",
            run_id,
            record.pipeline,
            record.request_id,
            extra={
                "action": "run_started",
                "request_id": record.request_id,
                "run_id": str(run_id),
                "pipeline": record.pipeline,
                "attempt": record.attempts,
            },
        )
        return saved

    def postpone(
        self,
        leased: Stored,
        *,
        until: datetime,
        reason: str,
        in_doubt_since: datetime | None = None,
        waits_for: Waits | None = None,
    ) -> Stored:
        """Record that this attempt has started no run, and that the next one is due at `until`.

        A request that is to be cancelled ends instead.
        """

        def move(record: RunRecord) -> RunRecord:
            if record.cancellation is not None and in_doubt_since is None:
                return transitions.cancel(record, now=self._clock())
            return transitions.postpone(
                transitions.unheld(record, until=self._clock()),
                until=until,
                in_doubt_since=in_doubt_since,
                reason=reason,
                waits_for=waits_for,
            )

        saved = self._save_beside_mark("records.postpone", leased, move)
        moved = saved.record
        if moved.state is RunState.ENDED:
            log_cancelled(moved)
            return saved
        logger.warning(
            "Postponed request %s until %s: %s",
            moved.request_id,
            until,
            reason,
            extra={
                "action": "request_postponed",
                "request_id": moved.request_id,
                "until": until.isoformat(),
            },
        )
        return saved

    def doubt(self, leased: Stored, *, until: datetime, answer: str) -> Stored:
        """Record that createRun got no clear answer, and that its outcome is to be reconciled at `until`."""
        reason = f"no clear answer yet: {answer}"
        saved = self._save_beside_mark(
            "records.doubt",
            leased,
            lambda record: transitions.doubt(
                record, until=until, reason=reason, left_by=self._clock(), answer=answer
            ),
        )
        moved = saved.record
        logger.warning(
            "createRun for request %s got no clear answer; the outcome will be reconciled",
            moved.request_id,
            extra={
                "action": "outcome_unknown",
                "request_id": moved.request_id,
                "run_id": str(moved.run_id),
            },
        )
        return saved

    def ask_later(self, stored: Stored, *, until: datetime, reason: str) -> Stored:
        """Record that a request is still in doubt, and that it is to be reconciled again at `until`."""
        left_by = min(self._clock(), transitions.left_by(stored.record) or self._clock())
        record = transitions.unheld(stored.record, until=self._clock())
        moved = transitions.doubt(record, until=until, reason=reason, left_by=left_by)
        return self._save("records.ask_later", stored, moved)

    def adopt(self, stored: Stored, run_id: UUID) -> Stored:
        """Record the run that was found to have been started by a call without an answer."""
        moved = transitions.adopt(stored.record, run_id=run_id, now=self._clock())
        saved = self._save("records.adopt", stored, moved)
        logger.info(
            "Found run %s, which was started for request %s",
            run_id,
            moved.request_id,
            extra={"action": "run_adopted", "request_id": moved.request_id, "run_id": str(run_id)},
        )
        return saved

    def reject(self, stored: Stored, reason: str) -> Stored:
        """Record that a request was not started, and will not be."""
        saved = self._save_beside_mark(
            "records.reject",
            stored,
            lambda record: transitions.reject(record, reason=reason, now=self._clock()),
        )
        moved = saved.record
        logger.warning(
            "Rejected request %s: %s",
            moved.request_id,
            reason,
            extra={"action": "request_rejected", "request_id": moved.request_id},
        )
        return saved

    def park(self, stored: Stored, reason: str) -> Stored:
        """Record that the outcome of a request cannot be determined, so that a person has to decide."""
        moved = transitions.park(stored.record, reason=reason, now=self._clock())
        saved = self._save("records.park", stored, moved)
        logger.error(
            "The outcome of request %s cannot be determined: %s",
            moved.request_id,
            reason,
            extra={"action": "request_parked", "request_id": moved.request_id},
        )
        return saved

    def hand_over(self, stored: Stored) -> Stored:
        """Leave a started run to the monitor, so that the dispatcher need not read its record at every tick."""
        return self._save("records.hand_over", stored, transitions.hand_over(stored.record))
