"""Processes of the local stack: started under a guard, with their own log, and stopped with their descendants."""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from adf_trigger.local.processes.families import HAS_GROUPS, Family, Streams, group_family, tree_family

T = TypeVar("T")

GRACE_SECONDS = 10.0
_POLL_SECONDS = 0.02
_TAIL_LINES = 20


def ready_line(output: str) -> dict[str, Any] | None:
    """The first line that is a JSON object, which our own processes print once they are ready."""
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
    """A running process that ends when this process ends in any way.

    Args:
        name: for messages.
        command: program and arguments.
        log: file that its output is appended to; the folder must exist.
        answers: file for its standard output alone, overwritten and readable only by this user: for processes
            whose standard output reports that they are ready, possibly with secrets.
        env: its whole environment; default: that of this process.
        grace: seconds from SIGTERM to SIGKILL.
        held: file descriptors that it keeps open, where the system can, so that locks on them last while it runs.
        groups: whether to use a process group; default: where the system has them. See guard.py and watchdog.py.
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
        groups: bool = HAS_GROUPS,
    ) -> None:
        self.name = name
        self.log = log
        self._grace = grace
        with ExitStack() as opened:
            errors = opened.enter_context(log.open("ab"))
            self._answers, self._answers_start = log, errors.tell()
            self._log_start = errors.tell()
            output = errors
            if answers is not None:
                self._answers, self._answers_start = answers, 0
                answers.unlink(missing_ok=True)
                answers.touch(mode=0o600)
                output = opened.enter_context(answers.open("wb"))
            streams = Streams(output, errors, log)
            self._family = self._start(command, streams, env=env, held=held, groups=groups)

    @property
    def pid(self) -> int:
        """Process id of the command itself."""
        return self._family.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code as subprocess reports it; None while the process runs."""
        return self._family.exit_code()

    def output(self) -> str:
        """Its standard output since its start."""
        return _read(self._answers, self._answers_start)

    def tail(self) -> str:
        """The last lines of its log since its start, for messages."""
        return "\n".join(_read(self.log, self._log_start).splitlines()[-_TAIL_LINES:])

    def wait_until_ready(self, read: Callable[[str], T | None], *, timeout: float) -> T:
        """Wait until `read` finds the ready message in its output.

        Args:
            read: takes its standard output since the start; returns None if it is not ready yet.
            timeout: seconds.

        Raises:
            StartFailed: it ended, or timed out. The process has been stopped.
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

    def _start(
        self,
        command: Sequence[str],
        streams: Streams,
        *,
        env: Mapping[str, str] | None,
        held: Collection[int],
        groups: bool,
    ) -> Family:
        start = group_family if groups else tree_family
        return start(command, self._grace, streams, env=env, held=held)

    def stop(self) -> int:
        """Terminate it and its descendants, and kill them after the grace period; return its exit code.

        May be called again.
        """
        return self._family.stop()


def _read(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")
