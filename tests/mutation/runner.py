"""mutmut as `make mutation` runs it: fewer files, and for each mutant the tests that tell most come first.

    python -m tests.mutation.runner make FILE ...          make the mutants of these files
    python -m tests.mutation.runner run FILE ... < NAMES   run the mutants that are named, one a line

mutmut has no option for either: a file is mutated or not by pyproject.toml, and a mutant that every test reaches has
thousands of tests collected before the first one runs.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths
from mutmut.workers import isolation

BATCHES = (30, 300)
"""So many tests are collected and run first, then so many, then the others: most mutants are noticed by the first."""

FEW = 50
"""Tests that show that the unchanged code passes: that all do was seen when it was noted what they reach."""


class _InBatches(PytestRunner):
    """Runs the tests of a mutant in batches, and none after one that has failed."""

    longest: float | None = None
    """Seconds that a test may take, else it is left out; None where all are run."""

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        left = self._sorted(tests)
        if mutant_name is None:
            return super().run_tests(mutant_name=None, tests=left[:FEW])
        for count in (*BATCHES, len(left)):
            batch, left = left[:count], left[count:]
            if batch and (code := super().run_tests(mutant_name=mutant_name, tests=batch)):
                return code
        return 0

    def _sorted(self, tests: Iterable[str]) -> list[str]:
        """The tests, those first that reach the fewest functions: they are about these."""
        reaches = Counter(test for each in state().tests_by_mangled_function_name.values() for test in each)
        takes = state().duration_by_test
        quick = (test for test in tests if self.longest is None or takes[test] <= self.longest)
        return sorted(quick, key=lambda test: (takes[test] > 1.0, reaches[test], takes[test], test))


def main(arguments: Sequence[str] | None = None) -> None:
    """Make mutants, or run them."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.runner")
    parser.add_argument("what", choices=("make", "run"))
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--longest", type=float)
    options = parser.parse_args(arguments)
    config().only_mutate = options.files
    rooms = sorted({Path(file).parts[1] for file in options.files})
    config().pytest_add_cli_args_test_selection = [f"tests/unit/{room}" for room in rooms]
    if options.what == "make":
        Path("mutants").mkdir(exist_ok=True)
        copy_src_dir()
        copy_also_copy_files()
        setup_source_paths()
        mutmut.create_mutants(options.workers)
        return
    _InBatches.longest = options.longest
    vars(isolation)["PytestRunner"] = _InBatches  # mutmut has no other way to be given a runner
    mutmut._run(sys.stdin.read().split(), options.workers)


if __name__ == "__main__":
    main()
