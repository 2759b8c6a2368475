"""Messages that are kept with their bytes: rejected ones, and those that wait and fit into no queue.

The port; two adapters, Table storage and memory, keep the same contract.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from adf_trigger.ledger.kept_messages import By, KeptMessage
from adf_trigger.ledger.listing import ListingPage, Question

REJECTED = "rejected"
"""The partition of all kept messages, since of many no factory can be told. No resource id is called so."""


class RejectedMessages(Protocol):
    """Keeps messages. Every method may raise LedgerError; one row that cannot be understood is passed over."""

    def keep(self, message: KeptMessage) -> KeptMessage:
        """Keep a message and give it back, or the one that was kept of it before, unless that was never rejected."""

    def change(self, message: KeptMessage) -> KeptMessage:
        """Keep a message in the place of the one that was read, on condition that this is as it was.

        Raises:
            LedgerConflict: it has changed since, or is gone.
        """

    def get(self, key: str) -> KeptMessage | None:
        """A message by its key; None where there is none."""

    def list(self, *, after: str = "", limit: int) -> Sequence[KeptMessage]:
        """Messages, oldest first, at most `limit`, after a key."""

    def listing(self, question: Question, *, after: str = "", limit: int) -> ListingPage:
        """What a list shows of those that are asked for, newest first, after a place; see LedgerReader."""

    def find(self, given: str, *, but: str | None = None, by: By | None = None) -> KeptMessage | None:
        """The newest message that has an id, its own or its request's.

        One that is in the queue, else one that was not dismissed, else what is left of such a one.

        Args:
            given: the id.
            but: the key of a message that is not meant.
            by: which of its ids it is; None for either.
        """

    def overdue(self, *, before: datetime, limit: int) -> Sequence[KeptMessage]:
        """Messages that were last put into the queue before an instant and still wait there, at most `limit`."""

    def complete_listing(self, *, limit: int) -> bool:
        """Index what an earlier version has kept and not listed, at most `limit` messages; whether that is all.

        Once in each process; then it costs nothing.
        """

    def remove(self, key: str) -> None:
        """Remove a message; one that is not there is no error."""

    def purge(self, *, received_before: datetime, limit: int) -> int:
        """Remove at most `limit` messages that came before an instant, and none that waits; how many were."""


def best_of(messages: Iterable[KeptMessage]) -> KeptMessage | None:
    """The one of several, newest first, that an id means; see `RejectedMessages.find`."""
    best: KeptMessage | None = None
    for message in messages:
        if message.is_on_queue:
            return message
        if best is None or (best.was_dismissed and not message.was_dismissed):
            best = message
    return best
