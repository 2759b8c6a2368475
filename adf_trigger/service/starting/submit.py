"""Submits a request: checks it, claims it in the ledger, and starts it immediately where possible."""

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime

from adf_trigger.clock import Clock, IdSource
from adf_trigger.contracts import Source
from adf_trigger.errors import (
    AtCapacity,
    InvalidRequest,
    LedgerConflict,
    LedgerError,
    PublishError,
    Refused,
    RequestConflict,
    TooLate,
    TryLater,
)
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import RunRecord, RunState, Waits
from adf_trigger.service.admission.admission import Admission
from adf_trigger.service.callbacks.callbacks import Callbacks
from adf_trigger.service.callbacks.caller import CallbackCaller
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.holds.hold import Hold, Holds
from adf_trigger.service.holds.notes import HoldNotes
from adf_trigger.service.policy import Policies
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.recording import transitions
from adf_trigger.service.recording.records import Records
from adf_trigger.service.starting.backlog import WAITS_FOR_ITS_TURN, Backlog
from adf_trigger.service.starting.check import LEAST_WAIT, Checker
from adf_trigger.service.starting.new_record import new_record
from adf_trigger.service.starting.partitions import Partitions
from adf_trigger.service.starting.repeats import is_repeat
from adf_trigger.service.starting.send import Sender
from adf_trigger.service.starting.waiting_log import log_wait
from adf_trigger.service.submission import Submission

logger = logging.getLogger(__name__)

LONGEST_WAIT = 600.0
"""Maximum Retry-After in seconds of a request whose secrets are not kept."""

HELD_WAIT = 60.0
"""Retry-After in seconds of such a request while it is held: it may be released at any time."""

PUBLISH_WAIT = 5.0
"""Seconds to wait where an earlier rejection is not published yet."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The record of a request.

    Attributes:
        record: as it is now.
        replayed: whether the same request had been made before.
        again_after: seconds after which its caller should send it again, since only the caller has the values of its
            secure parameters; None where it need not.
    """

    record: RunRecord
    replayed: bool
    again_after: float | None = None


