"""Whether the app stays as it is while requests come at a steady rate: memory, threads, descriptors, and the queue.

The Resource Manager allows ten writes a second in a subscription, so that the requests go to factories of several.
Requests come for six minutes before the first sample: a list looks back over five, so that until then each tick reads
more runs than the one before. The first third of the samples is not judged: the allocator settles. What the
samples of the last third come to on average is held against those of the second: a leak of a kilobyte a request is 4 MB
more, of some 130, in ten minutes.
"""

import base64
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import mean
from uuid import UUID, uuid4

import psutil
from azure.storage.queue import QueueClient

from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.emulator.hosting.defaults import FACTORY_ID
from adf_trigger.local.demo.quickstart import Quickstart
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import Stack, StackConfig
from tests.bench.ceilings import SCHEDULE
from tests.bench.figures import Figure
from tests.bench.load import Post, drive, drive_steadily
from tests.bench.pipelines import wait_and_set

MINUTES = 10.0
FACTORIES = 4
RATE_OF_EACH = 5
RATE = FACTORIES * RATE_OF_EACH
WARM_UP = 200
FILLING_MINUTES = 6.0
"""For which requests come before the first sample: longer than lists look back."""
CALLERS = 4
"""Of each factory."""
MOST_MORE = {"memory": 3.0, "threads": 3.0, "descriptors": 6.0, "messages in the queue": 30.0}
"""By how much the last third may be above the second on average, in each one's unit: what comes by chance, as the queue
fills at each tick. A leak of a kilobyte a request is more, as is a request in a hundred that stays in the queue."""
UNITS = {
    "memory": "MB",
    "threads": "threads",
    "descriptors": "descriptors",
    "messages in the queue": "messages",
}
_SAMPLE_SECONDS = 5.0
_POLL_SECONDS = 0.2
_PATIENCE = 120.0
_BATCH = 32
_ACCEPTED = 202
_MEGABYTE = 1_000_000


@dataclass(slots=True)
class Soaked:
    """What a soak has shown.

    Attributes:
        samples: of each quantity, in order of time.
        asked: requests that were acknowledged.
        event_ids: request → ids of its events.
        over_at: how many samples there were when the last request was answered.
    """

    samples: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in UNITS})
    asked: set[str] = field(default_factory=set)
    event_ids: dict[str, frozenset[str]] = field(default_factory=dict)
    over_at: dict[str, int] = field(default_factory=dict)


