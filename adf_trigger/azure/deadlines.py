"""The limit of a whole call, kept whatever the other side does: at its end the connection is shut down.

Time-outs of sockets count between two bytes, so that headers, a TLS handshake or a body that drips outlasts them.
"""

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self


class Deadline:
    """The end of one call. At that instant the connection that the call uses is shut down, so that reads of it end.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._timer = threading.Timer(max(seconds, 0.0), self._cut)
        self._timer.daemon = True

    @property
    def is_over(self) -> bool:
        """Whether the call has used up its time."""
        return time.monotonic() >= self._at

    def guard(self, handle: socket.socket) -> None:
        """Shut this connection down at the end, in the place of an earlier one.

        A handle of its own: that of the connection is closed while a reply without a length is still being read.
        """
        with self._lock:
            self._let_go()
            self._handle = handle.dup()
        if self.is_over:
            self._cut()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._let_go()  # the connection may serve another call from now on

    def _let_go(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def _cut(self) -> None:
        with self._lock:
            if self._handle is not None:
                with suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)
