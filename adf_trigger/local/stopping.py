"""When a command that runs until it is told to stop has to stop, on any system."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import psutil

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
"""The signals that ask to stop; each system has some of them."""


class Stopped(KeyboardInterrupt):
    """Somebody asked to stop, or is no longer there: not an error, as KeyboardInterrupt is none."""


class Asked:
    """Whether a signal has asked to stop.

    What a signal's handler raises is lost where the signal comes while Python runs a finalizer, so that whoever waits
    looks here, too.
    """

    def __init__(self) -> None:
        self.by: str | None = None

    def check(self) -> None:
        """See that no signal has come.

        Raises:
            Stopped: one has.
        """
        if self.by is not None:
            raise Stopped(self.by)


@contextmanager
def stopped_by_signals() -> Iterator[Asked]:
    """Turn the first signal to stop into `Stopped`; ignore those that follow, since all is being stopped."""
    asked = Asked()
    known = [signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__]
    wanted = [number for number in known if signal.getsignal(number) != signal.SIG_IGN]

    def stop(number: int, _: FrameType | None) -> None:
        for each in wanted:
            signal.signal(each, signal.SIG_IGN)
        asked.by = signal.Signals(number).name
        asked.check()

    before = {number: signal.signal(number, stop) for number in wanted}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Parent:
    """The process that started this one. With SIGHUP ignored (nohup) it does not matter that it goes."""

    def __init__(self) -> None:
        self._pid = os.getppid()
        hangup = signal.Signals.__members__.get("SIGHUP")
        self._outlived = hangup is not None and signal.getsignal(hangup) == signal.SIG_IGN
        try:
            self._process: psutil.Process | None = psutil.Process(self._pid)
        except psutil.Error:
            self._process = None

    def check(self) -> None:
        """See that it is there.

        Raises:
            Stopped: it has gone.
        """
        if self._outlived:
            return
        # Where a process keeps the id of a parent that has gone, only looking for that one tells.
        if os.getppid() != self._pid or (self._process is not None and not self._process.is_running()):
            raise Stopped("the process that started this one has gone")