def growth(samples: Sequence[float]) -> float:
    """By how much the last third of the samples is above the second on average."""
    third = max(1, len(samples) // 3)
    return mean(samples[-third:]) - mean(samples[third : 2 * third] or samples)


def measure(
    repeats: int, *, minutes: float = MINUTES, warm_up: int = WARM_UP, filling: float = FILLING_MINUTES
) -> list[Figure]:
    """Ask at a steady rate, take the events as they come, and sample the functions' process meanwhile.

    Args:
        repeats: soaks, each of a stack of its own.
        minutes: that are sampled.
        warm_up: requests before, as fast as they are answered.
        filling: minutes at the steady rate before the first sample.
    """
    soaks = [_soak(60 * minutes, warm_up, 60 * filling) for _ in range(repeats)]
    figures = [
        Figure(
            name=f"{minutes:g} minutes at {RATE} requests a second, after {filling:g} more: requests that were taken",
            unit="requests",
            values=[float(len(soak.asked)) for soak in soaks],
        ),
        Figure(
            name="  of them not told in the end, or told under two ids",
            unit="requests",
            values=[float(_without_one_event_id(soak)) for soak in soaks],
            below=1,
        ),
    ]
    for name, unit in UNITS.items():
        figures += [
            Figure(
                name=f"  {name}, mean of the last third",
                unit=unit,
                values=[mean(soak.samples[name][-max(1, len(soak.samples[name]) // 3) :]) for soak in soaks],
            ),
            Figure(
                name=f"  {name}, by how much above that of the second third",
                unit=unit,
                values=[growth(soak.samples[name]) for soak in soaks],
                below=MOST_MORE[name],
            ),
        ]
    return figures


def _without_one_event_id(soak: Soaked) -> int:
    return sum(len(soak.event_ids.get(request, ())) != 1 for request in soak.asked)


def _soak(seconds: float, warm_up: int, filling: float) -> Soaked:
    soaked, over = Soaked(), threading.Event()
    factories = {f"f{number}": _factory_id(number) for number in range(FACTORIES)}
    config = StackConfig(
        poll_schedule=SCHEDULE, any_group=True, settings={"ADF_TRIGGER_FACTORIES": json.dumps(factories)}
    )
    with Stack(config) as endpoints, ThreadPoolExecutor(2 + FACTORIES) as threads:
        for factory_id in factories.values():
            quickstart = Quickstart(replace(endpoints, factory_id=factory_id))
            for _ in quickstart.provision():
                pass
            quickstart.client.pipelines.create_or_update("bench", wait_and_set(1))
        posts = [_post(endpoints, alias, soaked) for alias in factories]
        for post in posts:
            drive(post, count=warm_up // FACTORIES, callers=CALLERS, wanted=_ACCEPTED)
        taking = threads.submit(_take_events, endpoints, soaked, over)
        try:
            if filling:
                _drive_all(threads, posts, filling)
            sampling = threads.submit(_sample, endpoints, soaked, over)
            _drive_all(threads, posts, seconds)
            soaked.over_at = {name: len(each) for name, each in soaked.samples.items()}
            _wait_for_the_last(soaked, taking)
        finally:
            over.set()
        taking.result()
        sampling.result()
    # What was sampled while the last events came is no part of the steady state.
    soaked.samples = {name: each[: soaked.over_at[name]] for name, each in soaked.samples.items()}
    return soaked


def _drive_all(threads: ThreadPoolExecutor, posts: Sequence[Post], seconds: float) -> None:
    drive_each = partial(
        drive_steadily, rate=RATE_OF_EACH, seconds=seconds, callers=CALLERS, wanted=_ACCEPTED
    )
    for _ in threads.map(drive_each, posts):
        pass


def _factory_id(number: int) -> str:
    """Of a subscription of its own; names of factories are unique in all of them."""
    subscription_id = FactoryId.parse(FACTORY_ID).subscription_id
    return f"{FACTORY_ID.replace(subscription_id, str(UUID(int=number + 1)))}-{number}"


def _post(endpoints: Endpoints, factory: str, soaked: Soaked) -> Post:
    """Each request under a key of its own, which is noted: it is acknowledged, or the bench fails."""

    def headers() -> dict[str, str]:
        key = uuid4().hex
        soaked.asked.add(key)
        return {"x-functions-key": endpoints.functions_key, "Idempotency-Key": key}

    body = json.dumps({"factory": factory}).encode()
    return Post(url=f"{endpoints.functions_url}/api/pipelines/bench/runs", body=body, headers=headers)


def _wait_for_the_last(soaked: Soaked, taking: "Future[None]") -> None:
    """Wait until all are published; those that are not in time are counted."""
    deadline = time.monotonic() + _PATIENCE
    while not taking.done() and time.monotonic() < deadline and not soaked.asked <= soaked.event_ids.keys():
        time.sleep(_POLL_SECONDS)


def _take_events(endpoints: Endpoints, soaked: Soaked, over: threading.Event) -> None:
    with _events(endpoints) as queue:
        while not over.is_set():
            messages = list(queue.receive_messages(max_messages=_BATCH))
            for message in messages:
                event = json.loads(base64.b64decode(message.content))
                ids = soaked.event_ids.get(event["subject"], frozenset())
                soaked.event_ids[event["subject"]] = ids | {event["id"]}
                queue.delete_message(message)
            if not messages:
                over.wait(_POLL_SECONDS)


def _sample(endpoints: Endpoints, soaked: Soaked, over: threading.Event) -> None:
    process = psutil.Process(endpoints.pids["functions"])
    with _events(endpoints) as queue:
        while not over.wait(_SAMPLE_SECONDS):
            values = (
                process.memory_info().rss / _MEGABYTE,
                process.num_threads(),
                process.num_fds(),
                queue.get_queue_properties().approximate_message_count or 0,
            )
            for name, value in zip(UNITS, values, strict=True):
                soaked.samples[name].append(float(value))


def _events(endpoints: Endpoints) -> QueueClient:
    return QueueClient.from_connection_string(endpoints.storage_connection_string, endpoints.events_queue)
