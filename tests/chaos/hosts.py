"""Functions hosts over the same storage: started, killed, paused, and started again when they have gone."""

import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from adf_trigger.functions_host.environment import HOST_KEY
from adf_trigger.local.processes.environment import child_environment
from adf_trigger.local.processes.process import Process, StartFailed, ready_line
from adf_trigger.local.stack.stack import APP
from tests.chaos.history import History
from tests.support.warm import command

READY_SECONDS = 60.0
TIME_SCALE = 0.1
OPTIONS: Sequence[str] = (
    *("--time-scale", str(TIME_SCALE)),
    *("--message-lease", "30"),
    *("--polling-cap", "0.5"),
    *("--drain-seconds", "3"),
    *("--grace-seconds", "3"),
)
"""A message lease of three seconds, and a failed message back after three: the platform's times, shortened."""

_WATCH_SECONDS = 0.05


class Host:
    """One functions host, kept running by a thread of its own.

    As the platform keeps its hosts: another is started as soon as one has ended, however that came.
    By default, each start has a host id of its own, so that no timer lock of a host that was killed keeps the
    next from ticking, and the timers of all hosts overlap all the time.

    Args:
        name: for logs and for the history.
        key: opens its functions.
        settings: its app settings.
        folder: for its logs.
        history: records every start and end.
        host_id: under which its timers have their locks; hosts that share it take turns.
        warm: address of what forks it (see tests/support/warm.py); None starts it from nothing.
    """

    def __init__(
        self,
        name: str,
        *,
        key: str,
        settings: Mapping[str, str],
        folder: Path,
        history: History,
        host_id: str | None = None,
        warm: str | None = None,
    ) -> None:
        self.name = name
        self._command = (
            [sys.executable, "-m", "adf_trigger.functions_host"]
            if warm is None
            else command(warm, "functions_host")
        )
        self._pid = 0
        self._settings = {**settings, HOST_KEY: key}
        self._env = child_environment(self._settings)
        self._wanted = self._running_with = 0
        self._reachable = True
        self._folder = folder
        self._host_id = host_id
        self._history = history
        self._starts = 0
        self._process: Process | None = None
        self._url: str | None = None
        self._doomed = False
        self._paused = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_running, name=f"host {name}")

    @property
    def url(self) -> str | None:
        """Where callers reach it; None while it does not run, or is kept from them."""
        return self._url if self._reachable else None

    @property
    def own_url(self) -> str | None:
        """Where it answers; None while it does not run."""
        return self._url

    def change(self, settings: Mapping[str, str], *, reachable: bool = True) -> None:
        """Kill it and have it run with other settings, as a platform does when settings change; returns once it does.

        Args:
            settings: in place of those that it was made with.
            reachable: whether callers are led to it.
        """
        self._reachable = False
        self._env = child_environment({**self._settings, **settings})
        self._wanted += 1
        killed: Process | None = None
        while self._running_with != self._wanted and not self._stopping.wait(_WATCH_SECONDS):
            process = self._process
            if process is not killed and self._running_with != self._wanted and self.kill():
                killed = process
        self._reachable = reachable

    def kill(self) -> bool:
        """End it as a power cut would; False where it does not run, or stands still: it is to wake up."""
        if not self._paused and self._signal(signal.SIGKILL):
            self._doomed = True
            self._history.note("kill", host=self.name)
            return True
        return False

    def pause(self) -> bool:
        """Suspend it until `resume`; False where it is not running."""
        if self._signal(signal.SIGSTOP):
            self._paused = True
            self._history.note("pause", host=self.name)
            return True
        return False

    def resume(self) -> None:
        """Resume it."""
        self._paused = False
        if self._signal(signal.SIGCONT):
            self._history.note("resume", host=self.name)

    def stop(self) -> None:
        """End it in order, as a platform does that needs one host fewer. May be called again."""
        self._stopping.set()
        self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _signal(self, number: signal.Signals) -> bool:
        process = self._process
        if self._url is None or process is None or process.exit_code is not None:
            return False
        with suppress(ProcessLookupError):
            os.kill(self._pid, number)
            return True
        return False

    def _keep_running(self) -> None:
        while not self._stopping.is_set():
            self._starts += 1
            wanted = self._wanted
            process = self._launch()
            try:
                ready = process.wait_until_ready(ready_line, timeout=READY_SECONDS)
            except StartFailed as exc:
                self._history.note("start_failed", host=self.name, reason=str(exc))
                continue
            self._process, self._pid, self._url = process, ready["pid"], ready["url"]
            self._running_with = wanted
            self._history.note("start", host=self.name, pid=self._pid, host_id=ready["host_id"])
            while process.exit_code is None and not self._stopping.wait(_WATCH_SECONDS):
                pass
            self._url = None
            code = process.stop()
            self._history.note(
                "end", host=self.name, exit_code=code, asked=self._doomed or self._stopping.is_set()
            )
            self._doomed = False

    def _launch(self) -> Process:
        options = ["--app", str(APP), "--json", *OPTIONS]
        options += ["--host-id", self._host_id or f"chaos-{self.name}-{self._starts}"]
        return Process(
            f"host {self.name}",
            [*self._command, *options],
            log=self._folder / f"host-{self.name}.log",
            answers=self._folder / f"host-{self.name}.ready",
            env=self._env,
        )
