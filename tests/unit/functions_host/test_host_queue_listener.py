"""The queue trigger on a memory queue, in virtual time."""

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.functions_host.common.config import HostTimes
from adf_trigger.functions_host.common.errors import FunctionFailed, StorageFault
from adf_trigger.functions_host.common.host_json import QueuesOptions
from adf_trigger.functions_host.queues.backoff import RandomizedBackoff
from adf_trigger.functions_host.queues.encoding import Undecodable, decode
from adf_trigger.functions_host.queues.listener import QueueListener, QueueTriggerOptions, poison_name
from adf_trigger.functions_host.queues.ports import LeasedMessage
from tests.unit.functions_host.doubles import MemoryQueue, in_virtual_time

PLAIN = QueuesOptions(message_encoding="none")
LEASE = HostTimes().message_lease


@dataclass
class Bench:
    """A listener on memory queues, and the calls of its function."""

    queue: MemoryQueue = field(default_factory=MemoryQueue)
    poison: MemoryQueue | None = field(default_factory=lambda: MemoryQueue("orders-poison"))
    options: QueuesOptions = PLAIN
    shuffle: Random | None = None
    seen: list[tuple[str, int]] = field(default_factory=list)

    def run(self, work: Callable[[LeasedMessage, bytes], Awaitable[object]], *, seconds: float) -> None:
        """Let the listener work for some virtual time, then stop and drain it."""

        async def noted(message: LeasedMessage, body: bytes) -> None:
            self.seen.append((body.decode(), message.dequeue_count))
            await work(message, body)

        async def main() -> None:
            options = QueueTriggerOptions(self.options, HostTimes(), self.shuffle, Random(7))  # noqa: S311 - a spread
            listener = QueueListener(self.queue, self.poison, options, noted)
            running = asyncio.create_task(listener.run())
            await asyncio.sleep(seconds)
            listener.stop()
            await running
            await listener.drain()

        in_virtual_time(main)


async def succeed(_: LeasedMessage, __: bytes) -> None:
    """A function that returns immediately."""


async def fail(_: LeasedMessage, __: bytes) -> None:
    """A function that always fails."""
    raise FunctionFailed("no")


def taking(seconds: float) -> Callable[[LeasedMessage, bytes], Awaitable[object]]:
    """A function that takes some time."""

    async def work(_: LeasedMessage, __: bytes) -> None:
        await asyncio.sleep(seconds)

    return work


def test_a_message_is_deleted_once_its_function_has_returned() -> None:
    """Success removes the message, and it was delivered once."""
    bench = Bench()
    bench.queue.put("hello")
    bench.run(succeed, seconds=30)
    assert (bench.seen, bench.queue.contents) == ([("hello", 1)], [])


def test_a_failed_message_is_delivered_again_immediately_by_default() -> None:
    """host.json's visibilityTimeout is 0 by default: five tries take seconds, not minutes."""
    bench = Bench()
    bench.queue.put("bad")
    bench.run(fail, seconds=30)
    assert bench.seen == [("bad", n) for n in range(1, 6)]
    assert bench.queue.times("release")[-1] < 10


def test_a_failed_message_waits_for_the_visibility_timeout() -> None:
    """Two tries are visibilityTimeout apart, not a lease."""
    bench = Bench(options=replace(PLAIN, visibility_timeout=30.0))
    bench.queue.put("bad")
    bench.run(fail, seconds=100)
    released = bench.queue.times("release")
    assert len(bench.seen) == 4
    assert all(30 <= later - earlier < 33 for earlier, later in pairwise(released))


def test_the_fifth_failure_moves_a_message_to_poison() -> None:
    """After maxDequeueCount tries the raw text is on the poison queue, and only there."""
    bench = Bench()
    bench.queue.put("bad")
    bench.run(fail, seconds=60)
    assert bench.poison is not None
    assert (bench.queue.contents, bench.poison.contents, len(bench.seen)) == ([], ["bad"], 5)
    assert len(bench.queue.times("release")) == 4


def test_a_function_that_fails_after_a_renewal_releases_its_message() -> None:
    """The release uses the last receipt, so the message is visible immediately, not when the lease is over."""
    bench = Bench()
    bench.queue.put("bad")

    async def work(message: LeasedMessage, body: bytes) -> None:
        await asyncio.sleep(400)
        await fail(message, body)

    bench.run(work, seconds=450)
    assert [count for _, count in bench.seen] == [1, 2]


