"""A process and its descendants, which end when its starter does: held by a process group, or by a process tree."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import psutil

HAS_GROUPS = hasattr(os, "fork") and hasattr(os, "killpg")
"""Whether this system has process groups; Windows has none."""

_GUARD = Path(__file__).with_name("guard.py")
_WATCHDOG = Path(__file__).with_name("watchdog.py")
_POLL_SECONDS = 0.02
_GUARD_END_SECONDS = 5.0
_GROUP_END_SECONDS = 0.5
"""Short, since a killed process ends immediately unless the system is at fault."""
_DEAD = frozenset({psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})
_WATCHDOG_SECONDS = 30.0
"""Time for the watchdog to start the command; and, beyond the command's grace, to kill the remaining processes."""


@dataclass(frozen=True, slots=True)
class Streams:
    """The files for the output of a process, and its log, next to which its process id can be written."""

    output: IO[bytes]
    errors: IO[bytes]
    log: Path


class Family(Protocol):
    """A running command and its descendants."""

    @property
    def pid(self) -> int:
        """Process id of the command itself."""

    def exit_code(self) -> int | None:
        """Exit code of the command, as subprocess reports it; None while it runs."""

    def stop(self) -> int:
        """Terminate it and its descendants, and kill them after the grace period; return the exit code."""


def group_family(
    command: Sequence[str],
    grace: float,
    streams: Streams,
    *,
    env: Mapping[str, str] | None,
    held: Collection[int],
) -> Family:
    """Start a command as the leader of a process group, with a guard in it."""
    lifeline, guarded = socket.socketpair()
    with guarded:
        running = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), str(grace), *command],
            stdin=guarded.fileno(),
            stdout=streams.output,
            stderr=streams.errors,
            env=env,
            start_new_session=True,
            pass_fds=held,
        )
    return _Group(running, lifeline, grace)


def tree_family(
    command: Sequence[str],
    grace: float,
    streams: Streams,
    *,
    env: Mapping[str, str] | None,
    held: Collection[int],
) -> Family:
    """Start a command under a watchdog, which ends its descendants. It holds no locks: Windows cannot pass them on."""
    del held
    pid_file = streams.log.with_suffix(".pid")
    pid_file.unlink(missing_ok=True)
    running = subprocess.Popen(
        [sys.executable, "-I", str(_WATCHDOG), str(grace), str(pid_file), *command],
        stdin=subprocess.PIPE,
        stdout=streams.output,
        stderr=streams.errors,
        env=env,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    return _Tree(running, pid_file, grace)


class _Group:
    def __init__(self, running: "subprocess.Popen[bytes]", lifeline: socket.socket, grace: float) -> None:
        self._popen = running
        self._lifeline = lifeline
        self._grace = grace

    @property
    def pid(self) -> int:
        return self._popen.pid

    def exit_code(self) -> int | None:
        return self._popen.poll()

    def stop(self) -> int:
        if self.exit_code() is None:
            self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(self._grace)
        except subprocess.TimeoutExpired:
            self._popen.kill()
        self._end_group()
        return self._popen.wait()

    def _end_group(self) -> None:
        """Let the guard end the remaining processes, and wait until the guard has ended, too."""
        if self._lifeline.fileno() < 0:
            return
        with self._lifeline:
            self._lifeline.settimeout(_GUARD_END_SECONDS)
            try:
                self._lifeline.shutdown(socket.SHUT_WR)
                self._lifeline.recv(1)
            except OSError:  # the guard has ended already, or does not end: nothing more can be done here
                return
        self._wait_for_group()

    def _wait_for_group(self) -> None:
        """Wait until the processes that received the last signal have ended."""
        deadline = time.monotonic() + _GROUP_END_SECONDS
        while time.monotonic() < deadline and not group_has_ended(self.pid):
            time.sleep(_POLL_SECONDS)


def group_has_ended(group: int) -> bool:
    """Whether no process of a group runs. Zombies count as ended: in some containers no process reaps orphans."""
    try:
        os.killpg(group, 0)
    except OSError:
        return True
    return all(_is_elsewhere_or_dead(pid, group) for pid in psutil.pids())


def _is_elsewhere_or_dead(pid: int, group: int) -> bool:
    try:
        return os.getpgid(pid) != group or psutil.Process(pid).status() in _DEAD
    except (OSError, psutil.Error):
        return True


class _Tree:
    def __init__(self, running: "subprocess.Popen[bytes]", pid_file: Path, grace: float) -> None:
        self._popen = running
        self._grace = grace
        self._pid = running.pid
        deadline = time.monotonic() + _WATCHDOG_SECONDS
        while running.poll() is None and time.monotonic() < deadline:
            if pid_file.exists():
                self._pid = int(pid_file.read_text("ascii"))
                return
            time.sleep(_POLL_SECONDS)

    @property
    def pid(self) -> int:
        return self._pid

    def exit_code(self) -> int | None:
        return self._popen.poll()

    def stop(self) -> int:
        if self._popen.stdin is not None:
            with contextlib.suppress(OSError):  # it has ended
                self._popen.stdin.close()
        try:
            return self._popen.wait(self._grace + _WATCHDOG_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            return self._popen.wait()
