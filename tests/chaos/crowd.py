"""Hundreds of callers wait for hundreds of runs over two hosts, of which one is killed: `python -m tests.chaos.crowd`.

Half of them wait by their POST, half by a GET after it. A caller whose connection breaks asks again, under the same
key, whichever host is there. Beside them another caller starts runs and waits for none.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from azure.storage.queue import QueueClient

from tests.chaos.consumer import Consumer
from tests.chaos.history import History, lines
from tests.chaos.hosts import READY_SECONDS, Host
from tests.support.local_stack import LocalStack
from tests.support.waiting import until

PIPELINE = "crowd"
DEFINITION: dict[str, Any] = {
    "activities": [
        {"name": "Pause", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 1}, "dependsOn": []}
    ],
    "parameters": {"key": {"type": "String"}},
}
POLL_SCHEDULE = "*/5 * * * * *"
SETTINGS = {
    "ADF_TRIGGER_CONNECT_TIMEOUT_SECONDS": "5",
    "ADF_TRIGGER_READ_TIMEOUT_SECONDS": "15",
    "ADF_TRIGGER_LEASE_SECONDS": "25",
    "ADF_TRIGGER_RECONCILE_GRACE_SECONDS": "10",
    "ADF_TRIGGER_DEFINITION_CACHE_SECONDS": "60",
}
"""Time for hundreds on a small machine, and none for days of doubt."""
WAIT = 200
HELD_SECONDS = 8.0
CALLERS_A_SECOND = 5
"""How long a run lasts: until all of them wait."""
SETTLED_SECONDS = 180.0
TRIES = 40
_AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(slots=True)
class Crowd:
    """The result.

    Attributes:
        callers: how many waited.
        first: how their first waits ended: `answered`, `not yet`, `reset`, `refused`, or a status.
        ends: key → status that its caller was answered with in the end.
        seconds: from a caller's arrival to its answer.
        beside: seconds that each start beside them took.
        runs: key → how many runs Data Factory has of it.
        news: key → ids of the events of it.
        killed: how many waited when the host was killed.
    """

    callers: int
    first: Counter[str] = field(default_factory=Counter)
    ends: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    runs: Counter[str] = field(default_factory=Counter)
    news: dict[str, set[str]] = field(default_factory=dict)
    killed: int = 0

    @property
    def faults(self) -> list[str]:
        """What broke a promise, a sentence each."""
        found = [f"{key}: {count} runs" for key, count in self.runs.items() if count != 1]
        found += [f"{key}: answered with {end}" for key, end in self.ends.items() if end != "Succeeded"]
        found += [f"{key}: published under {sorted(ids)}" for key, ids in self.news.items() if len(ids) != 1]
        missing = self.callers - len(self.ends)
        return [*found, *([f"{missing} callers were never answered"] if missing else [])]


@dataclass(slots=True)
class _Callers:
    hosts: Sequence[Host]
    key: str
    crowd: Crowd
    seconds: int
    waiting: int = 0

    async def wait(self, client: httpx.AsyncClient, number: int) -> None:
        """One caller, from its POST to the end of its run."""
        key, began = f"caller-{number}", time.monotonic()
        by_post = number % 2 == 0
        if not by_post:
            await self._asked(client, key)
        for attempt in range(TRIES):
            self.waiting += 1
            try:
                said, end = await self._waited(client, key, by_post=by_post)
            finally:
                self.waiting -= 1
            if attempt == 0:
                self.crowd.first[said] += 1
            if end is not None:
                self.crowd.ends[key] = end
                self.crowd.seconds.append(time.monotonic() - began)
                return
            await asyncio.sleep(0.5)

    async def start_beside(self, client: httpx.AsyncClient, number: int) -> None:
        """A caller that starts a run, and does not wait."""
        began = time.monotonic()
        answer = await self._call(client, f"beside-{number}", {}, post=True)
        if isinstance(answer, httpx.Response) and answer.status_code in {200, 202}:
            self.crowd.beside.append(time.monotonic() - began)

    async def _asked(self, client: httpx.AsyncClient, key: str) -> None:
        for _ in range(TRIES):
            answer = await self._call(client, key, {}, post=True)
            if isinstance(answer, httpx.Response) and answer.status_code not in _AGAIN:
                return
            await asyncio.sleep(0.5)

    async def _waited(self, client: httpx.AsyncClient, key: str, *, by_post: bool) -> tuple[str, str | None]:
        answer = await self._call(client, key, {"Prefer": f"wait={self.seconds}"}, post=by_post)
        if isinstance(answer, str):
            return answer, None
        if answer.status_code in _AGAIN:
            return str(answer.status_code), None
        body = answer.json()
        if not body.get("ended"):
            return ("not yet" if answer.status_code in {200, 202} else str(answer.status_code)), None
        return "answered", str(body["status"])

    async def _call(
        self, client: httpx.AsyncClient, key: str, headers: dict[str, str], *, post: bool
    ) -> httpx.Response | str:
        """An answer; `reset` or `refused` where the connection broke or none was made."""
        urls = [host.url for host in self.hosts if host.url is not None]
        if not urls:
            return "refused"
        url = urls[sum(key.encode()) % len(urls)]
        try:
            if not post:
                return await client.get(f"{url}/api/runs/{key}", headers=headers)
            named = {**headers, "Idempotency-Key": key}
            body = {"parameters": {"key": key}}
            return await client.post(f"{url}/api/pipelines/{PIPELINE}/runs", json=body, headers=named)
        except httpx.ConnectError:
            return "refused"
        except httpx.TransportError:
            return "reset"


def gather(callers: int, folder: Path, *, beside: int = 10, warm: str | None = None) -> Crowd:
    """Let callers wait, kill a host when all of them do, and see what they are answered.

    Args:
        callers: how many, on as many runs.
        folder: for logs and the history.
        beside: runs that are started beside them.
        warm: address of what forks the processes (see tests/support/warm.py); None starts them from nothing.
    """
    crowd = Crowd(callers)
    path = folder / "history.jsonl"
    with (
        History(path) as history,
        LocalStack(poll_schedule=POLL_SCHEDULE, settings=SETTINGS, warm=warm) as stack,
    ):
        stack.define(PIPELINE, DEFINITION)
        held = HELD_SECONDS + callers / CALLERS_A_SECOND
        stack.control("POST", "progression", {"mode": "after-seconds", "seconds": held, "pipeline": PIPELINE})
        endpoints = stack.endpoints
        stack.kill_functions()
        settings = dict(stack.processes._app_settings)
        hosts = [
            Host(
                name,
                key=endpoints.functions_key,
                settings=settings,
                folder=folder,
                history=history,
                warm=warm,
            )
            for name in ("a", "b")
        ]
        events = QueueClient.from_connection_string(
            endpoints.storage_connection_string, endpoints.events_queue
        )
        with hosts[0], hosts[1], Consumer(events, history):
            until(lambda: all(host.url for host in hosts), READY_SECONDS)
            asyncio.run(_wait_all(_Callers(hosts, endpoints.functions_key, crowd, WAIT), beside, history))
            wanted = set(crowd.ends)
            until(lambda: wanted <= set(_news(path)), SETTLED_SECONDS)
        crowd.runs = Counter(run["parameters"]["key"] for run in stack.runs(PIPELINE))
        crowd.news = {key: ids for key, ids in _news(path).items() if key in wanted}
    return crowd


async def _wait_all(callers: _Callers, beside: int, history: History) -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    timeout = httpx.Timeout(WAIT + 30, connect=10)
    headers = {"x-functions-key": callers.key}
    async with httpx.AsyncClient(limits=limits, timeout=timeout, headers=headers) as client:
        waits = [asyncio.ensure_future(callers.wait(client, n)) for n in range(callers.crowd.callers)]
        enough = callers.crowd.callers * 9 // 10
        async with asyncio.timeout(SETTLED_SECONDS):
            while callers.waiting < enough and not all(each.done() for each in waits):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.05)
        for n in range(beside):
            await callers.start_beside(client, n)
        callers.crowd.killed = callers.waiting
        callers.hosts[0].kill()
        history.note("crowd_killed", waiting=callers.waiting)
        await asyncio.gather(*waits)


def _news(path: Path) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for line in lines(path):
        if line["kind"] == "event":
            ids.setdefault(line["key"], set()).add(line["id"])
    return ids


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.crowd", description=(__doc__ or "").partition(":")[0]
    )
    parser.add_argument("--callers", type=int, default=500, metavar="N", help="(default: %(default)s)")
    options = parser.parse_args()
    began = time.monotonic()
    crowd = gather(options.callers, Path(tempfile.mkdtemp(prefix="adf-trigger-crowd-")))
    report = (
        f"{crowd.callers} callers, {crowd.killed} waiting when a host was killed; first waits: {dict(crowd.first)}",
        f"runs {sum(crowd.runs.values())} for {len(crowd.runs)} requests; events of {len(crowd.news)}",
        f"answered after p50 {_percentile(crowd.seconds, 50):.1f} s, at most {max(crowd.seconds, default=0):.1f} s",
        f"a start beside them: p50 {_percentile(crowd.beside, 50):.3f} s, at most {max(crowd.beside, default=0):.3f} s",
        f"broken promises: {crowd.faults or 'none'}; {time.monotonic() - began:.0f} s in all",
    )
    sys.stdout.write("\n".join(report) + "\n")
    return 1 if crowd.faults else 0


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else 0.0


if __name__ == "__main__":
    sys.exit(main())
