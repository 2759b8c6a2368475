"""Statistics of a copy, measured by all of its threads."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class Side:
    """The source or the sink of a copy.

    Attributes:
        data: bytes sent or received over the network.
        busy: seconds that threads spent reading or writing.
        peak: maximum number of simultaneous connections.
        first_byte: seconds until the first byte; None where it is not measured.
    """

    data: int = 0
    files: int = 0
    rows: int = 0
    busy: float = 0.0
    peak: int = 0
    first_byte: float | None = None
    _open: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, *, data: int = 0, files: int = 0, rows: int = 0, busy: float = 0.0) -> None:
        """Add to the counts."""
        with self._lock:
            self.data += data
            self.files += files
            self.rows += rows
            self.busy += busy

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Count a connection while it is open."""
        with self._lock:
            self._open += 1
            self.peak = max(self.peak, self._open)
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the time spent in the context to `busy`."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.add(busy=time.monotonic() - begun)


@dataclass(slots=True)
class Statistics:
    """Both sides of a copy, its listing, and the skipped rows."""

    source: Side = field(default_factory=Side)
    sink: Side = field(default_factory=Side)
    listing: Side = field(default_factory=Side)
    skipped: Side = field(default_factory=Side)

    def skip_row(self) -> None:
        """Count a skipped row."""
        self.skipped.add(rows=1)
