"""How many expressions a second one core evaluates. Run as a script; exits with 1 below the wanted speed."""

import statistics
import sys
import time

from adf_trigger.local.factory.expressions import Scope, evaluate_text

EXPRESSION = "@concat(pipeline().parameters.a,'-',string(add(1,2)))"
WANTED_PER_SECOND = 20_000
REPEATS = 7
EVALUATIONS = 50_000


def evaluations_per_second() -> float:
    """Median of the repeats."""
    scope = Scope(parameters={"a": "x"})
    if evaluate_text(EXPRESSION, scope) != "x-3":
        raise SystemExit("the expression has another value than it should")
    rates = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        for _ in range(EVALUATIONS):
            evaluate_text(EXPRESSION, scope)
        rates.append(EVALUATIONS / (time.perf_counter() - start))
    return statistics.median(rates)


def main() -> int:
    """Print the rate and compare it."""
    rate = evaluations_per_second()
    sys.stdout.write(f"{rate:,.0f} evaluations a second, {WANTED_PER_SECOND:,} wanted\n")
    return 0 if rate >= WANTED_PER_SECOND else 1


if __name__ == "__main__":
    sys.exit(main())
