"""Makes mutants by mutmut, and runs them: the tests are collected once, and each mutant is a fork of that process.

    python -m tests.mutation.runner make FILE ...          make the mutants of these files
    python -m tests.mutation.runner run FILE ... < NAMES   run the mutants that are named, one a line

mutmut itself would have pytest collect the tests of each mutant anew, which takes longer than those that notice it.
Of the tests that reach a function those come first that have noticed other mutants of it, then those that
reach little beside its module: they are about it.
"""

import argparse
import os
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths

from tests.mutation.reach import Reach

MUTANTS = Path("mutants")
NO_TEST = 33
OUT_OF_TIME = 36
"""Exit codes, as mutmut writes them down."""

CPU_SECONDS = 10
"""What a test may take of the processor, beyond five times what it takes else: a mutant may go on for ever."""

SECONDS = 120
"""What it may take by the clock, beyond twenty times: others may use the machine, and a mutant may wait for ever."""

NEIGHBOURS = ("tests/unit/events", "tests/unit/functions", "tests/unit/triggers")
"""Tests of other rooms that tell, too, what the use cases answer and write."""

OVER_SOCKETS = ("ledger", "datafactory")
"""Rooms whose adapters only integration tests reach; their Azurite is one of `tests.mutation`, not a fork's."""


@dataclass(slots=True)
class _Fork:
    """A mutant whose tests are running."""

    mutant: str
    noticed_by: Path


@dataclass
class _Loop:
    """Takes the place of pytest's own loop over the tests that it has collected.

    Attributes:
        mutants: names of those to run.
        workers: how many run at once.
        most: how many tests of a mutant are run at most; None where all are.
    """

    mutants: Sequence[str]
    workers: int
    most: int | None
    running: dict[int, _Fork] = field(default_factory=dict)
    noticed: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By function: how many of its mutants a test has noticed."""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every mutant's tests in a fork of this process, in which no test has run yet."""
        reach = Reach.of(session, self.workers)
        for number, mutant in enumerate(self.mutants):
            function = mutant.rpartition("__mutmut_")[0]
            tests = reach.tests_of(function, first=self.noticed[function])[: self.most]
            if not tests:
                _write(mutant, NO_TEST)
                continue
            while len(self.running) >= self.workers:
                self._wait()
            self._fork(mutant, tests, reach)
            sys.__stdout__.write(f"\r{number + 1}/{len(self.mutants)} ")  # type: ignore[union-attr]
            sys.__stdout__.flush()  # type: ignore[union-attr]
        while self.running:
            self._wait()
        return True

    def _fork(self, mutant: str, tests: Sequence[pytest.Item], reach: Reach) -> None:
        noticed_by = Path(f"noticed-by-{len(self.running)}-{time.monotonic_ns()}").resolve()
        pid = os.fork()
        if pid == 0:
            _run(mutant, tests, noticed_by, reach)
        self.running[pid] = _Fork(mutant, noticed_by)

    def _wait(self) -> None:
        """Wait until a mutant's tests have ended, and write down how."""
        pid, status = os.wait()
        fork = self.running.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        _write(fork.mutant, code if code >= 0 else OUT_OF_TIME)
        if fork.noticed_by.exists():
            self.noticed[fork.mutant.rpartition("__mutmut_")[0]][fork.noticed_by.read_text("utf-8")] += 1
            fork.noticed_by.unlink()


def _run(mutant: str, tests: Sequence[pytest.Item], noticed_by: Path, reach: Reach) -> None:
    """Run tests until one fails, then end this process."""
    code = 1
    try:
        set_mutant_under_test(mutant)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        for test, following in zip(tests, [*tests[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS + 5 * reach.seconds(test))
            signal.setitimer(signal.ITIMER_REAL, SECONDS + 20 * reach.seconds(test))
            test.config.hook.pytest_runtest_protocol(item=test, nextitem=following)
            if test.session.testsfailed:
                noticed_by.write_text(test.nodeid, "utf-8")
                break
        else:
            code = 0
    finally:
        os._exit(code)


def _write(mutant: str, code: int) -> None:
    module = mutant.rpartition(".")[0]
    os.chdir("..")
    try:
        data = SourceFileMutationData(path=Path(module.replace(".", "/") + ".py"))
        data.load()
        data.exit_code_by_key[mutant] = code
        data.save()
    finally:
        os.chdir(MUTANTS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make mutants, or run them; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.runner")
    parser.add_argument("what", choices=("make", "run"))
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--most", type=int)
    options = parser.parse_args(arguments)
    config().only_mutate = options.files
    if options.what == "make":
        MUTANTS.mkdir(exist_ok=True)
        copy_src_dir()
        copy_also_copy_files()
        setup_source_paths()
        mutmut.create_mutants(options.workers)
        return 0
    setup_source_paths()
    os.chdir(MUTANTS)
    rooms = sorted({Path(file).parts[1] for file in options.files})
    folders = [f"tests/unit/{room}" for room in rooms]
    if len(rooms) > 1:
        folders += NEIGHBOURS
    folders += [f"tests/integration/{room}" for room in rooms if room in OVER_SOCKETS]
    loop = _Loop(sys.stdin.read().split(), options.workers, options.most)
    # No time-out of single tests: what is slow on a busy machine is not noticed by it.
    given = ["--rootdir=.", "-q", "--capture=sys", "--timeout=0"]
    return int(pytest.main([*given, *config().pytest_add_cli_args, *folders], [loop]))


if __name__ == "__main__":
    sys.exit(main())
