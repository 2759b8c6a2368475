"""The lease of a queue message: hides it from other consumers while it is being handled."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

logger = logging.getLogger(__name__)

_RENEWALS_A_LEASE = 3
_GONE = frozenset({400, 404, 409})
"""Answers to an outdated pop receipt: the message was deleted, or another consumer has received it."""


class Lease:
    """Hides a message for a period, and renews it every third of the period in its own thread.

    A short period is better than one long invisibility: after the death of a consumer its message is delivered again
    after one period, not after the longest handling time.

    Args:
        queue: of the message.
        message: as received.
        seconds: the period.
        longest: seconds after which the lease is no longer renewed, whatever the handler does.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        queue: QueueClient,
        message: QueueMessage,
        *,
        seconds: int,
        longest: float,
        clock: Callable[[], float],
    ) -> None:
        self._queue = queue
        self._id = str(message.id)
        self._receipt = str(message.pop_receipt)
        self._seconds = seconds
        self._clock = clock
        self._until = clock() + longest
        self._lost = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease of {self._id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def delete(self) -> None:
        """Delete the message. If that fails, it is delivered again, and recognised as a repeat."""
        self._end()
        if not self._lost:
            self._try("delete_message", lambda: self._queue.delete_message(self._id, self._receipt))

    def give_back(self, delay: float = 0) -> None:
        """Make the message visible again after `delay` seconds."""
        self._end()
        if not self._lost:
            self._try("update_message", lambda: self._hide(round(delay)))

    def _end(self) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def _renew(self) -> None:
        while not self._done.wait(self._seconds / _RENEWALS_A_LEASE):
            if self._lost or self._clock() >= self._until:
                return
            self._try("update_message", lambda: self._hide(self._seconds))

    def _hide(self, seconds: int) -> None:
        # By id, not as a message: the latter would encode its text again.
        self._receipt = str(
            self._queue.update_message(self._id, self._receipt, visibility_timeout=seconds).pop_receipt
        )

    def _try(self, what: str, call: Callable[[], object]) -> None:
        try:
            call()
        except ResourceNotFoundError as exc:
            self._lose(what, exc)
        except AzureError as exc:
            if getattr(exc, "status_code", None) in _GONE:
                self._lose(what, exc)
            else:
                logger.warning(
                    "%s failed for the message %s: %s",
                    what,
                    self._id,
                    type(exc).__name__,
                    extra={"action": "event_lease_trouble", "message_id": self._id},
                )

    def _lose(self, what: str, error: AzureError) -> None:
        self._lost = True
        logger.warning(
            "The lease of message %s was lost: %s at %s; it may be handled twice",
            self._id,
            type(error).__name__,
            what,
            extra={"action": "event_lease_lost", "message_id": self._id},
        )
