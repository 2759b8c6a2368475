"""The command line of the benches: `python -m tests.bench`.

Exits with 1 if a figure is not as it is wanted, or if what was measured did not do its work.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from adf_trigger.clock import utcnow
from adf_trigger.errors import AdfTriggerError
from adf_trigger.local.process import StartFailed
from tests.bench import (
    beside_waiting,
    ceilings,
    concurrent_runs,
    console_load,
    create_run,
    end_to_event,
    expressions,
    importing,
    page,
    peers,
    report,
    submit,
    watching,
)
from tests.bench.figures import Bench, BenchFailed, Figure

BENCHES: Mapping[str, Bench] = {
    "import": importing.measure,
    "expressions": expressions.measure,
    "concurrent-runs": concurrent_runs.measure,
    "create-run": create_run.measure,
    "submit": submit.measure,
    "console": console_load.measure,
    "end-to-event": end_to_event.measure,
    "beside-waiting": beside_waiting.measure,
    "end-to-event-in-production": end_to_event.in_production,
    "watching": watching.measure,
    "peers": peers.measure,
    "burst": ceilings.burst,
    "ends-together": ceilings.together,
    "queue-drain": ceilings.drain,
}

REPEATS = 5
RESULTS = Path(__file__).parents[2] / "bench-results"


def main(arguments: Sequence[str] | None = None, benches: Mapping[str, Bench] = BENCHES) -> int:
    """Measure, print the table, write the file; give the exit code."""
    options = _parser(benches).parse_args(arguments)
    begun, facts = utcnow(), report.machine()
    results: dict[str, Sequence[Figure]] = {}
    failed = False
    for name in options.only or benches:
        _say(f"{name} …")
        try:
            results[name] = benches[name](options.repeats)
        except (BenchFailed, StartFailed, AdfTriggerError) as error:
            _say(f"{name} failed: {error}")
            failed = True
    report.show(results, facts, options.repeats)
    path = options.json or RESULTS / f"{begun:%Y%m%dT%H%M%SZ}.json"
    report.save(path, results, facts, options.repeats, begun)
    if options.page:
        page.write(results, facts, options.repeats, begun, options.page)
    _say(f"Written to {path}")
    missed = any(figure.met is False for figures in results.values() for figure in figures)
    return 1 if failed or missed else 0


def _parser(benches: Mapping[str, Bench]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure what is promised.")
    parser.add_argument(
        "--only", nargs="+", choices=list(benches), metavar="NAME", help=f"of {', '.join(benches)}"
    )
    parser.add_argument(
        "--repeats", type=_repeats, default=REPEATS, metavar="N", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write it here (default: bench-results/<time>.json)"
    )
    parser.add_argument(
        "--page",
        type=Path,
        nargs="?",
        const=page.PAGE,
        metavar="FILE",
        help="write a page (default: docs/bench.md)",
    )
    return parser


def _repeats(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of repeats")
    return int(text)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
