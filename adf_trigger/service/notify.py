"""Tells of a message that never became a run: in the rejected queue for a person, by an event for its sender."""

import logging
from dataclasses import dataclass
from datetime import datetime

from adf_trigger.clock import Clock
from adf_trigger.contracts import (
    CompletionEvent,
    EventData,
    ProblemFault,
    RejectedMessage,
    RunLinks,
    RunStatus,
)
from adf_trigger.errors import Fault
from adf_trigger.events.outbox import Outbox
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

NOWHERE = "/"
"""The source's factory where a message names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A message that cannot work.

    Attributes:
        request_id: what the event names: the idempotency key, or the message's id.
        message_id: the queue's id of the message.
        text: the message as it came.
        reason: one sentence.
        faults: all that is wrong with it.
        attempts: deliveries so far.
        inserted_at: when the message was put into the queue.
        factory: resource id, where it can be told.
        alias: of that factory.
        pipeline: name, where it can be told.
    """

    request_id: str
    message_id: str
    text: str
    reason: str
    faults: tuple[Fault, ...] = ()
    attempts: int
    inserted_at: datetime
    factory: str = ""
    alias: str = ""
    pipeline: str = ""


class Refuse:
    """Tells of refusals.

    Args:
        outbox: where they go.
        clock: tells the time.
        steps: surrounds each effect.
    """

    def __init__(self, outbox: Outbox, clock: Clock, steps: Steps) -> None:
        self._outbox = outbox
        self._clock = clock
        self._steps = steps

    def __call__(self, refusal: Refusal) -> None:
        """Write the message to the rejected queue, then the event. Both may be written twice.

        Raises:
            PublishError: one of them could not be written; the message must be kept.
        """
        with self._steps("notify.rejected"):
            self._outbox.reject(self._rejected(refusal))
        with self._steps("notify.event"):
            self._outbox.publish(_event(refusal))
        logger.warning(
            "Message %s is refused: %s",
            refusal.message_id,
            refusal.reason,
            extra={
                "action": "message_refused",
                "message_id": refusal.message_id,
                "request_id": refusal.request_id,
                "faults": len(refusal.faults),
            },
        )

    def _rejected(self, refusal: Refusal) -> RejectedMessage:
        return RejectedMessage(
            request_id=refusal.request_id,
            message_id=refusal.message_id,
            message=refusal.text,
            reason=refusal.reason,
            errors=[ProblemFault(pointer=fault.pointer, message=fault.message) for fault in refusal.faults],
            attempts=refusal.attempts,
            rejected_at=self._clock(),
        )


def _event(refusal: Refusal) -> CompletionEvent:
    told = "; ".join([refusal.reason, *(f"{fault.pointer}: {fault.message}" for fault in refusal.faults)])
    return CompletionEvent(
        id=f"{refusal.request_id}/{RunStatus.REJECTED}",
        source=f"{refusal.factory}/pipelines/{refusal.pipeline}" if refusal.factory else NOWHERE,
        subject=refusal.request_id,
        type=f"dev.adf-trigger.run.{RunStatus.REJECTED.lower()}",
        time=refusal.inserted_at,
        data=EventData(
            request_id=refusal.request_id,
            factory=refusal.alias,
            pipeline=refusal.pipeline,
            status=RunStatus.REJECTED,
            requested_at=refusal.inserted_at,
            ended_at=refusal.inserted_at,
            message=told,
            links=RunLinks(self=""),
        ),
    )
