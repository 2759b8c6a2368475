"""Recovers messages that have waited longer than any message of the requests queue can: their references are lost.

A reference may be deleted by hand, expire, or be dropped by a host that gave up on it.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerConflict, UnreadableRow
from adf_trigger.events.outbox import Outbox
from adf_trigger.ledger.kept_messages import OF_A_RECORD, KeptMessage
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord
from adf_trigger.ledger.rejected import RejectedMessages
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.texts import Reference
from adf_trigger.messages.waiting import LIFE, life_left
from adf_trigger.service.intake.replay import became_request
from adf_trigger.service.news.notify import is_rejection
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

MARGIN = timedelta(hours=1)
"""How much longer than the start deadline a message may wait before its reference in the queue counts as lost."""

AT_ONCE = 20
"""Maximum messages per round; each may have 64 KiB."""


class OverdueMessageWatcher:
    """Puts lost references into the queue again.

    Args:
        messages: where they are kept.
        ledger: holds the requests that they became.
        places: returns the resource ids of the factories whose requests are searched.
        outbox: writes to the requests queue.
        clock: returns the current time.
        steps: surrounds each effect.
        deadline: how long a message may wait to be accepted.
    """

    def __init__(
        self,
        messages: RejectedMessages,
        ledger: LedgerReader,
        places: Callable[[], Sequence[str]],
        outbox: Outbox,
        clock: Clock,
        steps: Steps,
        *,
        deadline: timedelta,
    ) -> None:
        self._messages = messages
        self._ledger = ledger
        self._places = places
        self._outbox = outbox
        self._clock = clock
        self._steps = steps
        self._after = deadline + MARGIN

    def look(self) -> bool:
        """Process overdue messages, at most AT_ONCE; returns whether these were all.

        Raises:
            LedgerError: the ledger is out of reach.
            PublishError: the queue is out of reach.
        """
        overdue = self._messages.overdue(before=self._clock() - self._after, limit=AT_ONCE)
        for kept in overdue:
            try:
                self._recover(kept)
            except LedgerConflict:
                continue  # it has just been accepted, or sent again
            except UnreadableRow as exc:
                _log(f"Message %s has waited too long, and cannot be processed: {type(exc).__name__}", kept)
        return len(overdue) < AT_ONCE

    def _recover(self, kept: KeptMessage) -> None:
        record = self._record_of(kept)
        later = self._messages.find(kept.request_id, but=kept.key)
        if kept.is_aside:
            self._recover_aside(kept, record, later)
        elif not kept.masked:
            self._send_reference(kept, Reference(kept.key, kept.request_id, replay=True), LIFE)
            self._mark(kept.sent_again(self._clock()))
        elif became_request(kept, record, later):
            with self._steps("rejected.remove"):
                self._messages.change(kept.taken(self._clock()))
        else:
            with self._steps("rejected.return"):
                self._messages.change(kept.returned(self._clock()))
            _log("Message %s was sent again and never accepted: it is shown as rejected", kept)

    def _recover_aside(self, kept: KeptMessage, record: RunRecord | None, later: KeptMessage | None) -> None:
        """Recover a message that may not have been rejected: it may have been processed as a copy, or under its own id.

        Earlier versions wrote the same state for a message that was sent again after its rejection.
        """
        ended = record is not None and not is_rejection(record, kept)
        if ended or later is not None or self._was_taken_as_another(kept):
            with self._steps("rejected.remove"):
                self._messages.remove(kept.key)
            return
        now = self._clock()
        if kept.name.startswith(OF_A_RECORD):
            self._send_reference(kept, Reference(kept.key, kept.request_id, replay=True), LIFE)
        else:
            self._send_reference(kept, Reference(kept.key, kept.request_id), life_left(kept.received_at, now))
        self._mark(kept.sent_again(now))

    def _send_reference(self, kept: KeptMessage, reference: Reference, life: timedelta) -> None:
        """Put a reference into the queue again: however often it is there, its message is processed once."""
        with self._steps("rejected.remind"):
            self._outbox.put_back(reference.as_text(), delay=0, life=life)
        _log("Put a reference to message %s into the requests queue again: the earlier one was lost", kept)

    def _mark(self, sent: KeptMessage) -> None:
        with self._steps("rejected.mark_sent"):
            self._messages.change(sent)

    def _record_of(self, kept: KeptMessage) -> RunRecord | None:
        places = [kept.factory] if kept.factory else self._places()
        found = (self._ledger.get(place, kept.request_id) for place in places)
        return next((stored.record for stored in found if stored is not None), None)

    def _was_taken_as_another(self, kept: KeptMessage) -> bool:
        digest = Message.decode(
            kept.body, message_id=kept.message_id, attempts=kept.attempts, inserted_at=kept.received_at
        ).digest
        places = [kept.factory] if kept.factory else self._places()
        found = (
            stored.record for place in places for stored in self._ledger.by_message_digest(place, digest)
        )
        return any(not is_rejection(record, kept) for record in found)


def _log(sentence: str, kept: KeptMessage) -> None:
    logger.warning(
        sentence,
        kept.message_id,
        extra={
            "action": "message_overdue",
            "message_id": kept.message_id,
            "request_id": kept.request_id,
        },
    )
