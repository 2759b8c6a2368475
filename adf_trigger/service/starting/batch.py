"""Submits a batch of requests: each independently, in order; the dispatcher starts them."""

import logging
import time
from collections.abc import Callable, Sequence

from adf_trigger.errors import AdfTriggerError, InvalidRequest, LedgerError, TryLater
from adf_trigger.service.starting.submit import Submitted, Submitter
from adf_trigger.service.submission import Submission

logger = logging.getLogger(__name__)

SUBMITTING_SECONDS = 60.0
"""Seconds after which no further request of a batch is submitted: its caller waits, for 230 seconds at most."""

OUT_OF_TIME_WAIT = 5.0
LEDGER_FAULTS = 3
"""Consecutive ledger failures after which the rest of a batch is given up."""

BatchOutcome = Submitted | AdfTriggerError
"""The outcome of a request: its record, or why it was not accepted."""


class BatchStarter:
    """Submits batches.

    Args:
        submitter: submits each request.
        seconds: a monotonic clock.
    """

    def __init__(self, submitter: Submitter, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._submitter = submitter
        self._seconds = seconds

    def start(self, submissions: Sequence[Submission | AdfTriggerError]) -> list[BatchOutcome]:
        """Submit each request; a failure of one does not affect the others.

        Args:
            submissions: the requests; an error in the place of one that could not be decoded.
        """
        over = self._seconds() + SUBMITTING_SECONDS
        results: list[BatchOutcome] = []
        failed = 0
        for submission in submissions:
            if isinstance(submission, AdfTriggerError):
                results.append(submission)
                continue
            if failed >= LEDGER_FAULTS:
                results.append(LedgerError("the ledger is out of reach; this request was not accepted"))
                continue
            if self._seconds() >= over:
                results.append(
                    TryLater(
                        "the time of the batch is up; this request was not accepted",
                        retry_after=OUT_OF_TIME_WAIT,
                    )
                )
                continue
            outcome = self._submit(submission)
            failed = failed + 1 if isinstance(outcome, LedgerError) else 0
            results.append(outcome)
        refused = sum(isinstance(each, AdfTriggerError) for each in results)
        logger.info(
            "Accepted %d of %d requests of a batch",
            len(results) - refused,
            len(results),
            extra={"action": "batch_taken", "taken": len(results) - refused, "refused": refused},
        )
        return results

    def _submit(self, submission: Submission) -> BatchOutcome:
        try:
            return self._submitter.submit(submission, at_once=False)
        except AdfTriggerError as exc:
            if not isinstance(exc, InvalidRequest):
                logger.info(
                    "Request %s of a batch was not accepted: %s",
                    submission.request_id,
                    exc,
                    extra={
                        "action": "not_taken",
                        "request_id": submission.request_id,
                        "error": type(exc).__name__,
                    },
                )
            return exc
