"""What the whole local stack does where the Resource Manager's budgets bound it: the emulator's token buckets are on.

Everything shares this machine's processors. The schedule is that of production.
"""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import requests
from azure.storage.queue import QueueClient

from adf_trigger.local.demo.quickstart import Quickstart
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import Stack, StackConfig
from tests.bench.figures import BenchFailed, Figure
from tests.bench.load import Post, drive

SCHEDULE = "*/15 * * * * *"
PERIOD = 15
CALLERS = 12
BURST = 2_000
TOGETHER = 1_000
MESSAGES = 500

WRITES, WRITES_A_SECOND = 200, 10
READS, READS_A_SECOND = 250, 25
_ACCEPTED = 202
_PATIENCE = 300.0
_POLL_SECONDS = 0.5
_BATCH = 32
_PIPELINE = {"activities": [], "parameters": {"n": {"type": "Int", "defaultValue": 0}}}


class Running:
    """A stack whose runs end when the test says so."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._client = Quickstart(endpoints).client
        self._client.pipelines.create_or_update("bench", _PIPELINE)
        self.control("progression", {"mode": "held", "pipeline": "bench"})

    def control(self, path: str, body: dict[str, Any]) -> None:
        """Call the emulator's control API."""
        requests.post(f"{self._endpoints.control_url}/{path}", json=body, timeout=60).raise_for_status()

    def throttle(self, *, on: bool) -> None:
        """Have empty buckets refuse, or not."""
        self.control("throttling", {"enabled": on})

    def ask(self, count: int) -> float:
        """Request that many runs concurrently, all of which are accepted; the seconds that it took."""
        post = Post(
            url=f"{self._endpoints.functions_url}/api/pipelines/bench/runs",
            body=b"{}",
            headers=lambda: {
                "x-functions-key": self._endpoints.functions_key,
                "Idempotency-Key": uuid4().hex,
            },
        )
        return drive(post, count=count, callers=CALLERS, wanted=_ACCEPTED).seconds

    def wait_for_starts(self, expected: int) -> None:
        """Wait until that many runs are held, which is seen past the buckets.

        Raises:
            BenchFailed: they were not, in time; or more were.
        """
        deadline = time.monotonic() + _PATIENCE
        while (held := self._held()) < expected:
            if time.monotonic() > deadline:
                raise BenchFailed(f"{expected - held} runs were not started in {_PATIENCE:g} s")
            time.sleep(_POLL_SECONDS)
        if held > expected:
            raise BenchFailed(f"{held} runs were started, and {expected} asked for")

    def _held(self) -> int:
        return len(requests.get(f"{self._endpoints.control_url}/", timeout=60).json()["held"])

    def release(self) -> None:
        """End all runs."""
        self.control("release", {})

    def events(self, expected: int) -> float:
        """Seconds until that many events had arrived.

        Raises:
            BenchFailed: they had not, in time.
        """
        begun, seen = time.monotonic(), set[str]()
        with QueueClient.from_connection_string(
            self._endpoints.storage_connection_string, self._endpoints.events_queue
        ) as queue:
            while len(seen) < expected:
                for message in queue.receive_messages(max_messages=_BATCH):
                    seen.add(json.loads(base64.b64decode(message.content))["subject"])
                    queue.delete_message(message)
                if time.monotonic() - begun > _PATIENCE:
                    raise BenchFailed(f"{expected - len(seen)} events did not come in {_PATIENCE:g} s")
        return time.monotonic() - begun

    def send(self, count: int) -> None:
        """Put requests into their queue."""
        with QueueClient.from_connection_string(
            self._endpoints.storage_connection_string, self._endpoints.requests_queue
        ) as queue:
            for _ in range(count):
                queue.send_message(json.dumps({"pipeline": "bench", "requestId": uuid4().hex}))


@contextmanager
def _running() -> Iterator[Running]:
    with Stack(StackConfig(poll_schedule=SCHEDULE)) as endpoints:
        yield Running(endpoints)


def burst(repeats: int, *, count: int = BURST) -> list[Figure]:
    """Ask for many runs at once: all are accepted, and started as fast as the bucket of writes allows."""
    taken, seconds = [], []
    for _ in range(repeats):
        with _running() as running:
            running.throttle(on=True)
            begun = time.monotonic()
            taken.append(count / running.ask(count))
            running.wait_for_starts(count)
            seconds.append(time.monotonic() - begun)
    allowed = max(1.0, (count - WRITES) / WRITES_A_SECOND)
    return [
        Figure(name=f"a burst of {count:,}: requests accepted", unit="per second", values=taken),
        Figure(name="  until all were started", unit="s", values=seconds),
        Figure(
            name="  that, times what the token bucket allows",
            unit="times",
            values=[it / allowed for it in seconds],
            below=1.05,
        ),
    ]


def together(repeats: int, *, count: int = TOGETHER) -> list[Figure]:
    """Have many runs end together: the last event comes within what the bucket of reads allows, and a period."""
    seconds = []
    for _ in range(repeats):
        with _running() as running:
            running.ask(count)
            running.wait_for_starts(count)
            running.throttle(on=True)
            running.release()
            seconds.append(running.events(count))
    allowed = max(0.0, (count + count // 100 - READS) / READS_A_SECOND)
    return [
        Figure(
            name=f"{count:,} runs that end together: the last event",
            unit="s",
            values=seconds,
            below=1.2 * allowed + PERIOD,
        )
    ]


def drain(repeats: int, *, count: int = MESSAGES) -> list[Figure]:
    """Put many messages into the requests queue: each becomes a run, as fast as the bucket of writes allows."""
    seconds = []
    for _ in range(repeats):
        with _running() as running:
            running.throttle(on=True)
            begun = time.monotonic()
            running.send(count)
            running.wait_for_starts(count)
            seconds.append(time.monotonic() - begun)
    figures = [
        Figure(name=f"{count:,} messages, from the first put to the last start", unit="s", values=seconds)
    ]
    if (allowed := (count - WRITES) / WRITES_A_SECOND) > 0:
        figures.append(
            Figure(
                name="  that, times what the token bucket allows",
                unit="times",
                values=[it / allowed for it in seconds],
            )
        )
    return figures
