"""`make mutation`: changes the code by a sample that a printed seed makes, and counts what the tests notice.

    python -m tests.mutation                        the modules that decide about runs, and 200 mutants more
    python -m tests.mutation --sample 0 --all calls.budget calls.throttling
    python -m tests.mutation --seed 7 --sample 50 --all
    python -m tests.mutation --seed 7 --resume      go on where the same was ended, code and tests unchanged
    python -m tests.mutation --seed 7 --again       the same, and those anew that lived: a test was written for them

mutmut makes the mutants and runs each against the tests of its room that reach it (`[tool.mutmut]` in pyproject.toml).
What is judged to be no change of behaviour stands in equivalent.toml, and counts as noticed.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from adf_trigger.local.azurite import Azurite
from tests.integration.conftest import RUNNING
from tests.mutation.judged import PACKAGE, as_entry, change_of, function_of, judged

MUTANTS = Path("mutants")
DECIDING = (
    *("recording.transitions", "recording.steered_transitions", "recording.moves", "admission.moves"),
    *(
        "dispatching.dispatch",
        "admission.line",
        "dispatching.turn_sender",
        "dispatching.settle",
        "admission.start_times",
        "dispatching.reconcile",
        "attribution",
        "starting.send",
        "calls.budget",
        "calls.permits",
    ),
)
"""Modules of the service of which every mutant is run: they decide what is sent, and when."""
ROOMS = ("service", "ledger", "datafactory")
"""Where the sample is drawn."""
SAMPLE = 200
WANTED = 90.0
"""Per cent of the mutants that the tests should notice."""

NO_TEST = 33
SURVIVED = 0
OUT_OF_TIME = (36, -24, 24, 152, 255)
"""Exit codes of the tests, as mutmut writes them down."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run mutants; the exit code: 0 where enough were noticed, 1 where not."""
    options = _parser().parse_args(arguments)
    if not (options.resume or options.again):
        shutil.rmtree(MUTANTS, ignore_errors=True)
    files = [f"adf_trigger/service/{module.replace('.', '/')}.py" for module in options.all]
    if absent := [file for file in files if not Path(file).is_file()]:
        sys.stderr.write(f"no such modules, were they renamed? {', '.join(absent)}\n")
        return 2
    if options.sample:
        files = [f"adf_trigger/{room}/*" for room in ROOMS]
    run = _runner(options.workers, files, options.most)
    run("make", ())
    every = dict(_known())
    chosen = [name for name in every if _module(name) in options.all]
    rest = sorted(every.keys() - set(chosen))
    drawn = random.Random(options.seed).sample(rest, min(options.sample, len(rest)))  # noqa: S311 - no secret
    wanted = [*chosen, *drawn]
    anew = {None, SURVIVED, NO_TEST, *OUT_OF_TIME} if options.again else {None}
    if left := [name for name in wanted if every[name] in anew]:
        with _azurite() if options.sample else nullcontext():
            run("run", left)
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
    parser.add_argument("--again", action="store_true", help="the same, and those anew that lived")
    parser.add_argument("--workers", type=int, default=2, help="mutants at once (default: %(default)s)")
    parser.add_argument(
        "--most", type=int, help="tests of a mutant that are run, the likeliest first (default: all)"
    )
    return parser


def _runner(workers: int, files: Sequence[str], most: int | None) -> Callable[[str, Iterable[str]], None]:
    options = ["--workers", str(workers), *(["--most", str(most)] if most is not None else [])]

    def run(what: str, names: Iterable[str]) -> None:
        subprocess.run(  # its progress is for the person who waits
            [sys.executable, "-m", "tests.mutation.runner", what, *options, *files],
            check=True,
            text=True,
            input="\n".join(names),
        )

    return run


@contextmanager
def _azurite() -> Iterator[None]:
    """One Azurite for the tests of all mutants: a fork would leave its own behind."""
    with TemporaryDirectory() as folder, Azurite(log=Path(folder) / "azurite.log") as azurite:
        os.environ[RUNNING] = azurite.connection_string
        yield


def _known() -> Iterator[tuple[str, int | None]]:
    """Every mutant with the exit code of its tests; None where they were not run."""
    for file in sorted(MUTANTS.rglob("*.meta")):
        yield from json.loads(file.read_text("utf-8"))["exit_code_by_key"].items()


def _module(mutant: str) -> str:
    """The module of a mutant of the service, such as `calls.budget`; empty for one of elsewhere."""
    room, _, rest = mutant.removeprefix("adf_trigger.").partition(".")
    return rest.rpartition(".")[0] if room == "service" else ""


def _report(seed: int, outcomes: dict[str, int | None]) -> int:
    judgements = judged()
    of_judged = {each.function for each in judgements}
    changes = {name: change_of(name) for name in outcomes if function_of(name) in of_judged}
    lived, equivalent = list[str](), list[str]()
    for name in sorted(name for name, code in outcomes.items() if code in {SURVIVED, NO_TEST}):
        change, shown = changes.get(name) or change_of(name)
        if change in judgements:
            equivalent.append(name)
        else:
            lived.append(name)
            sys.stdout.write(f"\n# {name}\n{shown}\n\n{as_entry(change)}\n")
    for name, (change, _) in changes.items():
        if change in judgements and name not in equivalent and outcomes[name] is not None:
            sys.stdout.write(f"noticed, though it was judged that nothing can tell: {change}\n")
    late = [name for name, code in outcomes.items() if code in OUT_OF_TIME]
    sys.stdout.write("".join(f"{row}\n" for row in _table([*outcomes], lived, equivalent, late)))
    not_run = [name for name, code in outcomes.items() if code is None]
    done = len(outcomes) - len(not_run)
    noticed = 100 * (done - len(lived)) / max(1, done)
    sys.stdout.write(
        f"{done} mutants, {noticed:.1f}% noticed or equivalent, {len(lived)} lived; --seed {seed}\n"
    )
    if not_run:
        sys.stdout.write(f"{len(not_run)} were not run\n")
    return 0 if noticed >= WANTED and not not_run else 1


def _table(*columns: Sequence[str]) -> Iterator[str]:
    """Counts by module: of all mutants, of those that lived, are equivalent, and ran out of time (noticed, too)."""
    yield f"{'module':36}" + "".join(
        f"{title:>13}" for title in ("mutants", "lived", "equivalent", "out of time")
    )
    counts = [Counter(name.rpartition(".")[0].removeprefix(PACKAGE) for name in names) for names in columns]
    for module in sorted(counts[0]):
        yield f"{module:36}" + "".join(f"{count[module]:13}" for count in counts)


if __name__ == "__main__":
    sys.exit(main())
