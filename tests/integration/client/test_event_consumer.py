"""The consumer of events on a real queue."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from adf_trigger.client.events import BadMessage, EventConsumer
from adf_trigger.news import CompletionEvent
from tests.support.waiting import until

LIMIT = 60.0


def text_of(number: int, *, event_id: str | None = None) -> str:
    """The message of an event."""
    document = {
        "specversion": "1.0",
        "id": event_id or f"key-{number}/Succeeded",
        "source": "/factories/f",
        "subject": f"key-{number}",
        "type": "dev.adf-trigger.run.succeeded",
        "time": "2026-11-26T06:00:00Z",
        "data": {
            "requestId": f"key-{number}",
            "factory": "default",
            "pipeline": "LoadOrders",
            "status": "Succeeded",
            "ended": True,
            "requestedAt": "2026-11-26T06:00:00Z",
            "links": {"self": f"/api/runs/key-{number}"},
        },
    }
    return base64.b64encode(json.dumps(document).encode()).decode()


class Bench:
    """A queue of its own, and consumers of it."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        self.name = f"events-{uuid4().hex[:12]}"
        self.queue = QueueClient.from_connection_string(connection, self.name)
        self.poison = QueueClient.from_connection_string(connection, f"{self.name}-poison")
        self.queue.create_queue()

    def put(self, *texts: str) -> None:
        for text in texts:
            self.queue.send_message(text)

    def consumer(self, **options: Any) -> EventConsumer:
        return EventConsumer.of_connection_string(self.connection, queue=self.name, **options)

    def left(self) -> int:
        """Messages in the queue, hidden ones too."""
        return self.queue.get_queue_properties().approximate_message_count or 0

    def set_aside(self) -> list[str]:
        try:
            return [str(message.content) for message in self.poison.peek_messages(max_messages=32)]
        except ResourceNotFoundError:
            return []


@pytest.fixture
def bench(azurite: str) -> Iterator[Bench]:
    """A queue with nothing in it."""
    made = Bench(azurite)
    yield made
    made.queue.close()
    made.poison.close()


def taken(consumer: EventConsumer, count: int) -> list[str]:
    """The subjects of the given number of events; then the consumer is stopped."""
    subjects: list[str] = []
    for event in consumer:
        subjects.append(event.subject)
        if len(subjects) == count:
            consumer.stop()
    return subjects


def fail_at(consumer: EventConsumer) -> None:
    """Take one event, and fail."""
    for _ in consumer:
        raise RuntimeError("mine")


def running(consumer: EventConsumer, handler: Callable[[CompletionEvent], None]) -> threading.Thread:
    """A thread that runs the consumer."""
    thread = threading.Thread(target=consumer.run, args=(handler,))
    thread.start()
    return thread


def test_each_event_is_deleted_once_the_next_is_requested(bench: Bench) -> None:
    """Three events are handed out in order, and the queue is empty afterwards."""
    bench.put(*(text_of(number) for number in range(3)))
    with bench.consumer() as consumer:
        assert taken(consumer, 3) == ["key-0", "key-1", "key-2"]
    assert bench.left() == 0


def test_an_unhandled_event_is_delivered_again_when_the_loop_is_left(bench: Bench) -> None:
    """An event whose loop was left by a break or an error is not deleted and is handed out again immediately."""
    bench.put(text_of(0))
    with bench.consumer() as consumer:
        for _ in consumer:
            break
    with bench.consumer() as consumer, pytest.raises(RuntimeError, match="mine"):
        fail_at(consumer)
    with bench.consumer() as consumer:
        assert taken(consumer, 1) == ["key-0"]


def test_repeats_are_dropped_while_their_ids_are_remembered(bench: Bench) -> None:
    """The same id of the same source is handled once; an id no longer remembered is handled again."""
    bench.put(text_of(0), text_of(0), text_of(1), text_of(0))
    with bench.consumer(remembered=1) as consumer:
        assert taken(consumer, 3) == ["key-0", "key-1", "key-0"]
    assert bench.left() == 0


def test_a_bad_message_is_moved_to_the_poison_queue_unchanged(bench: Bench) -> None:
    """A message that is not an event goes to the poison queue, which is created, and the next event is handed out."""
    bench.put("hello, world", text_of(1))
    with bench.consumer() as consumer:
        assert taken(consumer, 1) == ["key-1"]
    assert bench.set_aside() == ["hello, world"]
    assert bench.left() == 0


