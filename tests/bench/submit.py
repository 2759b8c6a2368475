"""How many requests a second our own HTTP function takes, on the whole laptop stack.

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

CALLERS = 8
_WARM_UP = 16
_ACCEPTED = 202


def measure(repeats: int, *, calls: int = 200) -> list[Figure]:
    """Ask for runs from callers who each wait for the answer; each run lasts a second or so."""
    with Stack() as endpoints:
        Quickstart(endpoints).client.pipelines.create_or_update("bench", wait_and_set(1))
        _submit(endpoints, min(_WARM_UP, calls))
        loads = [_submit(endpoints, calls) for _ in range(repeats)]
    seconds = [[answer.seconds for answer in load.answers] for load in loads]
    return [
        Figure(
            name=f"requests taken on Azurite, {CALLERS} callers",
            unit="per second",
            values=[load.per_second for load in loads],
        ),
        Figure(
            name="  time of an answer, p50", unit="ms", values=[1000 * percentile(it, 50) for it in seconds]
        ),
        Figure(
            name="  time of an answer, p95", unit="ms", values=[1000 * percentile(it, 95) for it in seconds]
        ),
        Figure(name="  taken by the client", unit="cores", values=[load.client_cores for load in loads]),
    ]


def _submit(endpoints: Endpoints, count: int) -> Load:
    post = Post(
        url=f"{endpoints.functions_url}/api/pipelines/bench/runs",
        body=b"{}",
        headers=lambda: {"x-functions-key": endpoints.functions_key, "Idempotency-Key": uuid4().hex},
    )
    return drive(post, count=count, callers=CALLERS, wanted=_ACCEPTED)
