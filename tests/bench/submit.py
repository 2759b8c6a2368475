"""How many requests a second our own HTTP function takes, on the whole local stack.

Honest about what it is: Azurite on Node, the emulator and the functions host share this machine's processors with
the callers. In Azure the storage is another, and so is the figure.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from uuid import uuid4

from azure.storage.queue import QueueClient

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.clock import utcnow
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.local.demo.quickstart import Quickstart
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import Stack
from tests.bench.figures import BenchFailed, Figure, percentile
from tests.bench.load import Load, Post, drive
from tests.bench.pipelines import wait_and_set
from tests.bench.processes import processor_seconds

CALLERS = 8
MOST_MILLISECONDS = 15
"""Of the functions' processor time, for a request, its run and its event."""
_WARM_UP = 16
_OUTLASTS_ALL = 3600
"""Seconds of a run that is started beside the service, so that no list of what has ended shows it."""
_ACCEPTED = 202
_PATIENCE = 120.0
_POLL_SECONDS = 0.25


def measure(repeats: int, *, calls: int = 200) -> list[Figure]:
    """Ask for runs from callers who each wait for the answer; each run lasts a second or so."""
    loads, used, until_events, ceilings, alone = list[Load](), [], [], [], []
    with Stack() as endpoints:
        client = Quickstart(endpoints).client
        client.pipelines.create_or_update("bench", wait_and_set(1))
        client.pipelines.create_or_update("alone", wait_and_set(_OUTLASTS_ALL))
        _submit(endpoints, min(_WARM_UP, calls))
        events = _wait_for_events(endpoints, min(_WARM_UP, calls))
        for _ in range(repeats):
            before = _processor_seconds(endpoints)
            loads.append(_submit(endpoints, calls))
            used.append(_since(before, endpoints))
            events = _wait_for_events(endpoints, events + calls)
            until_events.append(_since(before, endpoints))
            ceilings.append(_ceiling(endpoints, calls, lambda _: None))
            alone.append(_ceiling(endpoints, calls, partial(_create_run, client)))
    return [
        Figure(
            name=f"requests taken on Azurite, {CALLERS} callers",
            unit="per second",
            values=[load.per_second for load in loads],
        ),
        Figure(
            name=f"  storage's ceiling: the same writes by {CALLERS} threads, and nothing else",
            unit="per second",
            values=ceilings,
        ),
        Figure(
            name="  the calls alone: these writes, and createRun between them, without a host",
            unit="per second",
            values=alone,
        ),
        Figure(
            name="  the calls alone, of what storage alone allows",
            unit="times",
            values=[calls / ceiling for calls, ceiling in zip(alone, ceilings, strict=True)],
        ),
        Figure(
            name="  requests, of what storage alone allows",
            unit="times",
            values=[load.per_second / ceiling for load, ceiling in zip(loads, ceilings, strict=True)],
            at_least=0.8,
        ),
        *(
            Figure(
                name=f"  time of an answer, p{percent}",
                unit="ms",
                values=[1000 * percentile(load.seconds_each, percent) for load in loads],
            )
            for percent in (50, 95)
        ),
        *(
            Figure(
                name=f"  processor time of {name} until a request is answered",
                unit="ms",
                values=[1000 * seconds[name] / calls for seconds in used],
            )
            for name in sorted(used[0])
        ),
        *(
            Figure(
                name=f"  processor time of {name} for a request, its run and its event",
                unit="ms",
                values=[1000 * seconds[name] / calls for seconds in until_events],
                below=MOST_MILLISECONDS if name == "functions" else None,
            )
            for name in sorted(until_events[0])
        ),
        Figure(name="  taken by the client", unit="cores", values=[load.client_cores for load in loads]),
    ]


def _since(before: dict[str, float], endpoints: Endpoints) -> dict[str, float]:
    return {name: seconds - before[name] for name, seconds in _processor_seconds(endpoints).items()}


def _wait_for_events(endpoints: Endpoints, count: int) -> int:
    """Wait until that many events are on their queue, which has no consumer."""
    deadline = time.monotonic() + _PATIENCE
    with QueueClient.from_connection_string(
        endpoints.storage_connection_string, endpoints.events_queue
    ) as queue:
        while (queue.get_queue_properties().approximate_message_count or 0) < count:
            if time.monotonic() > deadline:
                raise BenchFailed(f"{count} events did not come in {_PATIENCE:g} s")
            time.sleep(_POLL_SECONDS)
    return count


def _processor_seconds(endpoints: Endpoints) -> dict[str, float]:
    return {name: processor_seconds(pid) for name, pid in endpoints.pids.items()}


def _create_run(client: DataFactoryClient, record: RunRecord) -> None:
    client.create_run("alone", {}, client_request_id=record.run_id)


def _ceiling(endpoints: Endpoints, count: int, between: Callable[[RunRecord], None]) -> float:
    """Requests a second whose two writes Azurite makes: the claim's transaction, and the start's update.

    Args:
        endpoints: of the stack.
        count: of requests.
        between: done between the two writes.
    """
    account = StorageAccount(connection_string=endpoints.storage_connection_string)
    ledger = open_table_ledger(account, table=f"ceiling{uuid4().hex}", create_missing=True)
    ledger.create_table_if_missing()

    def write(_: int) -> None:
        now = utcnow()
        record = RunRecord(
            factory=endpoints.factory_id,
            request_id=uuid4().hex,
            pipeline="bench",
            digest="0" * 64,
            run_id=uuid4(),
            state=RunState.ACCEPTED,
            status="Accepted",
            requested_at=now,
            sent_at=now,
            lease_until=now,
        )
        claimed = ledger.claim(record).stored
        between(record)
        ledger.save(claimed, replace(record, state=RunState.SUBMITTED, status="Queued", submitted_at=now))

    with ThreadPoolExecutor(CALLERS) as threads:
        begun = time.perf_counter()
        list(threads.map(write, range(count)))
        return count / (time.perf_counter() - begun)


def _submit(endpoints: Endpoints, count: int) -> Load:
    post = Post(
        url=f"{endpoints.functions_url}/api/pipelines/bench/runs",
        body=b"{}",
        headers=lambda: {"x-functions-key": endpoints.functions_key, "Idempotency-Key": uuid4().hex},
    )
    return drive(post, count=count, callers=CALLERS, wanted=_ACCEPTED)
