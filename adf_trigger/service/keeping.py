"""Messages that are kept in the ledger while they wait, since they fit into no queue."""

import hashlib
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError, LedgerError
from adf_trigger.ledger.rejected import KeptMessage, RejectedMessages
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.texts import Reference
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.secrets import Secrets
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

COMES_BACK_WITHIN = timedelta(hours=1)
"""A message that is put back comes again well within that time, unless the queue is long."""

MOST_WAITS = 10_000
"""Messages that wait, of which a process knows that they do."""

_BEGINNING = datetime.fromtimestamp(0, tz=UTC)


class NotKept(AdfTriggerError):
    """A message cannot wait: it fits into no queue, and its secrets are not kept."""


class TooLate(AdfTriggerError):
    """A message could not be taken for as long as a request may wait to be started."""


class Keeping:
    """Keeps messages that wait.

    Args:
        messages: where they are kept.
        secrets: takes out of them what is not kept.
        clock: gives the present instant.
        steps: surrounds each effect.
        deadline: how long a message may wait to be taken.
    """

    def __init__(
        self, messages: RejectedMessages, secrets: Secrets, clock: Clock, steps: Steps, *, deadline: timedelta
    ) -> None:
        self._deadline = deadline
        self._over_after = max(COMES_BACK_WITHIN, deadline / 4)
        self._waits: dict[str, str] = {}
        self._messages = messages
        self._secrets = secrets
        self._clock = clock
        self._steps = steps

    def without_secrets(
        self, message: Message, factory: FactoryHandle | None
    ) -> tuple[bytes, tuple[str, ...]]:
        """See Secrets.out_of."""
        return self._secrets.out_of(message, factory)

    def keep(self, message: Message, factory: FactoryHandle | None, reason: str) -> Reference:
        """Keep a message that does not fit into its queue; the reference that is put there in its place.

        Raises:
            NotKept: it has secrets, which are not written down.
            LedgerError: the ledger is out of reach.
        """
        body, names = self._secrets.out_of(message, factory)
        if names:
            raise NotKept(
                "it has to wait, and fits with its id into no queue; the values of "
                f"{', '.join(names)} are not kept: give messages a requestId ({reason})"
            )
        kept = KeptMessage(
            factory=factory.id if factory else "",
            name=message.id,
            request_id=message.request_id,
            message_id=message.id,
            pipeline=message.pipeline,
            body=body,
            reason=reason,
            attempts=message.attempts,
            received_at=message.inserted_at,
            rejected_at=self._clock(),
            waiting=True,
        )
        with self._steps("rejected.keep_aside"):
            self._messages.keep(kept)
        return Reference(kept.key, kept.request_id)

    def kept(self, reference: Reference) -> KeptMessage | None:
        """What a reference stands for: a message that waits, or one whose rejection is still to be told.

        None where it is not kept any more.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        return self._messages.get(reference.key)

    def reference_to(self, message: Message) -> Reference | None:
        """A reference to the record of a rejected message; None where it has none.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        kept = self._messages.find(message.id)
        return None if kept is None or kept.message_id != message.id else Reference(kept.key, kept.request_id)

    def too_late(self, message: Message, factory: FactoryHandle | None, reason: str) -> TooLate | None:
        """Why a message is not put back once more, though it cannot be taken now; None where it is.

        When it was first put is kept, since a message that is put back has a time of its own. A wait that has not
        been heard of for long is over: the same message was taken since, and has come anew.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        name, now = _wait_of(message, factory), self._clock()
        wait = self._messages.find(name, waiting=True)
        if wait is None or now - wait.rejected_at > self._over_after:
            wait = KeptMessage(
                factory=factory.id if factory else "",
                name=name,
                request_id=name,
                message_id=name,
                body=b"",
                reason=reason,
                received_at=message.inserted_at if message.inserted_at > _BEGINNING else now,
                rejected_at=now,
                waiting=True,
            )
        with self._steps("rejected.keep_wait"):
            self._messages.keep(replace(wait, rejected_at=now, reason=reason))
        if len(self._waits) < MOST_WAITS:
            self._waits[name] = wait.key
        if now - wait.received_at < self._deadline:
            return None
        hours = self._deadline.total_seconds() / 3600
        return TooLate(
            f"it was put at {wait.received_at:%Y-%m-%dT%H:%M:%SZ} and waited {hours:g} h: {reason}"
        )

    def done_with(self, message: Message, factory: FactoryHandle | None) -> None:
        """Forget the wait of a message, where this process knows of one; what is left of others is purged."""
        key = self._waits.pop(_wait_of(message, factory), None) if self._waits else None
        if key is not None:
            self.remove(Reference(key, message.request_id))

    @staticmethod
    def message_of(kept: KeptMessage, reference: Reference, came_as: Message) -> Message:
        """The message that is kept, as it comes now."""
        return Message.decode(
            kept.body,
            message_id=came_as.id,
            attempts=came_as.attempts,
            inserted_at=came_as.inserted_at,
            key=reference.request_id,
        )

    def remove(self, reference: Reference) -> None:
        """Keep a message no longer, which is done with. Where that fails it is seen as waiting until it is purged."""
        try:
            with self._steps("rejected.remove"):
                self._messages.remove(reference.key)
        except LedgerError as exc:
            logger.warning(
                "A message that was taken could not be removed from where it was kept: %s",
                exc,
                extra={"action": "kept_message_not_removed", "request_id": reference.request_id},
            )

    def purge(self, *, before: datetime, limit: int) -> int:
        """Remove at most `limit` messages that came before an instant, rejected ones among them; how many were."""
        with self._steps("rejected.purge"):
            return self._messages.purge(received_before=before, limit=limit)


def _wait_of(message: Message, factory: FactoryHandle | None) -> str:
    """Names the wait of a message: the same whether its key has been put into it or not."""
    asked = {name: value for name, value in message.document.items() if name != "requestId"}
    place = factory.id.lower() if factory else ""
    text = json.dumps([place, message.request_id, asked], sort_keys=True)
    return f"wait:{hashlib.sha256(text.encode()).hexdigest()}"
