"""Keeps messages in the ledger while they wait, if they do not fit into a queue message."""

import logging
from datetime import datetime

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError, LedgerConflict, LedgerError
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.rejected import RejectedMessages
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.texts import Reference
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.intake.secret_remover import SecretRemover
from adf_trigger.service.optimistic import TRIES
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

LISTED_AT_ONCE = 50
"""Messages of earlier versions that a tick reads to list them; each may have 64 KiB."""


class NotKept(AdfTriggerError):
    """A message cannot wait: it does not fit into a queue message, and its secrets are not kept."""


class Keeper:
    """Keeps messages that wait.

    Args:
        messages: where they are kept.
        secrets: removes secrets before messages are kept.
        clock: returns the current time.
        steps: surrounds each effect.
    """

    def __init__(
        self, messages: RejectedMessages, secrets: SecretRemover, clock: Clock, steps: Steps
    ) -> None:
        self._messages = messages
        self._secrets = secrets
        self._clock = clock
        self._steps = steps
        self._all_listed = False

    def without_secrets(
        self, message: Message, factory: FactoryHandle | None
    ) -> tuple[bytes, tuple[str, ...]]:
        """See SecretRemover.out_of."""
        return self._secrets.out_of(message, factory)

    def keep(self, message: Message, factory: FactoryHandle | None, reason: str) -> Reference:
        """Keep a message that does not fit into its queue; returns the reference that takes its place there.

        Raises:
            NotKept: it has secrets, which are not stored.
            LedgerError: the ledger is out of reach.
        """
        body, names = self._secrets.out_of(message, factory)
        if message.call_back_uri is not None:
            names = (*names, "callBackUri")
        if names:
            raise NotKept(
                "it has to wait, and does not fit into a queue message with its id; the values of "
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

    def was_rejected(self, reference: Reference) -> bool:
        """Whether the message of a reference was rejected and is not kept any more.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        return self._messages.find(reference.request_id) is not None

    def kept(self, reference: Reference) -> KeptMessage | None:
        """The kept message of a reference; None where it is not kept any more.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        return self._messages.get(reference.key)

    def reference_to(self, message: Message) -> Reference | None:
        """A reference to the record of a rejected message whose event is not sent yet; None where it has no record.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        kept = self._messages.find(message.id)
        if kept is None or kept.message_id != message.id:
            return None
        return Reference(kept.key, kept.request_id, news_only=True)

    @staticmethod
    def message_of(kept: KeptMessage, reference: Reference, came_as: Message) -> Message:
        """The message that is kept, with the id and the attempts of its present delivery."""
        return Message.decode(
            kept.body,
            message_id=came_as.id,
            attempts=came_as.attempts,
            inserted_at=came_as.inserted_at,
            waits_since=came_as.waits_since,
            key=reference.request_id,
        )

    def remove_accepted(self, kept: KeptMessage, reference: Reference) -> None:
        """Remove a kept message that was accepted; of one that was sent again, the ids remain.

        Where that fails, it is later processed as an overdue message.
        """
        try:
            with self._steps("rejected.remove"):
                if kept.is_aside:
                    self._messages.remove(kept.key)
                else:
                    self._reduce_to_ids(kept)
        except LedgerError as exc:
            logger.warning(
                "A kept message that was accepted could not be removed: %s",
                exc,
                extra={"action": "kept_message_not_removed", "request_id": reference.request_id},
            )

    def _reduce_to_ids(self, kept: KeptMessage) -> None:
        """Reduce a message to its ids, in its latest version: the process that sent it may be updating it."""
        now: KeptMessage | None = kept
        for _ in range(TRIES):
            if now is None or now.was_taken or now.was_dismissed:
                return
            try:
                self._messages.change(now.taken(self._clock()))
            except LedgerConflict:
                now = self._messages.get(kept.key)
            else:
                return
        raise LedgerError("others keep changing it")

    def complete_listing(self) -> None:
        """Index messages that an earlier version kept and did not list: LISTED_AT_ONCE per call, once per process."""
        if not self._all_listed:
            with self._steps("rejected.list"):
                self._all_listed = self._messages.complete_listing(limit=LISTED_AT_ONCE)

    def purge(self, *, before: datetime, limit: int) -> int:
        """Remove at most `limit` messages that came before an instant and wait for nothing; returns how many."""
        with self._steps("rejected.purge"):
            return self._messages.purge(received_before=before, limit=limit)