class Submitter:
    """Submits requests.

    Args:
        ledger: the run ledger.
        records: writes it.
        clock: returns the current time.
        new_id: makes runIds.
        checker: checks them first.
        sender: calls createRun.
        gate: says whether a factory may be called now.
        holds: the holds of operators.
        backlog: says whether requests wait for their turn, so that new ones wait behind them.
        publisher: publishes a rejection before its key is used again.
        partitions: finds the id under which a request is kept.
        policies: the policy of each pipeline.
        callbacks: keeps callbacks.
        caller: calls back a caller whose run has already ended.
        admission: gives places to those requests that need one.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        clock: Clock,
        new_id: IdSource,
        checker: Checker,
        sender: Sender,
        gate: Gate,
        holds: HoldNotes,
        backlog: Backlog,
        publisher: Publisher,
        partitions: Partitions,
        policies: Policies,
        callbacks: Callbacks,
        caller: CallbackCaller,
        admission: Admission,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._clock = clock
        self._new_id = new_id
        self._checker = checker
        self._sender = sender
        self._gate = gate
        self._holds = holds
        self._backlog = backlog
        self._publisher = publisher
        self._partitions = partitions
        self._policies = policies
        self._callbacks = callbacks
        self._caller = caller
        self._admission = admission
        self._ended_holds: dict[str, Mapping[str, datetime]] = {}
        """The ended holds of each factory behind whose requests new ones are queued already."""

    def submit(self, submission: Submission, *, at_once: bool = True) -> Submitted:
        """Submit a request: once this returns, it is durable.

        It is started immediately where possible. Otherwise, or without `at_once`, the dispatcher starts it; a request
        with secure parameters is started even then, since only its caller has their values.

        A request that was accepted before stays accepted, whatever has happened to its pipeline since. Once claimed, it
        ends as a run, or as Rejected or Unknown with its event.

        Raises:
            InvalidRequest: it can never work; every fault is named.
            Refused: Data Factory refused it, for instance since there is no such pipeline. Where createRun refused it,
                it is recorded as Rejected, too (by queue: recorded and not raised).
            RequestConflict: the key names another request.
            TryLater: it cannot be accepted just now; nothing of it was stored.
            TooLate: it is a message that has waited for too long; nothing of it was stored.
            AtCapacity: the policy's limit of concurrent runs is reached, and it refuses more; nothing was stored.
            LedgerError: the ledger is out of reach; it is not known whether anything was stored.
        """
        submission = self._partitions.placed(submission)
        try:
            definition = self._checker.check(submission)
        except (InvalidRequest, Refused, TryLater):
            earlier = self._ledger.get(submission.factory.id, submission.request_id)
            if earlier is None or not is_repeat(submission, earlier.record):
                raise
            return self._repeated(submission, earlier)
        if definition is not None:
            submission = submission.declared_as(definition)
        record = new_record(submission, definition, self._policies, self._new_id(), self._clock())
        # Before the claim, so that no accepted request lacks it.
        is_kept = self._callbacks.keep(submission, record.digest)
        try:
            return self._take(submission, record, at_once=at_once)
        except (InvalidRequest, Refused, RequestConflict, AtCapacity, TooLate):
            if is_kept:
                self._callbacks.forget(submission)
            raise

    def _take(self, submission: Submission, record: RunRecord, *, at_once: bool) -> Submitted:
        """Claim a request that was checked, and start it where wanted; see submit."""
        record, permit = self._in_line(submission, record, at_once=at_once)
        with permit or nullcontext():
            stored, created = self._claim(submission, record, to_send=permit is not None)
            if created and stored.record.lease_until is not None and permit is not None:
                return self._submitted(self._start(submission, stored, permit), replayed=False)
        if not created:
            return self._repeated(submission, stored)
        log_wait(stored.record)
        if at_once and stored.record.waits_for is None and record.held is None:
            return self._submitted(self._start_if_none_waits(submission, stored), replayed=False)
        return self._submitted(stored.record, replayed=False)

    def _in_line(
        self, submission: Submission, record: RunRecord, *, at_once: bool
    ) -> tuple[RunRecord, Permit | None]:
        """A new record with a permit to start it now; where it is held, or waits for its turn, with the reason."""
        holds = self._holds.of(submission.factory)
        hold = holds.covering(record)
        if hold is not None:
            by, since, reason = hold.scope.id, hold.since, hold.in_words
            return transitions.hold(record, by=by, since=since, ended=since, reason=reason), None
        self._queue_behind_held(submission.factory, holds)
        permit = self._permit(submission, record, at_once=at_once)
        if permit is not None:
            return record, permit
        wait = self._gate.next_try(submission.factory)
        return replace(record, message=WAITS_FOR_ITS_TURN if wait is None else wait.reason), None

    def _queue_behind_held(self, factory: FactoryHandle, holds: Holds) -> None:
        """Begin a backlog if a hold has expired whose requests still wait; a release does so itself."""
        if not holds.ended or holds.ended == self._ended_holds.get(factory.id):
            return
        rows = self._ledger.active(factory.id)
        if any(row.held is not None and row.held.by in holds.ended for row in rows):
            self._backlog.begin(factory)
        self._ended_holds[factory.id] = holds.ended

    def _permit(self, submission: Submission, record: RunRecord, *, at_once: bool) -> Permit | None:
        """A permit to start a new request now; None where it waits for its turn.

        A caller that alone has the values of secure parameters sends them, unless the factory is known to be unusable.
        """
        if record.secure_parameters:
            return self._backlog.demand(submission.factory)
        return self._backlog.permit(submission.factory) if at_once else None

    def _start_if_none_waits(self, submission: Submission, claimed: Stored) -> RunRecord:
        """Start a request that was claimed behind others, if these are gone by now."""
        permit = self._backlog.permit_after_claim(submission.factory)
        if permit is None:
            return claimed.record
        with permit:
            try:
                leased = self._admission.lease(claimed)
            except LedgerConflict:
                return self._present(claimed)  # the timer is processing it
            except LedgerError as exc:
                return self._leave_to_the_timer(claimed, exc)
            return self._present(claimed) if leased is None else self._start(submission, leased, permit)

    def _repeated(self, submission: Submission, stored: Stored) -> Submitted:
        """The record of a request that was made before; one that waited for its secrets is sent."""
        record = stored.record
        submission = submission.spelled_like(record)
        self._callbacks.keep(submission, record.digest)
        if record.ended and submission.request.call_back_uri is not None:
            self._caller.call_now(record)
        waits = record.state is RunState.ACCEPTED and record.waits_for is Waits.CALLER
        hold = self._holds.of(submission.factory).covering(record) if waits else None
        if hold is not None:
            record = self._still_held(stored, hold)
        elif waits and self._gate.wait_to_send(submission.factory) is None:
            with self._backlog.demand(submission.factory) as permit:
                try:
                    leased = self._admission.lease(stored)
                    record = record if leased is None else self._send(submission, leased, permit)
                except LedgerConflict:
                    record = self._present(stored)
        logger.info(
            "Request %s was already accepted",
            record.request_id,
            extra={"action": "request_replayed", "request_id": record.request_id},
        )
        return self._submitted(record, replayed=True)

    def _still_held(self, stored: Stored, hold: Hold) -> RunRecord:
        """A request that waits for its caller, sent again while it is held."""
        if stored.record.held is not None:
            return stored.record  # by that hold, or by one that the timer handles
        now, by, reason = self._clock(), hold.scope.id, hold.in_words
        try:
            return self._records.hold(stored, by=by, since=hold.since, ended=now, reason=reason).record
        except LedgerConflict:
            return self._present(stored)

    def _submitted(self, record: RunRecord, *, replayed: bool) -> Submitted:
        again: float | None = None
        if record.state is RunState.ACCEPTED and record.secure_parameters:
            wait = ((record.not_before or self._clock()) - self._clock()).total_seconds()
            again = min(max(wait, LEAST_WAIT if record.held is None else HELD_WAIT), LONGEST_WAIT)
        return Submitted(record, replayed, again)

    def _claim(self, submission: Submission, record: RunRecord, *, to_send: bool) -> tuple[Stored, bool]:
        """Claim a record; returns the one now in the ledger, and whether it is this one."""
        late = submission.not_after is not None and self._clock() > submission.not_after
        if late and self._ledger.get(record.factory, record.request_id) is None:
            raise TooLate("the ledger was out of reach, and it was not accepted before its start deadline")
        claim = self._admission.claim(record, to_send=to_send)
        earlier = claim.stored.record
        if claim.created:
            return claim.stored, True
        if is_repeat(submission, earlier):
            return claim.stored, False
        if not earlier.rejected:
            raise RequestConflict(
                f"the key {record.request_id} already names another request, made at {earlier.requested_at}"
            )
        if late:
            raise TooLate("its key was rejected, and it was not accepted before its start deadline")
        return self._reclaim(submission, claim.stored, record, to_send=to_send)

    def _reclaim(
        self, submission: Submission, rejected: Stored, record: RunRecord, *, to_send: bool
    ) -> tuple[Stored, bool]:
        """A rejected request has started nothing, so its key may be used again, once its rejection is published."""
        try:
            if rejected.record.state is not RunState.PUBLISHED:
                rejected = self._published(submission, rejected)
            return self._admission.reclaim(rejected, record, to_send=to_send), True
        except LedgerConflict:
            return self._claim(submission, record, to_send=to_send)

    def _published(self, submission: Submission, rejected: Stored) -> Stored:
        record = rejected.record
        reason = (
            f"the rejection of the key {record.request_id} must be published before the key is used again"
        )
        try:
            self._publisher.publish_one(submission.factory, record.request_id)
        except PublishError as exc:
            raise TryLater(f"{reason}: {exc}", retry_after=PUBLISH_WAIT) from exc
        now = self._ledger.get(record.factory, record.request_id)
        if now is None or now.record.state is not RunState.PUBLISHED:
            raise TryLater(reason, retry_after=PUBLISH_WAIT)
        return now

    def _start(self, submission: Submission, leased: Stored, permit: Permit) -> RunRecord:
        wait = self._gate.wait_to_send(submission.factory)
        if wait is None:
            return self._queued(submission, self._send(submission, leased, permit))
        try:
            return self._queued(
                submission, self._records.postpone(leased, until=wait.until, reason=wait.reason).record
            )
        except LedgerConflict:
            return self._present(leased)
        except LedgerError as exc:
            return self._leave_to_the_timer(leased, exc)

    def _queued(self, submission: Submission, record: RunRecord) -> RunRecord:
        """A record that was to be started: where the factory cannot be used, later requests wait behind it."""
        waits = record.state is RunState.ACCEPTED and record.sent_at is None and record.waits_for is None
        if waits and not record.secure_parameters and self._gate.next_try(submission.factory) is not None:
            self._backlog.begin(submission.factory)
        return record

    def _send(self, submission: Submission, leased: Stored, permit: Permit) -> RunRecord:
        try:
            return self._sender.send(submission.factory, leased, submission.request.parameters, permit).record
        except (Refused, InvalidRequest) as exc:
            return self._refused(submission, leased, exc)
        except LedgerConflict:
            return self._present(leased)
        except LedgerError as exc:
            return self._leave_to_the_timer(leased, exc)

    def _refused(
        self, submission: Submission, leased: Stored, refusal: Refused | InvalidRequest
    ) -> RunRecord:
        """End a refused request, with its event: others may have been answered with it meanwhile."""
        try:
            rejected = self._records.reject(leased, f"Data Factory refused it: {refusal}").record
        except LedgerConflict:
            return self._present(leased)
        except LedgerError as exc:
            return self._leave_to_the_timer(leased, exc)
        if submission.source is Source.QUEUE:
            return rejected
        raise refusal

    def _present(self, leased: Stored) -> RunRecord:
        current = self._ledger.get(leased.record.factory, leased.record.request_id)
        return (current or leased).record

    def _leave_to_the_timer(self, leased: Stored, error: LedgerError) -> RunRecord:
        """Leave a claim to the timer, which reconciles it once the lease is over."""
        logger.warning(
            "The outcome of request %s could not be recorded and will be reconciled: %s",
            leased.record.request_id,
            error,
            extra={"action": "outcome_not_recorded", "request_id": leased.record.request_id},
        )
        return leased.record
