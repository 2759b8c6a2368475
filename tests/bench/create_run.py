"""How many createRun calls a second the emulator answers while it also runs what they start."""

from tests.bench.emulator_process import emulator
from tests.bench.figures import Figure, percentile
from tests.bench.pipelines import wait_and_set
from tests.bench.processes import processor_seconds

CALLERS = 4
_WARM_UP = 100


def measure(repeats: int, *, calls: int = 2_000) -> list[Figure]:
    """Start runs from a few connections, as fast as they are answered; each lasts a second or so."""
    loads, used = [], []
    with emulator() as running:
        running.define("bench", wait_and_set(1))
        running.start_runs("bench", count=min(_WARM_UP, calls), callers=CALLERS)
        for _ in range(repeats):
            before = processor_seconds(running.pid)
            loads.append(running.start_runs("bench", count=calls, callers=CALLERS))
            used.append(processor_seconds(running.pid) - before)
        running.check_log()
    return [
        Figure(
            name=f"createRun answered, {CALLERS} callers",
            unit="per second",
            values=[load.per_second for load in loads],
            at_least=300,
        ),
        Figure(
            name="  time of an answer, p95",
            unit="ms",
            values=[1000 * percentile(load.seconds_each, 95) for load in loads],
        ),
        Figure(
            name="  processor time of the emulator for a call and its run",
            unit="ms",
            values=[1000 * seconds / calls for seconds in used],
        ),
        Figure(name="  taken by the client", unit="cores", values=[load.client_cores for load in loads]),
    ]
