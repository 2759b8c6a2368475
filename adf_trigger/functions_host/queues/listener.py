"""Polls one queue for one function, and handles each message to its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from adf_trigger.functions_host.common.config import HostTimes
from adf_trigger.functions_host.common.errors import Crash, FunctionFailed, LeaseLost, StorageFault
from adf_trigger.functions_host.common.host_json import QueuesOptions
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
    """The poison queue of a queue; None if it has none.

    Neither a poison queue itself, nor a queue whose name is too long for the suffix, has one.
    """
    name = queue + _POISON_SUFFIX
    return None if queue.endswith(_POISON_SUFFIX) or len(name) > _LONGEST_NAME else name


@dataclass(frozen=True, slots=True)
class QueueTriggerOptions:
    """Options of a listener: of host.json, the host's times, and the shuffling of a batch (None: as received)."""

    queues: QueuesOptions
    times: HostTimes
    shuffle: Random | None
    backoff: Random


class QueueListener:
    """The trigger of one function.

    Faults that end the platform's host end this one: a delete, a release, a renewal or a copy to the poison queue
    that storage refuses, or fails in all of the SDK's tries; a poll that it refuses, or that gets no answer. A
    missing message or queue is no such fault, nor is a poll that storage answers with 5xx.

    Args:
        queue: to poll.
        poison: queue for messages that were tried maxDequeueCount times, or that cannot be decoded. Without
            one they stay in the queue, hidden until their lease expires, again and again.
        options: see QueueTriggerOptions.
        work: runs the function.
        crash: ends the host. None for a forgiving host, which logs the fault and continues.
    """

    def __init__(
        self,
        queue: Queue,
        poison: Queue | None,
        options: QueueTriggerOptions,
        work: Work,
        crash: Crash | None = None,
    ) -> None:
        self._crash = crash
        self._exists = False
        self._gives_back = False
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
        """Poll until `stop`, then return; messages in progress continue."""
        found = False
        while not self._stopping.is_set():
            batch = await self._unless_stopped(self._receive())
            if batch:
                found = True
                self._start(batch)
                await self._until_room()
            elif not self._stopping.is_set():
                await self._pause(self._backoff.next(found=found))
                found = False

    def stop(self, *, give_back: bool = False) -> None:
        """Take no new messages. Messages of a poll in progress stay hidden for the whole lease.

        Args:
            give_back: release them instead.
        """
        self._gives_back = give_back
        self._stopping.set()

    async def drain(self) -> None:
        """Wait for the messages in progress."""
        while self._processing:
            await asyncio.wait(self._processing)

    async def abandon(self) -> None:
        """Cancel the messages in progress, neither deleting nor releasing them: their leases expire."""
        for task in self._processing:
            task.cancel()
        await asyncio.gather(*self._processing, return_exceptions=True)

    async def _unless_stopped(self, poll: Coroutine[Any, Any, list[LeasedMessage]]) -> list[LeasedMessage]:
        """The messages of a poll; none if the host stops first, which cancels the poll."""
        polling = asyncio.create_task(poll)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({polling, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not self._stopping.is_set():
                return polling.result()
            if self._gives_back:
                await self._give_back(await polling)
            return []
        finally:
            stopping.cancel()
            polling.cancel()

    async def _receive(self) -> list[LeasedMessage]:
        """A batch. A missing queue is looked for at every poll: only its owner creates it."""
        try:
            self._exists = self._exists or await self._queue.exists()
            if not self._exists:
                logger.debug(
                    "The queue %s does not exist", self._queue.name, extra={"action": "queue_missing"}
                )
                return []
            batch = await self._queue.receive(self._options.batch_size, self._times.message_lease)
        except StorageFault as exc:
            self._exists = False
            self._log(logging.WARNING, "Could not poll %s: %s", "queue_poll_failed", None, exc)
            if not (isinstance(exc, LeaseLost) or exc.by_the_service):
                self._end_host(exc)
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
        for message in batch:
            with suppress(StorageFault):  # else it is released when its lease expires
                await self._queue.release(message, 0.0)

    def _end_host(self, fault: StorageFault) -> None:
        if self._crash is not None:
            self.stop()
            self._crash(fault)

    async def _until_room(self) -> None:
        """Wait until at most newBatchThreshold messages are in progress, or until the host stops."""
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
            self._log(
                logging.INFO, "Lost a message of %s to another host: %s", "message_taken_over", message, exc
            )
        except StorageFault as exc:
            self._log(
                logging.ERROR, "Could not finish a message of %s: %s", "message_not_finished", message, exc
            )
            self._end_host(exc)

    async def _process_leased(self, message: LeasedMessage) -> None:
        if message.dequeue_count > self._options.max_dequeue_count:
            most = self._options.max_dequeue_count
            await self._give_up(message, f"message has exceeded MaxDequeueCount of {most}")
            return
        try:
            body = decode(message.content, self._options.message_encoding)
        except Undecodable as exc:
            await self._give_up(message, str(exc))
            return
        renewal = Renewal(
            self._queue,
            message,
            self._times.message_lease,
            self._times.message_renewal_floor,
            self._end_host if self._crash is not None else None,
        )
        try:
            async with renewal:
                await self._work(message, body)
        except FunctionFailed:
            await self._failed(renewal.message)
        else:
            await self._queue.delete(renewal.message)

    async def _failed(self, message: LeasedMessage) -> None:
        if self._poison is None:
            return  # left hidden until its lease expires: if released, it would be delivered again immediately, forever
        if message.dequeue_count >= self._options.max_dequeue_count:
            most = self._options.max_dequeue_count
            await self._give_up(message, f"message has reached MaxDequeueCount of {most}")
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
