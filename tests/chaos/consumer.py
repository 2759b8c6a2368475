"""Reads every event off the events queue, for as long as the test lasts."""

import base64
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from azure.storage.queue import QueueClient

from tests.chaos.history import History

_BATCH = 32
_PAUSE_SECONDS = 0.3


class Consumer:
    """Takes events in a thread of its own, and writes each down before it deletes it.

    Args:
        queue: the events queue, not behind the proxy.
        history: records every event.

    Attributes:
        subjects: requests whose events were read so far.
        taken: how many events came so far.
    """

    def __init__(self, queue: QueueClient, history: History) -> None:
        self.subjects: set[str] = set()
        self.taken = 0
        self._queue = queue
        self._history = history
        self._stopping = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="consumer")
        self._reading: Future[None] | None = None

    def __enter__(self) -> Self:
        self._reading = self._thread.submit(self._read)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.shutdown()
        if self._reading is not None:
            self._reading.result()  # a consumer that failed must not look like events that are missing

    def _read(self) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            for message in self._queue.receive_messages(messages_per_page=_BATCH, visibility_timeout=60):
                event = json.loads(base64.b64decode(message.content))
                data = event["data"]
                self._history.note(
                    "event",
                    key=event["subject"],
                    id=event["id"],
                    type=event["type"],
                    status=data["status"],
                    runId=data.get("runId"),
                    requestedAt=data.get("requestedAt"),
                    message=data.get("message"),
                )
                self._queue.delete_message(message)
                self.subjects.add(event["subject"])
                self.taken += 1
