"""Polls one queue for one function, and sees each message to its end."""

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

    What the platform's host does not survive ends this one: a delete, a release, a renewal or a copy to poison
    that storage refuses, or fails to do to the end of the SDK's tries; a poll that it refuses, or that gets no
    answer. A message or queue that is gone is no such thing, nor is a poll that storage answers with 5xx.

    Args:
        queue: what it polls.
        poison: where messages go that were tried maxDequeueCount times, or that cannot be decoded. Without
            one they stay, hidden until their lease runs out, over and over.
        options: see there.
        work: runs the function.
        crash: ends the host. None for a forgiving one, which logs the fault and goes on.
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
        self._there = False
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
        """Poll until `stop`, then return; messages under way go on."""
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
        """Take no new messages. What a poll under way was given by then stays hidden for the whole lease.

        Args:
            give_back: release it instead.
        """
        self._gives_back = give_back
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

    async def _unless_stopped(self, poll: Coroutine[Any, Any, list[LeasedMessage]]) -> list[LeasedMessage]:
        """What a poll gives; nothing where the host stops first, which breaks the poll off."""
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
        """A batch. A queue that is not there is asked for again and again: nobody makes it but its owner."""
        try:
            self._there = self._there or await self._queue.exists()
            if not self._there:
                logger.debug("There is no queue %s", self._queue.name, extra={"action": "queue_missing"})
                return []
            batch = await self._queue.receive(self._options.batch_size, self._times.message_lease)
        except StorageFault as exc:
            self._there = False
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
            with suppress(StorageFault):  # then its lease gives it back
                await self._queue.release(message, 0.0)

    def _end_host(self, fault: StorageFault) -> None:
        if self._crash is not None:
            self.stop()
            self._crash(fault)

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
            return  # left hidden until its lease runs out: released, it would come back at once, for ever
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
