"""Which tests reach which functions, and how long they take: noted by running each once, on the code as it is."""

import hashlib
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

NOTES = Path("reach.json")
"""Beside the mutants: of each test its file's digest, its seconds and the functions that it reaches."""

WRITTEN_EVERY = 60.0
"""Seconds after which what was noted so far is written, so that a run that is ended goes on there."""

MOST_LEFT_OUT = 10
"""Tests of one fork that may fail on the code as it is: they are named and left out. More, and the code is at fault."""

Notes = dict[str, tuple[str, float, list[str]]]


@dataclass
class Reach:
    """What has been noted of the tests that were collected."""

    items: Mapping[str, pytest.Item]
    notes: Notes
    by_function: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, session: pytest.Session, workers: int) -> "Reach":
        """Note what is not noted yet, in so many forks: no test runs in this process.

        A test that fails among the mutants with the code as it is notices nothing of them, and is left out.

        Raises:
            SystemExit: many tests fail on the code as it is.
        """
        notes: Notes = json.loads(NOTES.read_text("utf-8")) if NOTES.exists() else {}
        notes = taken_up(sorted(NOTES.parent.glob(f"{NOTES.stem}.[0-9]*")), notes)
        items = {item.nodeid: item for item in session.items}
        new = [item for item in session.items if notes.get(item.nodeid, ("",))[0] != _digest(item.path)]
        parts = [new[number::workers] for number in range(min(workers, len(new)))]
        files = [NOTES.with_suffix(f".{number}") for number in range(len(parts))]
        forks = [_fork(part, file) for part, file in zip(parts, files, strict=True)]
        failed = [fork for fork in forks if os.waitpid(fork, 0)[1]]
        if failed:
            raise SystemExit("the tests fail on the code as it is")
        notes = taken_up(files, notes)
        reach = cls(items, notes)
        for test in (each for each in items if each in notes):
            for function in notes[test][2]:
                reach.by_function[function].append(test)
        return reach

    def seconds(self, test: pytest.Item) -> float:
        """How long a test takes."""
        return self.notes[test.nodeid][1]

    def tests_of(self, function: str, *, first: Counter[str]) -> Sequence[pytest.Item]:
        """The tests that reach a function, those that may notice most first.

        They are those that have noticed other mutants of it, those of files that are called after its module, and those
        that reach little beside that.
        """
        module = function.rpartition(".")[0] + "."
        name = f"test_{module.split('.')[-2]}"

        def order(test: str) -> tuple[int, bool, bool, float, float]:
            _, seconds, functions = self.notes[test]
            about: float = sum(each.startswith(module) for each in functions)
            if not function.endswith("__init__"):  # what is only constructed tells nothing of it
                about /= len(functions)
            return -first[test], name not in test, seconds > 1.0, -about, seconds

        return [self.items[test] for test in sorted(self.by_function.get(function, ()), key=order)]


def _fork(tests: Sequence[pytest.Item], file: Path) -> int:
    """Note in a process of its own, whose id is returned, what tests reach."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = noted(tests, file)
        finally:
            sys.stdout.flush()
            os._exit(code)
    return pid


def noted(tests: Sequence[pytest.Item], file: Path) -> int:
    """Note in this process, and write to a file, what tests reach; 0 where at most a few of them fail, else 1."""
    set_mutant_under_test("stats")
    notes: Notes = {}
    written = time.monotonic()
    left_out = 0
    for test, following in zip(tests, [*tests[1:], None], strict=True):
        state()._stats.clear()
        began = time.monotonic()
        test.config.hook.pytest_runtest_protocol(item=test, nextitem=following)
        if test.session.testsfailed:
            sys.stderr.write(f"\nfails on the code as it is, and is left out: {test.nodeid}\n")
            test.session.testsfailed = 0
            left_out += 1
            if left_out > MOST_LEFT_OUT:
                return 1
            continue
        now = time.monotonic()
        notes[test.nodeid] = (_digest(test.path), now - began, sorted(state()._stats))
        if now - written > WRITTEN_EVERY:
            _write(file, notes)
            written = now
    _write(file, notes)
    return 0


def taken_up(files: Sequence[Path], notes: Notes) -> Notes:
    """Notes together with those in the files of forks, also of a run that was ended, which are removed."""
    for file in files:
        notes = {**notes, **json.loads(file.read_text("utf-8"))}
    _write(NOTES, notes)
    for file in files:
        file.unlink()
    return notes


def _write(file: Path, notes: Notes) -> None:
    """Write all or nothing: the run may be ended at any time."""
    part = file.with_name(f"part-of-{file.name}")
    part.write_text(json.dumps(notes), "utf-8")
    part.replace(file)


@cache
def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
