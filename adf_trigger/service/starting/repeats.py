"""Decides whether a request repeats the earlier one of its key, and is answered with its record."""

from datetime import timedelta

from adf_trigger.contracts import Source
from adf_trigger.ledger.records import RunRecord, RunState, Waits
from adf_trigger.service.news.notify import is_rejection
from adf_trigger.service.submission import Submission

CLOCKS_APART = timedelta(seconds=10)
"""Maximum difference between storage's clock and ours, the time of putting a message back included."""


def is_repeat(submission: Submission, earlier: RunRecord) -> bool:
    """Whether a request is answered with the record of its key."""
    if not submission.asks_for(earlier):
        return False
    return not earlier.rejected or _is_answered_by(submission, earlier)


def _is_answered_by(submission: Submission, rejected: RunRecord) -> bool:
    """Whether an equal message is answered with its rejection, and starts no new attempt.

    It counts as the same message as long as the rejection is not published; and later, if it was put into the queue
    before the rejection, and the request waited for it or it was delivered before. A message that was put later is a
    new one, and so is one that was sent again after this very rejection.
    """
    if submission.source is not Source.QUEUE:
        return False
    if submission.sent_again is not None and is_rejection(rejected, submission.sent_again):
        return False
    if rejected.state is RunState.ENDED:
        return True
    message = submission.message
    if message is None or not (rejected.waits_for is Waits.CALLER or message.was_delivered_before):
        return False
    return message.put_at <= (rejected.ended_at or rejected.requested_at) + CLOCKS_APART
