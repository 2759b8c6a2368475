"""How many expressions a second one core evaluates, parsed before."""

import time

from adf_trigger.emulator.expressions import Scope, evaluate_text
from tests.bench.figures import BenchFailed, Figure

EXPRESSION = "@concat(pipeline().parameters.a,'-',string(add(1,2)))"


def measure(repeats: int, *, evaluations: int = 50_000) -> list[Figure]:
    """Evaluate the expression again and again."""
    scope = Scope(parameters={"a": "x"})
    if (value := evaluate_text(EXPRESSION, scope)) != "x-3":
        raise BenchFailed(f"{EXPRESSION} gave {value!r}")
    rates = []
    for _ in range(repeats):
        begin = time.perf_counter()
        for _ in range(evaluations):
            evaluate_text(EXPRESSION, scope)
        rates.append(evaluations / (time.perf_counter() - begin))
    return [Figure(name="evaluations", unit="per second", values=rates, at_least=20_000)]
