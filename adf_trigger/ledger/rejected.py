"""Messages that are stored with their bytes: rejected ones, and waiting ones that do not fit into a queue.

The port; two adapters, Table storage and memory, keep the same contract.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from adf_trigger.ledger.kept_messages import By, KeptMessage
from adf_trigger.ledger.listing import ListingPage, Question

REJECTED = "rejected"
"""The partition of all stored messages, since the factory of many is not known. It is not a resource id."""


class RejectedMessages(Protocol):
    """Stores messages. Every method may raise LedgerError; a row that cannot be decoded is skipped."""

    def keep(self, message: KeptMessage) -> KeptMessage:
        """Store a message; returns it, or its earlier stored version, unless that was never rejected."""

    def change(self, message: KeptMessage) -> KeptMessage:
        """Replace a stored message, on condition that it is unchanged since it was read.

        Raises:
            LedgerConflict: it has changed since, or no longer exists.
        """

    def get(self, key: str) -> KeptMessage | None:
        """A message by its key; None if there is none."""

    def list(self, *, after: str = "", limit: int) -> Sequence[KeptMessage]:
        """Messages, oldest first, at most `limit`, after a key."""

    def listing(self, question: Question, *, after: str = "", limit: int) -> ListingPage:
        """The entries of a list, newest first, after a place; see LedgerReader."""

    def find(self, given: str, *, but: str | None = None, by: By | None = None) -> KeptMessage | None:
        """The newest message that has an id, its own or its request's.

        Prefers one that is in the queue, then one that was not dismissed, then the remainder of a dismissed one.

        Args:
            given: the id.
            but: the key of a message to leave out.
            by: which of its ids is given; None for either.
        """

    def overdue(self, *, before: datetime, limit: int) -> Sequence[KeptMessage]:
        """Messages that were last put into the queue before a time and still wait there, at most `limit`."""

    def complete_listing(self, *, limit: int) -> bool:
        """Index messages of earlier versions that have no index yet, at most `limit`; returns whether these were all.

        Once in each process; then it costs nothing.
        """

    def remove(self, key: str) -> None:
        """Remove a message, if it exists."""

    def purge(self, *, received_before: datetime, limit: int) -> int:
        """Remove at most `limit` messages received before a time, except waiting ones; returns how many were."""


def best_of(messages: Iterable[KeptMessage]) -> KeptMessage | None:
    """The best match of several, newest first; see `RejectedMessages.find`."""
    best: KeptMessage | None = None
    for message in messages:
        if message.is_on_queue:
            return message
        if best is None or (best.was_dismissed and not message.was_dismissed):
            best = message
    return best
