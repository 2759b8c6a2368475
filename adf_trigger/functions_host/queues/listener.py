"""Polls one queue for one function, and sees each message to its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from adf_trigger.functions_host.config import HostTimes
from adf_trigger.functions_host.errors import FunctionFailed, LeaseLost, StorageFault
from adf_trigger.functions_host.host_json import QueuesOptions
from adf_trigger.functions_host.queues.backoff import RandomizedBackoff
from adf_trigger.functions_host.queues.encoding import Undecodable, decode
from adf_trigger.functions_host.queues.ports import LeasedMessage, Queue
from adf_trigger.functions_host.queues.renewal import Renewal

Work = Callable[[LeasedMessage, bytes], Awaitable[object]]
"""Runs the function with a message and its decoded body; raises FunctionFailed."""

_POISON_SUFFIX = "-poison"
_LONGEST_NAME = 63
logger = logging.getLogger(__name__)


def poison_name(queue: str) -> str | None:
    """The queue that takes what a queue's function gave up on; None where there is none.

    A poison queue has no poison queue of its own, nor has a queue whose name leaves no room for the suffix.
    """
    name = queue + _POISON_SUFFIX
    return None if queue.endswith(_POISON_SUFFIX) or len(name) > _LONGEST_NAME else name


@dataclass(frozen=True, slots=True)
class QueueTriggerOptions:
    """What governs a listener: host.json's part, the host's times, and the order of a batch (None: as it came)."""

    queues: QueuesOptions
    times: HostTimes
    shuffle: Random | None
    backoff: Random


class QueueListener:
    """The trigger of one function.

    Args:
        queue: what it polls.
        poison: where messages go that were tried maxDequeueCount times, or that cannot be decoded. Without
            one they stay, hidden until their lease runs out, over and over.
        options: see there.
        work: runs the function.
    """

    def __init__(self, queue: Queue, poison: Queue | None, options: QueueTriggerOptions, work: Work) -> None:
        self._queue = queue
        self._poison = poison
        self._options = options.queues
        self._times = options.times
        self._shuffle = options.shuffle
        self._backoff = RandomizedBackoff(
            self._times.polling_floor,
            max(self._times.polling_floor, min(self._times.polling_cap, options.queues.max_polling_interval)),
            options.backoff,
        )
        self._work = work
        self._processing: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Poll until `stop`, then return; messages under way go on."""
        found = False
        while not self._stopping.is_set():
            batch = await self._receive()
            if self._stopping.is_set():
                await self._give_back(batch)
            elif batch:
                found = True
                self._start(batch)
                await self._until_room()
            else:
                await self._pause(self._backoff.next(found=found))
                found = False

    def stop(self) -> None:
        """Take no new messages."""
        self._stopping.set()

    async def drain(self) -> None:
        """Wait for the messages under way."""
        while self._processing:
            await asyncio.wait(self._processing)

    async def abandon(self) -> None:
        """Leave the messages under way to their leases: neither delete nor release them."""
        for task in self._processing:
            task.cancel()
        await asyncio.gather(*self._processing, return_exceptions=True)

    async def _receive(self) -> list[LeasedMessage]:
        try:
            batch = await self._queue.receive(self._options.batch_size, self._times.message_lease)
        except StorageFault as exc:
            self._log(logging.WARNING, "Could not poll %s: %s", "queue_poll_failed", None, exc)
            return []
        if self._shuffle is not None:
            self._shuffle.shuffle(batch)
        return batch

    def _start(self, batch: list[LeasedMessage]) -> None:
        for message in batch:
            task = asyncio.create_task(self._process(message))
            self._processing.add(task)
            task.add_done_callback(self._processing.discard)

    async def _give_back(self, batch: list[LeasedMessage]) -> None:
        """Release what came while the host was told to stop, for another to take."""
        for message in batch:
            with suppress(StorageFault):  # then its lease gives it back
                await self._queue.release(message, 0.0)

    async def _until_room(self) -> None:
        """Wait until no more than newBatchThreshold messages are under way, or until the host stops."""
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while len(self._processing) > self._options.new_batch_threshold and not stopping.done():
                await asyncio.wait({*self._processing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _process(self, message: LeasedMessage) -> None:
        try:
            await self._process_leased(message)
        except LeaseLost as exc:
            self._log(logging.INFO, "No longer ours to finish in %s: %s", "message_taken_over", message, exc)
        except StorageFault as exc:
            self._log(
                logging.ERROR, "Could not finish a message of %s: %s", "message_not_finished", message, exc
            )

    async def _process_leased(self, message: LeasedMessage) -> None:
        if message.dequeue_count > self._options.max_dequeue_count:
            await self._give_up(message, "it was delivered more often than maxDequeueCount")
            return
        try:
            body = decode(message.content, self._options.message_encoding)
        except Undecodable as exc:
            await self._give_up(message, str(exc))
            return
        renewal = Renewal(self._queue, message, self._times.message_lease, self._times.message_renewal_floor)
        try:
            async with renewal:
                await self._work(message, body)
        except FunctionFailed:
            await self._failed(renewal.message)
        else:
            await self._queue.delete(renewal.message)

    async def _failed(self, message: LeasedMessage) -> None:
        if self._poison is None:
            return  # left hidden until its lease runs out: released, it would come back at once, for ever
        if message.dequeue_count >= self._options.max_dequeue_count:
            await self._give_up(message, f"it failed {message.dequeue_count} times")
        else:
            await self._queue.release(message, self._options.visibility_timeout)

    async def _give_up(self, message: LeasedMessage, reason: str) -> None:
        if self._poison is None:
            return
        self._log(
            logging.WARNING, "Moving a message of %s to poison: %s", "message_poisoned", message, reason
        )
        await self._poison.send(message.content)
        await self._queue.delete(message)

    def _log(
        self, level: int, sentence: str, action: str, message: LeasedMessage | None, why: object
    ) -> None:
        extra: dict[str, object] = {"action": action, "queue": self._queue.name}
        if message is not None:
            extra |= {"message_id": message.id, "dequeue_count": message.dequeue_count}
        logger.log(level, sentence, self._queue.name, why, extra=extra)