def test_a_callback_receives_bad_messages_instead(bench: Bench) -> None:
    """The callback receives the text and the reason; the message is deleted when it returns."""
    bad: list[BadMessage] = []
    bench.put("hello", text_of(1))
    with bench.consumer(set_aside=bad.append) as consumer:
        assert taken(consumer, 1) == ["key-1"]
    assert [(each.text, each.attempts) for each in bad] == [("hello", 1)]
    assert "not an event" in bad[0].reason
    assert bench.left() == 0


def test_a_callback_that_fails_blocks_nothing(bench: Bench) -> None:
    """The bad message stays in the queue and is delivered again; other events are handled meanwhile."""

    def refuse(_: BadMessage) -> None:
        raise RuntimeError("not now")

    bench.put("hello", text_of(1))
    with bench.consumer(set_aside=refuse) as consumer:
        assert taken(consumer, 1) == ["key-1"]
    assert bench.left() == 1


def test_an_event_whose_handler_keeps_failing_is_set_aside(bench: Bench) -> None:
    """It is tried up to the configured number of times, with growing delays, then set aside; others are not delayed."""
    calls: list[str] = []

    def handle(event: CompletionEvent) -> None:
        calls.append(event.subject)
        if event.subject == "key-0":
            raise RuntimeError("no")

    bench.put(text_of(0), text_of(1))
    with bench.consumer(attempts=2) as consumer:
        thread = running(consumer, handle)
        until(lambda: bench.set_aside() == [text_of(0)] and bench.left() == 0, LIMIT)
        consumer.stop()
        thread.join(LIMIT)
    assert calls == ["key-0", "key-1", "key-0"]


def test_an_event_that_kills_its_consumers_is_set_aside(bench: Bench) -> None:
    """An event delivered the configured number of times without being handled is not handed out again."""
    bench.put(text_of(0))
    for _ in range(2):
        with bench.consumer(attempts=2) as consumer:
            for _event in consumer:
                break
    bench.put(text_of(1))
    with bench.consumer(attempts=2) as consumer:
        assert taken(consumer, 1) == ["key-1"]
    assert bench.set_aside() == [text_of(0)]


def test_a_long_running_handler_keeps_its_event(bench: Bench) -> None:
    """While a handler takes several times the visibility time-out, no other consumer receives its event."""
    seen: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    def slow(event: CompletionEvent) -> None:
        begun.set()
        assert may_end.wait(LIMIT)
        seen.append(f"first {event.subject}")

    bench.put(text_of(0))
    with bench.consumer(lease=2) as first, bench.consumer(lease=2) as second:
        threads = [running(first, slow)]
        assert begun.wait(LIMIT)
        threads.append(running(second, lambda event: seen.append(f"second {event.subject}")))
        threading.Event().wait(5)  # nothing must happen for more than two leases
        may_end.set()
        until(lambda: bool(seen) and bench.left() == 0, LIMIT)
        first.stop()
        second.stop()
        for thread in threads:
            thread.join(LIMIT)
    assert seen == ["first key-0"]


def test_an_endless_handler_loses_its_event_after_the_longest_time(bench: Bench) -> None:
    """After the longest handling time another consumer may receive the event; late calls of the first do no harm."""
    handled: list[str] = []
    bench.put(text_of(0))
    with bench.consumer(lease=1, longest=0.0) as first, bench.consumer(lease=5) as second:
        for _ in first:
            handled += taken(second, 1)
            first.stop()
    assert handled == ["key-0"]
    assert bench.left() == 0


def test_a_stop_ends_an_idle_consumer(bench: Bench) -> None:
    """A stopped consumer that is waiting for events returns without waiting for another one."""
    with bench.consumer() as consumer:
        thread = running(consumer, lambda _event: None)
        consumer.stop()
        thread.join(LIMIT)
        assert not thread.is_alive()


def test_a_missing_queue_is_an_error(azurite: str) -> None:
    """A consumer of a queue that does not exist raises an error instead of waiting."""
    with (
        EventConsumer.of_connection_string(azurite, queue="no-such-queue") as consumer,
        pytest.raises(ResourceNotFoundError),
    ):
        next(iter(consumer))
