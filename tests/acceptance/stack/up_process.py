"""Runs `python -m adf_trigger.local up` as a process, and finds everything that comes of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psutil

from adf_trigger.local.stack.endpoints import Endpoints
from tests.support.warm import command_of

ROOT = Path(__file__).parents[3]
PATIENT_SECONDS = 120.0
_MARK = "STACK_TEST"


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + PATIENT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def default_signals() -> Iterator[None]:
    """Processes started in here mind every signal, even if a shell's background or nohup has us ignore some."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Up:
    """A running `up`, and whatever it has started: all carry a mark in their environment.

    Args:
        folder: for what it keeps.
        options: of the command.
        wrapper: what runs the command.
        json: whether it prints one line of JSON.
        warm: address of what forks its emulator and functions host (see warm.py); None starts them from nothing.

    Attributes:
        process: the command itself, or what was asked to run it.
        errors: what it says to standard error.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        wrapper: tuple[str, ...] = (),
        json: bool = True,
        warm: str | None = None,
    ) -> None:
        self.errors = folder / "stderr"
        self._mark = uuid4().hex
        self._named: list[psutil.Process] = []
        local = [sys.executable, "-m", "adf_trigger.local"]
        command = [
            *wrapper,
            *(local if warm is None else command_of(warm)),
            "up",
            *(["--json"] if json else []),
            *options,
        ]
        with self.errors.open("w") as errors, default_signals():
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                # What it keeps to explain an error goes with the test's own folder.
                env={**os.environ, _MARK: self._mark, "TMPDIR": str(folder)},
            )

    def ready(self) -> Endpoints:
        """Wait for the line that says that all is ready."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"up ended: {self.errors.read_text()}"
        endpoints = Endpoints.from_json(line)
        self._named = [psutil.Process(pid) for pid in endpoints.pids.values()]
        return endpoints

    def end(self, how: signal.Signals) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(how)
        return self.process.wait(PATIENT_SECONDS)

    def rest_of_output(self) -> str:
        """What it has printed after the line that says that all is ready."""
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def said(self) -> str:
        """What it has said to standard error."""
        return self.errors.read_text()

    def processes(self) -> list[psutil.Process]:
        """Every living process that came of it, wherever it now hangs in the tree; what was forked has no mark."""
        marked = [process for process in psutil.process_iter() if self._marked(process)]
        return [*marked, *(each for each in self._named if each not in marked and _is_alive(each))]

    def _marked(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(_MARK) == self._mark
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def clean_up(self) -> None:
        """Leave nothing, whatever the test has come to."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENT_SECONDS)
        for process in self.processes():
            process.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
