"""How many Data Factory calls a tick may still spend on a factory, and until when."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from adf_trigger.datafactory.models import Page

T = TypeVar("T")

RESERVED_READS = 25
"""Reads of the subscription's budget that are left to its other users: one second's worth of what is refilled."""


class Budget:
    """A number of calls, spent one by one, and perhaps an instant at which it is over. Threads may share it.

    Args:
        calls: how many.
        seconds: a clock that never goes back.
    """

    def __init__(self, calls: int, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._until = math.inf
        self._calls = calls
        self._left = calls
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """Calls left; none once its time is over."""
        return 0 if self.is_over else self._left

    @property
    def is_over(self) -> bool:
        """Whether its time is over, so that nothing more is begun."""
        return self._seconds() >= self._until

    def end_at(self, until: float) -> None:
        """From that instant of its clock on there is nothing left of it."""
        self._until = until

    @property
    def has_most(self) -> bool:
        """Whether no more than half of it is spent, so that what does not fit into it never will."""
        return self._left >= self._calls // 2

    def spend(self) -> bool:
        """Take one call from the budget; False where none is left."""
        with self._lock:
            if self.left <= 0:
                return False
            self._left -= 1
            return True

    def exhaust(self) -> None:
        """Spend all that is left: the subscription has few reads left."""
        with self._lock:
            self._left = 0

    def read(self, pages: Iterator[Page[T]], *, at_most: int | None = None) -> tuple[list[T], bool]:
        """Read pages, one call each, while the budget lasts: what they hold, and whether these were all.

        At most so many, where that is said: the rest of the budget is for what comes of them.

        Where the subscription has few reads left (x-ms-ratelimit-remaining-subscription-reads), it lasts no longer.
        """
        items: list[T] = []
        read = 0
        while (at_most is None or read < at_most) and self.spend():
            page = next(pages, None)
            if page is None:
                self._give_back()
                return items, True
            read += 1
            items.extend(page.items)
            if page.remaining_reads is not None and page.remaining_reads < RESERVED_READS:
                self.exhaust()
            if not page.more:
                return items, True
        return items, False

    def _give_back(self) -> None:
        with self._lock:
            self._left += 1
