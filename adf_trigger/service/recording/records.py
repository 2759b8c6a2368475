"""The only writer of the run ledger.

Each move of a record is one method: the transition, a conditional write inside a named step, and its log line.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.port import Claim, Cursor, Ledger, Stored
from adf_trigger.ledger.records import RunRecord, RunState, Waits
from adf_trigger.results import RouteDelivery
from adf_trigger.service.recording import steered_transitions, transitions
from adf_trigger.service.recording.place_moves import PlaceMoves
from adf_trigger.service.recording.run_end import RunEnd
from adf_trigger.service.recording.steering_moves import SteeringMoves, log_cancelled
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

MOST_FORMER_RUNS = 20
"""RunIds of a rejected request that go over to the next one of its key: a transaction has room for 100 rows."""


class Records(SteeringMoves, PlaceMoves):
    """Writes the records of requests. Every method may raise LedgerError; after a LedgerConflict nothing is written.

    Args:
        ledger: the run ledger.
        clock: gives the present instant.
        steps: surrounds each write.
        lease: how long one process may hold a record, to send its request or its event.
    """

    def __init__(self, ledger: Ledger, clock: Clock, steps: Steps, *, lease: timedelta) -> None:
        self._ledger = ledger
        self._clock = clock
        self._steps = steps
        self._lease = lease

    def claim(self, record: RunRecord, *, to_send: bool = True, places: KeptPlaces | None = None) -> Claim:
        """Insert a new request, or find the earlier one of the same key.

        Args:
            record: the request.
            to_send: whether it is leased to its sender; else it waits for its turn.
            places: as they shall be together with it.

        Raises:
            InvalidRequest: it is too large to keep.
        """
        taken = self._leased(record) if to_send else record
        with self._steps("records.claim"):
            return self._ledger.claim(taken, places)

    def reclaim(
        self,
        rejected: Stored,
        record: RunRecord,
        *,
        to_send: bool = True,
        places: KeptPlaces | None = None,
    ) -> Stored:
        """Put a new request in the place of a rejected one of the same key; see claim.

        Runs that somebody has named as the earlier one's stay the key's: no other request is to have them.

        Raises:
            InvalidRequest: it is too large to keep.
        """
        earlier = rejected.record
        counted = replace(
            record,
            rejections=earlier.rejections + 1,
            unknowns=earlier.unknowns,
            former_run_ids=earlier.run_ids[-MOST_FORMER_RUNS:] if earlier.unknowns else (),
            history=earlier.history + record.history,
        )
        taken = self._leased(counted) if to_send else counted
        with self._steps("records.reclaim"):
            return self._ledger.reclaim(rejected, taken, places)

    def _leased(self, record: RunRecord) -> RunRecord:
        return transitions.lease_to_send(record, now=self._clock(), lease=self._lease)

    def lease_to_send(self, stored: Stored) -> Stored:
        """Lease a request to this process, which is about to call createRun."""
        leased = transitions.lease_to_send(stored.record, now=self._clock(), lease=self._lease)
        return self._save("records.lease_to_send", stored, leased)

    def submit(self, leased: Stored, run_id: UUID) -> Stored:
        """Record the run that createRun has answered with."""
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
        """Record that this attempt has started nothing, and that the next one is due at `until`.

        Where it is to be cancelled, there is no next one: it ends.
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
        """Record the run that a call without an answer has been found to have started."""
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

    def lose(self, stored: Stored, reason: str) -> Stored:
        """Record that how a run ends cannot be determined, leased to this process, which sends the event."""
        moved = transitions.lose(stored.record, reason=reason, now=self._clock(), lease=self._lease)
        saved = self._save("records.lose", stored, moved)
        logger.error(
            "How run %s of request %s has ended cannot be determined: %s",
            moved.run_id,
            moved.request_id,
            reason,
            extra={"action": "run_lost", "run_id": str(moved.run_id), "request_id": moved.request_id},
        )
        return saved

    def hand_over(self, stored: Stored) -> Stored:
        """Leave a started run to the monitor, so that the dispatcher need not read its record at every tick."""
        return self._save("records.hand_over", stored, transitions.hand_over(stored.record))

    def see(self, stored: Stored, *, status: str, started_at: datetime | None) -> Stored:
        """Record that Data Factory has shown the run, and that it has not ended."""
        moved = transitions.see(stored.record, status=status, started_at=started_at, now=self._clock())
        return self._save("records.see", stored, moved)

    def overdue(self, stored: Stored, event_id: str, *, status: str, started_at: datetime | None) -> Stored:
        """Record that a run was published as overdue, and have it cancelled where that was asked for."""
        moved = transitions.overdue(stored.record, status=status, started_at=started_at, now=self._clock())
        saved = self._save("records.overdue", stored, moved)
        logger.warning(
            "Run %s of request %s is overdue: it is %s since %s",
            moved.run_id,
            moved.request_id,
            moved.status,
            moved.submitted_at,
            extra={
                "action": "run_overdue",
                "run_id": str(moved.run_id),
                "request_id": moved.request_id,
                "event_id": event_id,
                "cancels": moved.cancellation is not None,
            },
        )
        return saved

    def look(self, stored: Stored) -> Stored:
        """Note that a reader is about to have Data Factory asked for the run."""
        return self._save("records.look", stored, transitions.look(stored.record, now=self._clock()))

    def miss(self, stored: Stored) -> Stored:
        """Record that Data Factory has no such run, since now or since an earlier look."""
        return self._save("records.miss", stored, transitions.miss(stored.record, now=self._clock()))

    def end(self, stored: Stored, end: RunEnd) -> Stored:
        """Record how the run has ended in Data Factory, leased to this process, which sends the event."""
        moved = transitions.end(stored.record, end, now=self._clock(), lease=self._lease)
        saved = self._save("records.end", stored, moved)
        logger.info(
            "Run %s of %s has ended: %s",
            moved.run_id,
            moved.pipeline,
            moved.status,
            extra={
                "action": "run_ended",
                "run_id": str(moved.run_id),
                "request_id": moved.request_id,
                "status": moved.status,
                "failed_activities": None if end.errors is None else len(end.errors),
            },
        )
        return saved

    def observe(self, record: RunRecord, end: RunEnd) -> Claim:
        """Claim a run of others and record how it has ended, in one transaction, or find who has it.

        It is leased to this process, which sends the event.

        Raises:
            LedgerConflict: another request has the run.
            InvalidRequest: it cannot be kept.
        """
        moved = transitions.observe(record, end, now=self._clock(), lease=self._lease)
        with self._steps("records.observe"):
            claim = self._ledger.claim(moved)
        if claim.created:
            logger.info(
                "Run %s of %s, which others have started, has ended: %s",
                moved.run_id,
                moved.pipeline,
                moved.status,
                extra={
                    "action": "run_observed",
                    "run_id": str(moved.run_id),
                    "request_id": moved.request_id,
                    "status": moved.status,
                },
            )
        return claim

    def lease_to_publish(self, stored: Stored) -> Stored:
        """Lease a record to this process, which is about to send its event."""
        leased = transitions.lease_to_publish(stored.record, now=self._clock(), lease=self._lease)
        return self._save("records.lease_to_publish", stored, leased)

    def publish(self, leased: Stored, event_id: str, routes: Sequence[RouteDelivery] = ()) -> Stored:
        """Record that the event of a record has been sent, and what has become of it along routes so far."""
        published = transitions.publish(leased.record, now=self._clock(), routes=routes)
        saved = self._save("records.publish", leased, published)
        logger.info(
            "Published %s",
            event_id,
            extra={
                "action": "event_published",
                "event_id": event_id,
                "request_id": saved.record.request_id,
            },
        )
        return saved

    def route(self, stored: Stored, routes: Sequence[RouteDelivery]) -> Stored:
        """Record what more has become of the news of a record along routes."""
        return self._save("records.route", stored, transitions.route(stored.record, routes=routes))

    def remove_places(self, factory: str, kept: KeptPlaces) -> None:
        """Remove the row of places that nobody has and nobody waits for."""
        with self._steps("records.remove_places"):
            self._ledger.remove_places(factory, kept)

    def save_cursor(self, factory: str, cursor: Cursor) -> None:
        """Save the cursor of a factory's polls."""
        with self._steps("records.save_cursor"):
            self._ledger.save_cursor(factory, cursor)

    def purge(self, factory: str, *, before: datetime, limit: int) -> int:
        """Remove at most `limit` records that were published before an instant; how many were."""
        with self._steps("records.purge"):
            return self._ledger.purge(factory, published_before=before, limit=limit)

    def _save(self, step: str, stored: Stored, moved: RunRecord, places: KeptPlaces | None = None) -> Stored:
        with self._steps(step):
            return self._ledger.save(stored, moved, places)

    def _save_beside_mark(self, step: str, leased: Stored, move: Callable[[RunRecord], RunRecord]) -> Stored:
        """Record what the holder of the lease has found out, also where somebody has asked to cancel meanwhile."""
        try:
            return self._save(step, leased, move(leased.record))
        except LedgerConflict:
            present = self._ledger.get(leased.record.factory, leased.record.request_id)
            if present is None or not steered_transitions.is_only_marked(leased.record, present.record):
                raise
            return self._save(step, present, move(present.record))
