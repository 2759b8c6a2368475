"""What happened, one JSON object a line, written as it happens and judged off line."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Line = dict[str, Any]
"""A line of the history: `at` (seconds since the epoch), `kind`, and what belongs to that kind."""


class History:
    """Writes a history. Thread-safe; every line is on disk before `note` returns.

    Args:
        path: the file; its folder must exist. What was in it is gone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()

    def note(self, kind: str, **facts: Any) -> None:
        """Write a line.

        Args:
            kind: what happened: `invoke`, `return`, `event`, `kill`, …
            facts: what belongs to it.
        """
        with self._lock:
            line = json.dumps({"at": round(time.time(), 4), "kind": kind, **facts}, separators=(",", ":"))
            self._file.write(line + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def lines(path: Path) -> Iterator[Line]:
    """The lines of a history, oldest first."""
    with path.open(encoding="utf-8") as file:
        for text in file:
            yield json.loads(text)
