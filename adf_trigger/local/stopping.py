"""Stops long-running commands on signals, or when their parent process ends, on any system."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import psutil

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
"""The signals that ask to stop; each system has some of them."""


class Stopped(KeyboardInterrupt):
    """A signal asked to stop, or the parent process has ended. Like KeyboardInterrupt, it is not an error."""


class StopRequest:
    """Whether a signal has asked to stop.

    An exception of a signal handler is lost if the signal arrives while Python runs a finalizer, so that waiting code
    must also check here.
    """

    def __init__(self) -> None:
        self.by: str | None = None

    def check(self) -> None:
        """Check that no signal has arrived.

        Raises:
            Stopped: one has.
        """
        if self.by is not None:
            raise Stopped(self.by)


@contextmanager
def stopped_by_signals() -> Iterator[StopRequest]:
    """Turn the first stop signal into `Stopped`; ignore later ones, since everything is being stopped."""
    request = StopRequest()
    known = [signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__]
    wanted = [number for number in known if signal.getsignal(number) != signal.SIG_IGN]

    def stop(number: int, _: FrameType | None) -> None:
        for each in wanted:
            signal.signal(each, signal.SIG_IGN)
        request.by = signal.Signals(number).name
        request.check()

    before = {number: signal.signal(number, stop) for number in wanted}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Parent:
    """The process that started this one. With SIGHUP ignored (nohup) its end is ignored."""

    def __init__(self) -> None:
        self._pid = os.getppid()
        hangup = signal.Signals.__members__.get("SIGHUP")
        self._outlived = hangup is not None and signal.getsignal(hangup) == signal.SIG_IGN
        try:
            self._process: psutil.Process | None = psutil.Process(self._pid)
        except psutil.Error:
            self._process = None

    def check(self) -> None:
        """Check that it is still running.

        Raises:
            Stopped: it has ended.
        """
        if self._outlived:
            return
        # On systems where getppid() keeps the id of a parent that has ended, only that process itself shows it.
        if os.getppid() != self._pid or (self._process is not None and not self._process.is_running()):
            raise Stopped("the process that started this one has ended")
