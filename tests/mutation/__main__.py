"""`make mutation`: changes the code by a sample that a printed seed makes, and counts what the unit tests notice.

    python -m tests.mutation                        the modules that decide about runs, and 200 mutants more
    python -m tests.mutation --sample 0 --all budget throttling
    python -m tests.mutation --seed 7 --sample 50 --all
    python -m tests.mutation --seed 7 --resume      go on where the same was ended, code and tests unchanged

mutmut makes the mutants and runs each against the tests that reach it (`[tool.mutmut]` in pyproject.toml).
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

MUTANTS = Path("mutants")
DECIDING = (
    *("transitions", "steered_transitions", "moves"),
    *("dispatch", "turn_sender", "settle", "start_times", "reconcile", "send", "budget"),
)
"""Modules of the service of which every mutant is run: they decide what is sent, and when."""
SAMPLE = 200
WANTED = 90.0
"""Per cent of the mutants that the tests should notice."""

NO_TEST = 33
SURVIVED = 0
"""Exit codes of the tests, as mutmut writes them down."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run mutants; the exit code: 0 where enough were noticed, 1 where not."""
    options = _parser().parse_args(arguments)
    if not options.resume:
        shutil.rmtree(MUTANTS, ignore_errors=True)
    if not list(_known()):
        # Whatever is named, all are made; without a name all would be run.
        _mutmut(options.workers, [f"adf_trigger.service.{module}.*" for module in options.all or ("budget",)])
    every = dict(_known())
    chosen = [name for name in every if _module(name) in options.all]
    if absent := set(options.all) - {_module(name) for name in chosen}:
        sys.stderr.write(f"no mutants of the service's {', '.join(sorted(absent))}: was it renamed?\n")
        return 2
    rest = sorted(every.keys() - set(chosen))
    drawn = random.Random(options.seed).sample(rest, min(options.sample, len(rest)))  # noqa: S311 - no secret
    wanted = [*chosen, *drawn]
    if left := [name for name in wanted if every[name] is None]:
        _mutmut(options.workers, left)
    outcomes = dict(_known())
    return _report(options.seed, {name: outcomes[name] for name in wanted})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.partition("\n")[0])
    seed = random.SystemRandom().randrange(10**6)
    parser.add_argument(
        "--all", nargs="*", default=DECIDING, metavar="MODULE", help="of the service, every mutant"
    )
    parser.add_argument(
        "--sample", type=int, default=SAMPLE, help="of all others, so many (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=seed, help="of the sample; printed, so that it can be repeated"
    )
    parser.add_argument("--resume", action="store_true", help="run what a run before has left")
    parser.add_argument("--workers", type=int, default=2, help="mutants at once (default: %(default)s)")
    return parser


def _mutmut(workers: int, names: Iterable[str]) -> None:
    subprocess.run(  # its progress is for the person who waits
        [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers), *names], check=True
    )


def _known() -> Iterator[tuple[str, int | None]]:
    """Every mutant with the exit code of its tests; None where they were not run."""
    for file in sorted(MUTANTS.rglob("*.meta")):
        yield from json.loads(file.read_text("utf-8"))["exit_code_by_key"].items()


def _module(mutant: str) -> str:
    """The module of a mutant of the service; empty for one of elsewhere."""
    room, _, rest = mutant.removeprefix("adf_trigger.").partition(".")
    return rest.partition(".")[0] if room == "service" else ""


def _report(seed: int, outcomes: dict[str, int | None]) -> int:
    lived = sorted(name for name, code in outcomes.items() if code in {SURVIVED, NO_TEST})
    not_run = [name for name, code in outcomes.items() if code is None]
    for name in lived:
        sys.stdout.write(f"\n{_diff(name)}\n")
    done = len(outcomes) - len(not_run)
    noticed = 100 * (done - len(lived)) / max(1, done)
    by_file = Counter(name.rpartition(".")[0] for name in lived)
    for file, count in by_file.most_common():
        sys.stdout.write(f"{count:5} lived in {file}\n")
    sys.stdout.write(f"{done} mutants, {noticed:.1f}% noticed, {len(lived)} lived; --seed {seed}\n")
    if not_run:
        sys.stdout.write(f"{len(not_run)} were not run\n")
    return 0 if noticed >= WANTED and not not_run else 1


def _diff(name: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", "show", name], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or name


if __name__ == "__main__":
    sys.exit(main())
