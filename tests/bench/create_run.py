"""How many createRun calls a second the emulator answers while it also runs what they start."""

from tests.bench.emulator_process import emulator
from tests.bench.figures import Figure, percentile
from tests.bench.pipelines import wait_and_set

CALLERS = 4
_WARM_UP = 100


def measure(repeats: int, *, calls: int = 2_000) -> list[Figure]:
    """Start runs from a few connections, as fast as they are answered; each lasts a second or so."""
    loads = []
    with emulator() as running:
        running.define("bench", wait_and_set(1))
        running.start_runs("bench", count=min(_WARM_UP, calls), callers=CALLERS)
        loads = [running.start_runs("bench", count=calls, callers=CALLERS) for _ in range(repeats)]
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
            values=[1000 * percentile([answer.seconds for answer in load.answers], 95) for load in loads],
        ),
        Figure(name="  taken by the client", unit="cores", values=[load.client_cores for load in loads]),
    ]
