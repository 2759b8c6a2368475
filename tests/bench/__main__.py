"""The command line of the benches: `python -m tests.bench`.

Exits with 1 if a figure is not as it is wanted, or if what was measured did not do its work.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from adf_trigger.clock import utcnow
from adf_trigger.errors import AdfTriggerError
from adf_trigger.local.processes.process import StartFailed
from tests.bench import kept, page, report
from tests.bench.catalogue import BENCHES, Listed
from tests.bench.figures import BenchFailed, Figure
from tests.bench.kept import Kept

RESULTS = Path(__file__).parents[2] / "bench-results"


def main(arguments: Sequence[str] | None = None, benches: Mapping[str, Listed] = BENCHES) -> int:
    """Measure, print the table, write the file; give the exit code."""
    options = _parser(benches).parse_args(arguments)
    if options.list:
        for name, listed in benches.items():
            said = ", only where it is named" if listed.alone else ""
            sys.stdout.write(f"{name:28} {listed.minutes:4g} min, {listed.repeats} times{said}\n")
        return 0
    begun, facts = utcnow(), report.machine()
    results: dict[str, Sequence[Figure]] = {}
    new: dict[str, Kept] = {}
    failed = False
    for name in options.only or [name for name, listed in benches.items() if not listed.alone]:
        listed = benches[name]
        _say(f"{name} …")
        clock = time.monotonic()
        try:
            results[name] = (listed.short if options.short else listed.measure)(
                options.repeats or (1 if options.short else listed.repeats)
            )
        except (BenchFailed, StartFailed, AdfTriggerError) as error:
            _say(f"{name} failed: {error}")
            failed = True
            continue
        seconds = time.monotonic() - clock
        _say(f"{name} took {seconds:.0f} s")
        new[name] = Kept(
            figures=results[name], at=begun, commit=kept.commit(), seconds=seconds, machine=facts
        )
        if options.keep:  # at once: who ends the rest early has what was measured
            page.keep(new, list(benches), options.keep)
    report.show(results, facts)
    path = options.json or RESULTS / f"{begun:%Y%m%dT%H%M%SZ}.json"
    report.save(path, results, facts, begun)
    _say(f"Written to {path}")
    missed = any(figure.met is False for figures in results.values() for figure in figures)
    return 1 if failed or (missed and not options.short) else 0


def _parser(benches: Mapping[str, Listed]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure what is promised.")
    parser.add_argument(
        "--only", nargs="+", choices=list(benches), metavar="NAME", help=f"of {', '.join(benches)}"
    )
    parser.add_argument("--list", action="store_true", help="say how long each takes, and measure nothing")
    parser.add_argument(
        "--repeats", type=_repeats, metavar="N", help="(default: as many as --list says for each)"
    )
    parser.add_argument(
        "--short",
        action="store_true",
        help="see in a few seconds that each works; no figure is held to anything",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write it here (default: bench-results/<time>.json)"
    )
    parser.add_argument(
        "--keep",
        type=Path,
        nargs="?",
        const=kept.ROOT,
        metavar="FOLDER",
        help="keep it in docs/bench.json, and rewrite docs/bench.md, its plots and the README's table",
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