def test_a_message_that_killed_its_host_too_often_is_poisoned_without_a_call() -> None:
    """Delivered more often than maxDequeueCount, as after host crashes, it does not reach the function."""
    bench = Bench()
    bench.queue.stored[bench.queue.put("killer")].dequeue_count = 5
    bench.run(succeed, seconds=30)
    assert bench.poison is not None
    assert (bench.seen, bench.queue.contents, bench.poison.contents) == ([], [], ["killer"])


def test_an_undecodable_message_is_poisoned_unchanged() -> None:
    """With base64 configured, plain text goes to poison immediately and unchanged."""
    bench = Bench(options=QueuesOptions())
    bench.queue.put("not base64!")
    bench.queue.put(base64.b64encode(b"fine").decode())
    bench.run(succeed, seconds=30)
    assert bench.poison is not None
    assert (bench.seen, bench.queue.contents, bench.poison.contents) == ([("fine", 1)], [], ["not base64!"])


def test_without_a_poison_queue_a_failed_message_stays_hidden_for_the_lease() -> None:
    """A poison queue's own function gets a failed message again when its lease is over, not immediately."""
    bench = Bench(queue=MemoryQueue("orders-poison"), poison=None)
    bench.queue.put("bad")
    bench.run(fail, seconds=2 * LEASE + 10)
    assert [count for _, count in bench.seen] == [1, 2, 3]
    assert bench.queue.times("release") == []


def test_the_lease_is_renewed_at_half_until_the_function_returns() -> None:
    """A function of 22 minutes keeps its message: renewed every five, delivered once, deleted with the last receipt."""
    bench = Bench()
    bench.queue.put("long")
    bench.run(taking(22 * 60), seconds=30 * 60)
    renewed = bench.queue.times("renew")
    assert [round(later - renewed[0]) for later in renewed] == [0, 300, 600, 900]
    assert (len(bench.seen), bench.queue.contents) == (1, [])


def test_renewal_has_ended_before_the_message_is_deleted() -> None:
    """A renewal in progress when the function returns gives the receipt of the delete."""
    bench = Bench()
    bench.queue.slow["renew"] = 5.0
    bench.queue.put("long")
    bench.run(taking(302.0), seconds=700)
    assert bench.queue.times("renew") == [pytest.approx(300)]
    assert bench.queue.times("delete") == [pytest.approx(305)]
    assert bench.queue.contents == []


def test_a_lost_lease_leaves_the_message_to_its_new_owner(caplog: pytest.LogCaptureFixture) -> None:
    """A message received by another host is neither renewed nor deleted, while the function continues."""
    bench = Bench()
    message_id = bench.queue.put("contested")
    finished: list[float] = []

    async def work(_: LeasedMessage, __: bytes) -> None:
        bench.queue.stored[message_id].receipt = "another host's"
        await asyncio.sleep(1000)
        finished.append(asyncio.get_running_loop().time())

    with caplog.at_level(logging.INFO):
        bench.run(work, seconds=500)
    assert len(finished) == 1
    assert len(bench.queue.times("renew")) == 1
    assert bench.queue.contents == ["contested"]
    actions = [record.__dict__.get("action") for record in caplog.records]
    assert actions == ["message_lease_lost", "message_taken_over"]


def test_no_more_run_concurrently_than_batch_size_and_threshold_allow() -> None:
    """Of forty messages, 16 + 8 are in progress at most, and all are processed."""
    bench = Bench(options=replace(PLAIN, batch_size=16, new_batch_threshold=8))
    for number in range(40):
        bench.queue.put(str(number))
    running = most = 0

    async def work(_: LeasedMessage, body: bytes) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1 + int(body) / 100)
        running -= 1

    bench.run(work, seconds=60)
    assert (most, bench.queue.contents, len(bench.seen)) == (24, [], 40)


def test_a_batch_may_be_delivered_in_another_order() -> None:
    """Shuffled, the order is not that of the queue; by default it is."""
    orders = []
    for shuffle in (None, Random(1)):  # noqa: S311 - a shuffle
        bench = Bench(shuffle=shuffle)
        for number in range(16):
            bench.queue.put(str(number))
        bench.run(succeed, seconds=5)
        orders.append([int(text) for text, _ in bench.seen])
    assert orders[0] == list(range(16))
    assert orders[1] != orders[0]
    assert sorted(orders[1]) == orders[0]


