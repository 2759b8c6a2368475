"""Processes of the local stack: started under a guard, with a log of their own, stopped whole."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

GRACE_SECONDS = 10.0
_GUARD = Path(__file__).with_name("guard.py")
_POLL_SECONDS = 0.02
_GUARD_END_SECONDS = 5.0
_GROUP_END_SECONDS = 0.5
"""Short, since where nobody reaps orphans, as in some containers, a group of dead processes stays."""
_TAIL_LINES = 20


def ready_line(output: str) -> dict[str, Any] | None:
    """The first line that is a JSON object: what our own processes print once they are ready."""
    for line in output.splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            try:
                found: dict[str, Any] = json.loads(line)
            except ValueError:
                continue
            return found
    return None


class StartFailed(Exception):
    """A process did not become ready. The text has the end of its log."""


class Process:
    """A running process that ends when this one does, however this one ends.

    Args:
        name: for messages.
        command: program and arguments.
        log: file that its output is appended to; the folder must exist.
        answers: file for its standard output alone, written anew and readable by nobody else: for processes
            whose standard output says when they are ready, perhaps with secrets.
        env: its whole environment; this process's own where None.
        grace: seconds that it has to end after SIGTERM before it is killed.
        held: file descriptors that it keeps open, so that a lock on them lasts as long as it runs.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        answers: Path | None = None,
        env: Mapping[str, str] | None = None,
        grace: float = GRACE_SECONDS,
        held: Collection[int] = (),
    ) -> None:
        self.name = name
        self.log = log
        self._grace = grace
        self._lifeline, guarded = socket.socketpair()
        with ExitStack() as opened:
            opened.enter_context(guarded)
            errors = opened.enter_context(log.open("ab"))
            self._answers, self._answers_start = log, errors.tell()
            self._log_start = errors.tell()
            output = errors
            if answers is not None:
                self._answers, self._answers_start = answers, 0
                output = opened.enter_context(answers.open("wb"))
                answers.chmod(0o600)
            self._popen: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), str(grace), *command],
                stdin=guarded.fileno(),
                stdout=output,
                stderr=errors,
                env=env,
                start_new_session=True,
                pass_fds=held,
            )

    @property
    def pid(self) -> int:
        """Process id of the command itself."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """As subprocess gives it; None while the process runs."""
        return self._popen.poll()

    def output(self) -> str:
        """What it has written to its standard output since its start."""
        return _read(self._answers, self._answers_start)

    def tail(self) -> str:
        """The last lines of its log since its start, for messages."""
        return "\n".join(_read(self.log, self._log_start).splitlines()[-_TAIL_LINES:])

    def wait_until_ready(self, read: Callable[[str], T | None], *, timeout: float) -> T:
        """Wait until `read` finds in its output what says that it is ready.

        Args:
            read: is given its standard output since the start; None means not yet.
            timeout: seconds.

        Raises:
            StartFailed: it ended, or the time is over. The process has been stopped.
        """
        deadline = time.monotonic() + timeout
        problem = None
        while problem is None:
            exit_code = self.exit_code
            if (found := read(self.output())) is not None:
                return found
            if exit_code is not None:
                problem = f"ended with exit code {exit_code} before it was ready"
            elif time.monotonic() >= deadline:
                problem = f"was not ready within {timeout:g} s"
            else:
                time.sleep(_POLL_SECONDS)
        self.stop()
        raise StartFailed(f"{self.name} {problem}; the end of {self.log}:\n{self.tail()}")

    def stop(self) -> int:
        """End it by SIGTERM, or by SIGKILL once its grace is over; give its exit code.

        May be called again.
        """
        if self.exit_code is None:
            self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(self._grace)
        except subprocess.TimeoutExpired:
            self._popen.kill()
        self._end_group()
        return self._popen.wait()

    def _end_group(self) -> None:
        """Let the guard end what the process has left behind, and wait until the guard is gone too."""
        if self._lifeline.fileno() < 0:
            return
        with self._lifeline:
            self._lifeline.settimeout(_GUARD_END_SECONDS)
            try:
                self._lifeline.shutdown(socket.SHUT_WR)
                self._lifeline.recv(1)
            except OSError:  # the guard is gone already, or will not go: nothing more can be done from here
                return
        self._wait_for_group()

    def _wait_for_group(self) -> None:
        """Wait for the moment between the last signal and the end of what it is sent to."""
        deadline = time.monotonic() + _GROUP_END_SECONDS
        while time.monotonic() < deadline:
            try:
                os.killpg(self.pid, 0)
            except OSError:
                return
            time.sleep(_POLL_SECONDS)


def _read(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")
