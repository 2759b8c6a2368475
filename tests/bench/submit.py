"""How many requests a second our own HTTP function takes, on the whole local stack.

Honest about what it is: Azurite on Node, the emulator and the functions host share this machine's processors with
the callers. In Azure the storage is another, and so is the figure.
"""

from uuid import uuid4

from adf_trigger.local.demo.quickstart import Quickstart
from adf_trigger.local.endpoints import Endpoints
from adf_trigger.local.stack import Stack
from tests.bench.figures import Figure, percentile
from tests.bench.load import Load, Post, drive
from tests.bench.pipelines import wait_and_set
from tests.bench.processes import processor_seconds

CALLERS = 8
_WARM_UP = 16
_ACCEPTED = 202


def measure(repeats: int, *, calls: int = 200) -> list[Figure]:
    """Ask for runs from callers who each wait for the answer; each run lasts a second or so."""
    loads, used = [], []
    with Stack() as endpoints:
        Quickstart(endpoints).client.pipelines.create_or_update("bench", wait_and_set(1))
        _submit(endpoints, min(_WARM_UP, calls))
        for _ in range(repeats):
            before = _processor_seconds(endpoints)
            loads.append(_submit(endpoints, calls))
            after = _processor_seconds(endpoints)
            used.append({name: after[name] - before[name] for name in after})
    return [
        Figure(
            name=f"requests taken on Azurite, {CALLERS} callers",
            unit="per second",
            values=[load.per_second for load in loads],
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
                name=f"  processor time of {name} for a request and its run",
                unit="ms",
                values=[1000 * seconds[name] / calls for seconds in used],
            )
            for name in sorted(used[0])
        ),
        Figure(name="  taken by the client", unit="cores", values=[load.client_cores for load in loads]),
    ]


def _processor_seconds(endpoints: Endpoints) -> dict[str, float]:
    return {name: processor_seconds(pid) for name, pid in endpoints.pids.items()}


def _submit(endpoints: Endpoints, count: int) -> Load:
    post = Post(
        url=f"{endpoints.functions_url}/api/pipelines/bench/runs",
        body=b"{}",
        headers=lambda: {"x-functions-key": endpoints.functions_key, "Idempotency-Key": uuid4().hex},
    )
    return drive(post, count=count, callers=CALLERS, wanted=_ACCEPTED)
