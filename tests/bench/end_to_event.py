"""How long after a run's end its event is on the queue, with the schedule that the local stack's timer has."""

import base64
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from azure.storage.queue import QueueClient

from adf_trigger.clock import utcnow
from adf_trigger.local.demo.client import Caller
from adf_trigger.local.demo.quickstart import Quickstart
from adf_trigger.local.stack.stack import Stack, StackConfig
from tests.bench.figures import BenchFailed, Figure, percentile
from tests.bench.pipelines import wait_and_set

PATIENCE_SECONDS = 60.0
SCHEDULE, SCHEDULE_SECONDS = "*/15 * * * * *", 15
_PAUSE_SECONDS = 0.37
"""Between two runs: no part of the timer's period, so that their ends fall everywhere in it."""
_POLL_SECONDS = 0.05
_BATCH = 32


def in_production(repeats: int, *, runs: int = 60) -> list[Figure]:
    """The same with the schedule of production."""
    return measure(repeats, runs=runs, config=StackConfig(poll_schedule=SCHEDULE), below=SCHEDULE_SECONDS + 2)


def measure(
    repeats: int, *, runs: int = 20, config: StackConfig | None = None, below: float | None = None
) -> list[Figure]:
    """Start runs one after the other, and see each one's event come."""
    with Stack(config) as endpoints:
        Quickstart(endpoints).client.pipelines.create_or_update("bench", wait_and_set(1))
        caller = Caller(endpoints)
        queue = QueueClient.from_connection_string(
            endpoints.storage_connection_string, endpoints.events_queue
        )
        with queue:
            delays = [_delays(caller, queue, f"bench-{repeat}", runs) for repeat in range(repeats)]
    return [
        Figure(
            name="from the end to the event, median", unit="s", values=[percentile(it, 50) for it in delays]
        ),
        Figure(name="  p95", unit="s", values=[percentile(it, 95) for it in delays], below=below),
    ]


def _delays(caller: Caller, queue: QueueClient, name: str, runs: int) -> Sequence[float]:
    """Seconds between each run's end, as Data Factory reports it, and the receipt of its event."""
    keys = [f"{name}-{number}" for number in range(runs)]
    with ThreadPoolExecutor(1) as thread:
        started = thread.submit(_start, caller, keys)
        seen = _see(queue, set(keys))
        started.result()
    delays = []
    for when, event in seen:
        run = event["data"]
        if run["status"] != "Succeeded":
            raise BenchFailed(f"a run should have Succeeded and {run['status']}: {run}")
        delays.append((when - datetime.fromisoformat(run["endedAt"])) / timedelta(seconds=1))
    return delays


def _start(caller: Caller, keys: Sequence[str]) -> None:
    for key in keys:
        answer = caller.post("bench", {}, key=key)
        if answer.status != 202:
            raise BenchFailed(f"a request was answered {answer.status}: {answer.body}")
        time.sleep(_PAUSE_SECONDS)


def _see(queue: QueueClient, expected: set[str]) -> list[tuple[datetime, dict[str, Any]]]:
    """Take the events of all expected requests, each with the instant at which it was there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    seen: dict[str, tuple[datetime, dict[str, Any]]] = {}
    while seen.keys() != expected:
        for message in queue.receive_messages(max_messages=_BATCH):
            event = json.loads(base64.b64decode(message.content))
            seen.setdefault(event["subject"], (utcnow(), event))
            queue.delete_message(message)
        if time.monotonic() > deadline:
            raise BenchFailed(f"{len(expected) - len(seen)} events did not come in {PATIENCE_SECONDS:g} s")
        time.sleep(_POLL_SECONDS)
    return list(seen.values())
