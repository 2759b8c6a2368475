"""Takes a request: has it checked, claims it in the ledger, and starts it at once where that can be done."""

import logging
from dataclasses import dataclass
from datetime import datetime

from adf_trigger.clock import Clock, IdSource
from adf_trigger.contracts import RunStatus, Source
from adf_trigger.errors import (
    InvalidRequest,
    LedgerConflict,
    LedgerError,
    Refused,
    RequestConflict,
    TryLater,
)
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.service.check import Checker
from adf_trigger.service.definitions import Definition
from adf_trigger.service.records import Records
from adf_trigger.service.send import Sender
from adf_trigger.service.submission import Submission

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The record of a request, and whether the same request had come before."""

    record: RunRecord
    replayed: bool


class Submitter:
    """Takes requests.

    Args:
        ledger: the run ledger.
        records: writes it.
        clock: gives the present instant.
        new_id: makes runIds.
        checker: checks requests against what pipelines declare.
        sender: calls createRun.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        clock: Clock,
        new_id: IdSource,
        checker: Checker,
        sender: Sender,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._clock = clock
        self._new_id = new_id
        self._checker = checker
        self._sender = sender

    def submit(self, submission: Submission) -> Submitted:
        """Take a request: from the return on it is durable.

        One that has been taken before stays taken, whatever has become of its pipeline since.

        Raises:
            InvalidRequest: it can never work; every fault is named.
            Refused: Data Factory refused it, for instance since there is no such pipeline; the key is free again
                (by queue, where createRun refused it: recorded as Rejected instead).
            RequestConflict: the key names another request.
            TryLater: it cannot be taken just now; nothing was kept of it.
            LedgerError: the ledger is out of reach; nothing is known to have been kept.
        """
        try:
            definition = self._checker.check(submission)
        except (InvalidRequest, Refused, TryLater):
            earlier = self._ledger.get(submission.factory.id, submission.request_id)
            if earlier is None or _was_rejected(earlier.record) or not submission.asks_for(earlier.record):
                raise
            return _replayed(earlier.record)
        stored, created = self._claim(submission, self._record(submission, definition))
        if not created:
            return _replayed(stored.record)
        return Submitted(self._start(submission, stored), replayed=False)

    def _record(self, submission: Submission, definition: Definition | None) -> RunRecord:
        request = submission.request
        secure = definition.secure_among(request.parameters) if definition else ()
        return RunRecord(
            factory=submission.factory.id,
            request_id=submission.request_id,
            pipeline=submission.pipeline,
            digest=submission.digest(secure),
            run_id=self._new_id(),
            state=RunState.ACCEPTED,
            status=RunStatus.ACCEPTED,
            requested_at=self._clock(),
            parameters={name: value for name, value in request.parameters.items() if name not in secure},
            secure_parameters=secure,
            rerun=request.rerun,
            correlation_id=request.correlation_id,
            metadata=dict(request.metadata),
            requested_by=submission.requested_by,
            source=submission.source,
        )

    def _claim(self, submission: Submission, record: RunRecord) -> tuple[Stored, bool]:
        """The record now in the ledger, and whether it is this one."""
        claim = self._records.claim(record)
        earlier = claim.stored.record
        if claim.created:
            return claim.stored, True
        if _was_rejected(earlier):
            return self._reclaim(submission, claim.stored, record)
        if not submission.asks_for(earlier):
            raise RequestConflict(
                f"the key {record.request_id} already names another request, made at {earlier.requested_at}"
            )
        return claim.stored, False

    def _reclaim(self, submission: Submission, rejected: Stored, record: RunRecord) -> tuple[Stored, bool]:
        """A rejected request has started nothing, so its key may be used again."""
        try:
            return self._records.reclaim(rejected, record), True
        except LedgerConflict:
            return self._claim(submission, record)

    def _start(self, submission: Submission, taken: Stored) -> RunRecord:
        until = self._sender.throttled_until(submission.factory)
        try:
            if until is not None:
                started = self._wait(taken, until)
            else:
                started = self._sender.send(submission.factory, taken, submission.request.parameters)
        except Refused as exc:
            return self._rejected(submission, taken, exc)
        except LedgerConflict:
            return self._present(taken)
        except LedgerError as exc:
            return self._left_to_the_timer(taken, exc)
        return self._keep_or_let_go(started)

    def _wait(self, taken: Stored, until: datetime) -> Stored:
        reason = "Data Factory is throttling this service"
        return self._records.postpone(taken, until=until, reason=reason)

    def _rejected(self, submission: Submission, taken: Stored, refusal: Refused) -> RunRecord:
        if submission.source is Source.QUEUE:
            return self._records.reject(taken, f"Data Factory refused it: {refusal}").record
        self._records.release(taken)
        raise refusal

    def _present(self, taken: Stored) -> RunRecord:
        current = self._ledger.get(taken.record.factory, taken.record.request_id)
        return (current or taken).record

    def _left_to_the_timer(self, taken: Stored, error: LedgerError) -> RunRecord:
        """The claim stands and the lease runs out: the timer finds out what became of it."""
        logger.warning(
            "The outcome of request %s could not be recorded and will be reconciled: %s",
            taken.record.request_id,
            error,
            extra={"action": "outcome_not_recorded", "request_id": taken.record.request_id},
        )
        return taken.record

    def _keep_or_let_go(self, stored: Stored) -> RunRecord:
        """A request that waits is kept, unless it cannot be sent later since its secrets are not kept."""
        record = stored.record
        waits = record.state is RunState.ACCEPTED and record.sent_at is None
        if not waits or not record.secure_parameters:
            return record
        self._records.release(stored)
        wait = (record.not_before or self._clock()) - self._clock()
        raise TryLater(
            "it cannot be started just now, and a request with secure parameters is not kept for later: "
            f"{record.message}",
            retry_after=max(1.0, wait.total_seconds()),
        )


def _was_rejected(record: RunRecord) -> bool:
    return record.state is RunState.PUBLISHED and record.status == RunStatus.REJECTED


def _replayed(record: RunRecord) -> Submitted:
    logger.info(
        "Request %s is a repeat of an earlier one",
        record.request_id,
        extra={"action": "request_replayed", "request_id": record.request_id},
    )
    return Submitted(record, replayed=True)