def test_polling_continues_after_a_fault() -> None:
    """A queue whose poll fails is polled again, and its messages are not lost."""
    bench = Bench()
    bench.queue.faults["receive"] = [StorageFault("busy", status=500)] * 3
    bench.queue.put("patient")
    bench.run(succeed, seconds=30)
    assert bench.seen == [("patient", 1)]


def test_an_empty_queue_is_polled_ever_less_often_up_to_the_cap() -> None:
    """Pauses grow from 0.1 s to the local cap of 2 s and stay there."""
    bench = Bench()
    bench.run(succeed, seconds=60)
    polls = bench.queue.times("receive")
    pauses = [later - earlier for earlier, later in pairwise(polls)]
    assert pauses[0] == pytest.approx(0.1)
    assert max(pauses) == pytest.approx(2.0)
    assert all(pause == pytest.approx(2.0) for pause in pauses[7:-1])


def test_stopping_receives_no_new_message_and_waits_for_those_in_progress() -> None:
    """Messages in progress are finished and deleted; later ones stay."""
    bench = Bench()
    bench.queue.put("begun")

    async def work(_: LeasedMessage, __: bytes) -> None:
        await asyncio.sleep(100)
        bench.queue.put("late")

    bench.run(work, seconds=5)
    assert (bench.seen, bench.queue.contents) == ([("begun", 1)], ["late"])


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        ("orders", "orders-poison"),
        ("orders-poison", None),
        ("q" * 56, "q" * 56 + "-poison"),
        ("q" * 57, None),
    ],
)
def test_a_queue_has_a_poison_queue_where_the_name_allows(queue: str, expected: str | None) -> None:
    """A poison queue has none, nor a queue whose poison queue's name would be longer than 63."""
    assert poison_name(queue) == expected


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_base64_decodes_to_the_bytes(body: bytes) -> None:
    """Encoded bytes are decoded, with or without line breaks in the text."""
    text = base64.b64encode(body).decode()
    assert decode(text, "base64") == body
    assert decode(base64.encodebytes(body).decode(), "base64") == body


@pytest.mark.parametrize(
    "text", ["{}", "a", "ab=", "YQ==YQ==", "é", "YQ", "YQ===", "_-8=", "\ufeffYQ==", "YQ\xa0=="]
)
def test_invalid_base64_is_undecodable(text: str) -> None:
    """Text that is no base64 raises, and does not become other bytes; nor is URL-safe or unpadded base64 accepted."""
    with pytest.raises(Undecodable):
        decode(text, "base64")


@pytest.mark.parametrize(
    ("text", "body"), [(" Y\tQ\r\n==", b"a"), ("", b""), (" \n", b""), ("77u/YQ==", b"\xef\xbb\xbfa")]
)
def test_white_space_in_base64_is_ignored(text: str, body: bytes) -> None:
    """Spaces, tabs and line breaks are ignored, an empty text is no bytes, a BOM inside is kept."""
    assert decode(text, "base64") == body


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=60), st.integers(0, 2**32), st.floats(0.01, 1), st.floats(1, 60))
def test_the_back_off_stays_between_floor_and_cap_and_starts_over(
    finds: list[bool], seed: int, floor: float, cap: float
) -> None:
    """Every pause is within the limits; after a message it is the floor; without messages it never shrinks much."""
    backoff = RandomizedBackoff(floor, cap, Random(seed))  # noqa: S311 - a spread
    for found in finds:
        pause = backoff.next(found=found)
        assert min(floor, cap) <= pause <= cap
        if found:
            assert pause == min(floor, cap)


def test_the_back_off_doubles_what_it_adds() -> None:
    """Without spread, 0.1 s grows by 0.1, 0.2, 0.4 and so on."""

    class Middle(Random):
        def uniform(self, a: float, b: float) -> float:
            return (a + b) / 2

    backoff = RandomizedBackoff(0.1, 2.0, Middle())
    pauses = [backoff.next(found=False) for _ in range(7)]
    assert pauses == pytest.approx([0.1, 0.2, 0.3, 0.5, 0.9, 1.7, 2.0])
