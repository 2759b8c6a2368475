"""How long a start takes beside hundreds of callers who wait for the ends of their runs."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import httpx

from adf_trigger.local.demo.quickstart import Quickstart
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import Stack
from tests.bench.figures import BenchFailed, Figure, percentile
from tests.bench.load import Load, Post, drive
from tests.bench.pipelines import wait_and_set

HELD = "held"
HELD_SECONDS = 3_600
RUNS = 100
"""Runs that the callers wait for; several share one."""
SENT_SECONDS = 60.0
RETRY_SECONDS = 1.0
SETTLED_SECONDS = 4.0
_OK, _ACCEPTED, _TRY_LATER = 200, 202, 503


def measure(repeats: int, *, callers: int = 500, starts: int = 50, waits: int = 30) -> list[Figure]:
    """Let callers wait, and start runs one after the other beside them, none of which is waited for."""
    alone, beside = [], []
    with Stack() as endpoints:
        client = Quickstart(endpoints).client
        client.pipelines.create_or_update("bench", wait_and_set(1))
        client.pipelines.create_or_update(HELD, wait_and_set(HELD_SECONDS))
        held = [uuid4().hex for _ in range(min(RUNS, callers))]
        keys = iter(held)
        drive(_post(endpoints, HELD, lambda: next(keys)), count=len(held), callers=1, wanted=_ACCEPTED)
        start = _post(endpoints, "bench", lambda: uuid4().hex)
        for _ in range(repeats):
            alone.append(drive(start, count=starts, callers=1, wanted=_ACCEPTED))
            beside.append(
                _beside(endpoints, start, [held[n % len(held)] for n in range(callers)], starts, waits)
            )
    return [
        *_figures("a start, nobody waiting", alone),
        *_figures(f"a start beside {callers} who wait", beside),
    ]


def _figures(name: str, loads: Sequence[Load]) -> list[Figure]:
    each = [load.seconds_each for load in loads]
    return [
        Figure(name=f"{name}, median", unit="ms", values=[1000 * percentile(it, 50) for it in each]),
        Figure(name="  p95", unit="ms", values=[1000 * percentile(it, 95) for it in each]),
    ]


def _post(endpoints: Endpoints, pipeline: str, key: Callable[[], str]) -> Post:
    def headers() -> Mapping[str, str]:
        return {"x-functions-key": endpoints.functions_key, "Idempotency-Key": key()}

    return Post(url=f"{endpoints.functions_url}/api/pipelines/{pipeline}/runs", body=b"{}", headers=headers)


def _beside(endpoints: Endpoints, start: Post, runs: Sequence[str], starts: int, waits: int) -> Load:
    with ThreadPoolExecutor(1) as thread:
        sent = threading.Event()
        waiting: Future[float] = thread.submit(asyncio.run, _wait(endpoints, runs, waits, sent))
        if not sent.wait(SENT_SECONDS):
            raise BenchFailed("the callers who wait could not be sent in time")
        load = drive(start, count=starts, callers=1, wanted=_ACCEPTED)
        ended = time.monotonic()
        if (first := waiting.result()) < ended:
            raise BenchFailed(
                f"callers had waited their {waits} s {ended - first:.1f} s before the last start"
            )
    return load


async def _wait(endpoints: Endpoints, runs: Sequence[str], waits: int, sent: threading.Event) -> float:
    """Wait for each of the runs; when the first one was answered."""
    headers = {"x-functions-key": endpoints.functions_key, "Prefer": f"wait={waits}"}
    limits = httpx.Limits(max_connections=None)
    timeout = httpx.Timeout(SENT_SECONDS + waits)
    refused = 0

    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=timeout) as client:

        async def wait(run: str) -> float:
            nonlocal refused
            while True:
                answer = await client.get(f"{endpoints.functions_url}/api/runs/{run}")
                if answer.status_code == _TRY_LATER:  # more than the gate lets in at once: it is worked off
                    refused += 1
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                if answer.status_code != _OK or "Preference-Applied" not in answer.headers:
                    raise BenchFailed(f"a caller was answered {answer.status_code}: {answer.text[:200]}")
                return time.monotonic()

        async def announce() -> None:
            """All wait once none has been refused for a while."""
            before = -1
            while before != refused:
                before = refused
                await asyncio.sleep(SETTLED_SECONDS)
            sent.set()

        callers = [asyncio.ensure_future(wait(run)) for run in runs]
        await asyncio.gather(announce(), *callers)
        return min(each.result() for each in callers)
