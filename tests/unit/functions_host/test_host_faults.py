"""Faults that end the platform's host: each row was observed on it, with storage failing in that way."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from adf_trigger.functions_host.common.config import HostTimes
from adf_trigger.functions_host.common.errors import FunctionFailed, LeaseLost, StorageFault
from adf_trigger.functions_host.common.host_json import QueuesOptions
from adf_trigger.functions_host.queues.listener import QueueListener, QueueTriggerOptions
from adf_trigger.functions_host.queues.ports import LeasedMessage
from tests.unit.functions_host.doubles import MemoryQueue, in_virtual_time

REFUSED, BROKEN, SILENT = (StorageFault("no", status=status) for status in (403, 500, None))
GONE = LeaseLost("gone", status=404)
LEASE = HostTimes().message_lease
Work = Callable[[LeasedMessage, bytes], Awaitable[None]]


@dataclass
class Host:
    """A host with one queue function: its calls, when it ended, and the queues."""

    queue: MemoryQueue = field(default_factory=MemoryQueue)
    poison: MemoryQueue = field(default_factory=lambda: MemoryQueue("orders-poison"))
    forgiving: bool = False
    seen: list[int] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    def run(self, work: Work, *, seconds: float) -> None:
        """Let it work until it ends by itself, or for some virtual time."""
        crashed = asyncio.Event()

        def crash(_: StorageFault) -> None:
            self.ended.append(asyncio.get_running_loop().time())
            crashed.set()

        async def noted(message: LeasedMessage, body: bytes) -> None:
            self.seen.append(message.dequeue_count)
            await work(message, body)

        async def main() -> None:
            plain = QueuesOptions(message_encoding="none")
            options = QueueTriggerOptions(plain, HostTimes(), None, Random(7))  # noqa: S311 - a spread
            listener = QueueListener(
                self.queue, self.poison, options, noted, None if self.forgiving else crash
            )
            running = asyncio.create_task(listener.run())
            try:
                await asyncio.wait_for(crashed.wait(), seconds)
            except TimeoutError:
                listener.stop()
            await listener.abandon()
            await running

        in_virtual_time(main)


async def succeed(_: LeasedMessage, __: bytes) -> None:
    """A function that returns immediately."""


async def fail(_: LeasedMessage, __: bytes) -> None:
    """A function that always fails."""
    raise FunctionFailed("no")


async def last(_: LeasedMessage, __: bytes) -> None:
    """A function that takes longer than half of the lease."""
    await asyncio.sleep(0.6 * LEASE)


@pytest.mark.parametrize(
    ("operation", "fault", "work", "ends"),
    [
        pytest.param("delete", REFUSED, succeed, True, id="delete 403"),
        pytest.param("delete", BROKEN, succeed, True, id="delete 500"),
        pytest.param("delete", GONE, succeed, False, id="delete 404"),
        pytest.param("release", REFUSED, fail, True, id="release 403"),
        pytest.param("release", BROKEN, fail, True, id="release 503"),
        pytest.param("release", GONE, fail, False, id="release 404"),
        pytest.param("renew", REFUSED, last, True, id="renewal 403"),
        pytest.param("renew", BROKEN, last, True, id="renewal 500"),
        pytest.param("renew", GONE, last, False, id="renewal 404"),
        pytest.param("receive", REFUSED, succeed, True, id="get 403"),
        pytest.param("receive", SILENT, succeed, True, id="get, connection dropped"),
        pytest.param("receive", BROKEN, succeed, False, id="get 500"),
        pytest.param("receive", GONE, succeed, False, id="get 404"),
        pytest.param("exists", REFUSED, succeed, True, id="metadata 403"),
        pytest.param("exists", BROKEN, succeed, False, id="metadata 503"),
    ],
)
def test_a_fault_of_storage_ends_the_host_or_does_not(
    operation: str, fault: StorageFault, work: Work, *, ends: bool
) -> None:
    """Rejected, or failed after the SDK's tries, it ends the host immediately; a missing message does not."""
    host = Host()
    host.queue.faults[operation] = [fault]
    host.queue.put("work")
    host.run(work, seconds=0.8 * LEASE)
    assert bool(host.ended) is ends


@pytest.mark.parametrize("fault", [REFUSED, StorageFault("no", status=400), BROKEN, SILENT])
def test_a_failed_copy_to_poison_ends_the_host_and_the_next_delivery_skips_the_function(
    fault: StorageFault,
) -> None:
    """The message stays, hidden for its lease; delivered a sixth time it does not reach the function."""
    host = Host()
    host.poison.faults["send"] = [fault]
    message = host.queue.stored[host.queue.put("bad")]
    message.dequeue_count = 4
    host.run(fail, seconds=LEASE)
    assert (host.seen, len(host.ended), host.poison.contents) == ([5], 1, [])
    assert message.visible_at >= LEASE
    message.visible_at = 0.0
    successor = Host(queue=host.queue, poison=host.poison)
    successor.run(succeed, seconds=30)
    assert (successor.seen, host.queue.contents, host.poison.contents) == ([], [], ["bad"])


@pytest.mark.parametrize("operation", ["delete", "release", "renew", "receive"])
def test_a_forgiving_host_continues(operation: str) -> None:
    """For development: the fault is logged, and the message is delivered again once its lease is over."""
    host = Host(forgiving=True)
    host.queue.faults[operation] = [REFUSED]
    host.queue.put("work")
    host.run(fail if operation == "release" else last, seconds=3 * LEASE)
    assert host.ended == []
    assert host.queue.contents == [] or operation == "release"
    assert host.seen


def test_other_messages_of_an_ended_host_stay_hidden_for_their_lease() -> None:
    """A rejected delete cancels the other functions; none of their messages is released."""
    host = Host()
    host.queue.faults["delete"] = [REFUSED]
    for number in range(3):
        host.queue.put(str(number))

    async def work(_: LeasedMessage, body: bytes) -> None:
        await asyncio.sleep(1 if body == b"0" else 1000)

    host.run(work, seconds=LEASE)
    assert len(host.ended) == 1
    assert all(stored.visible_at > LEASE - 10 for stored in host.queue.stored.values())
    assert host.queue.times("release") == []


def test_a_queue_is_never_created_and_polled_until_it_exists() -> None:
    """Its absence ends nothing; messages of a queue created later are processed."""
    host = Host()
    host.queue.there = False
    host.queue.put("patient")
    host.run(succeed, seconds=60)
    assert (host.seen, host.queue.times("receive")) == ([], [])
    assert len(host.queue.times("exists")) > 20
    host.queue.there = True
    host.run(succeed, seconds=60)
    assert (host.seen, host.ended) == ([1], [])


def test_messages_of_a_poll_at_the_stop_stay_hidden() -> None:
    """The poll is cancelled: its messages are hidden for the whole lease, lose a delivery, and never ran."""
    host = Host()
    host.queue.slow["receive"] = 10.0
    host.queue.put("unlucky")
    host.run(succeed, seconds=5)
    (stored,) = host.queue.stored.values()
    assert stored.visible_at == pytest.approx(LEASE)
    assert (stored.dequeue_count, host.seen) == (1, [])
