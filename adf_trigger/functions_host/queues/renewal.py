"""Keeps a message hidden while a function handles it."""

import asyncio
import logging
from types import TracebackType
from typing import Self

from adf_trigger.functions_host.common.errors import Crash, LeaseLost, StorageFault
from adf_trigger.functions_host.queues.ports import LeasedMessage, Queue

logger = logging.getLogger(__name__)


class Renewal:
    """Renews a message's lease at half of its time, from entry to exit; `message` has the latest receipt.

    Exit waits for a renewal in progress, so that a delete then uses the latest receipt. A lost lease is not renewed
    again, and the function is not stopped: the platform does neither. Any other fault ends the host, unless it is
    forgiving; then the renewal is retried.

    Args:
        queue: of the message.
        message: as received.
        lease: seconds.
        floor: shortest pause in seconds before a failed renewal is retried.
        crash: ends the host; None for a forgiving host.
    """

    def __init__(
        self, queue: Queue, message: LeasedMessage, lease: float, floor: float, crash: Crash | None
    ) -> None:
        self.message = message
        self._queue = queue
        self._lease = lease
        self._floor = floor
        self._crash = crash
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start renewing."""
        self._task = asyncio.create_task(self._renew())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, after a renewal in progress."""
        self._ended.set()
        if self._task is not None:
            await self._task

    async def _renew(self) -> None:
        pause = self._lease / 2
        while not await self._over_within(pause):
            try:
                self.message = await self._queue.renew(self.message, self._lease)
            except LeaseLost as exc:
                self._log("Lost the lease of message %s: %s", "message_lease_lost", exc)
                return
            except StorageFault as exc:
                self._log("Could not renew the lease of message %s: %s", "message_renewal_failed", exc)
                if self._crash is not None:
                    self._crash(exc)
                    return
                pause = max(pause / 2, min(self._floor, self._lease / 2))
            else:
                pause = self._lease / 2

    async def _over_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _log(self, sentence: str, action: str, fault: StorageFault) -> None:
        extra = {"action": action, "queue": self._queue.name, "message_id": self.message.id}
        logger.warning(sentence, self.message.id, fault, extra=extra)
