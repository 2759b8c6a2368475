"""The time limit of a whole call, enforced against any peer: at its end the connection is shut down.

Socket time-outs count between two bytes, so headers, a TLS handshake or a body that trickles in can outlast them.
"""

import heapq
import itertools
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

_LEAST_KEPT = 64
"""Up to this many deadlines of finished calls are left in the heap until their time comes."""


class _Watch:
    """A thread that aborts calls at their deadlines: one for all, since a thread for each call costs more."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Deadline]] = []
        self._numbers = itertools.count()
        self._over = 0
        self._thread: threading.Thread | None = None

    def begin(self, deadline: "Deadline") -> None:
        with self._changed:
            heapq.heappush(self._due, (deadline.at, next(self._numbers), deadline))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._due[0][2] is deadline:
                self._changed.notify()

    def end(self) -> None:
        """Note that a call has ended before its deadline. Stale deadlines are bounded by the pending ones."""
        with self._changed:
            self._over += 1
            if self._over > max(_LEAST_KEPT, len(self._due) // 2):
                self._due = [each for each in self._due if each[2].is_pending]
                heapq.heapify(self._due)
                self._over = 0

    def _run(self) -> None:
        while True:
            self._next().cut()

    def _next(self) -> "Deadline":
        """Wait for the next deadline that is due."""
        with self._changed:
            while True:
                while self._due and not self._due[0][2].is_pending:
                    heapq.heappop(self._due)
                    self._over = max(0, self._over - 1)
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)


_watch = _Watch()


class Deadline:
    """The deadline of one call. At that instant the call's connection is shut down, so that reads from it end.

    Args:
        seconds: from now.

    Attributes:
        at: its instant on the monotonic clock.
        is_pending: whether the call is still in progress.
    """

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds
        self.is_pending = False
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None

    @property
    def is_over(self) -> bool:
        """Whether the call has used up its time."""
        return time.monotonic() >= self.at

    def guard(self, handle: socket.socket) -> None:
        """Shut this connection down at the deadline, instead of an earlier one.

        The socket is duplicated: the connection closes its own while a reply without a length is still being read.
        """
        with self._lock:
            self._release()
            self._handle = handle.dup()
        if self.is_over:
            self.cut()

    def __enter__(self) -> Self:
        self.is_pending = True
        _watch.begin(self)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.is_pending = False
        _watch.end()
        with self._lock:
            self._release()  # the connection may serve another call from now on

    def _release(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def cut(self) -> None:
        """Shut the connection down, if there is one."""
        with self._lock:
            if self._handle is not None:
                with suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)
