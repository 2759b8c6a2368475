"""The budget of a tick for one factory: calls, and time."""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from adf_trigger.datafactory.models import Page
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.calls.throttling import Bucket

T = TypeVar("T")


class _Calls:
    """A pool of calls that parts of a tick share."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.is_exhausted = False
        self.lock = threading.Lock()


class Budget:
    """A number of calls, spent one by one, with an optional deadline. Thread-safe.

    Where an allowance is given, spending a call waits until the allowance permits it.

    Args:
        calls: how many.
        seconds: a monotonic clock.
        allowance: what the Resource Manager and Data Factory allow.
        factory: resource id of the factory that is called.
    """

    def __init__(
        self,
        calls: int,
        *,
        seconds: Callable[[], float] = time.monotonic,
        allowance: Allowance | None = None,
        factory: str = "",
    ) -> None:
        self._seconds = seconds
        self._until = math.inf
        self._most = calls
        self._calls = _Calls(calls)
        self._allowance = allowance
        self._factory = factory

    def part(self, until: float) -> "Budget":
        """The same pool of calls with an earlier deadline, in seconds of its clock."""
        part = Budget(self._most, seconds=self._seconds, allowance=self._allowance, factory=self._factory)
        part._calls = self._calls
        part._until = min(until, self._until)
        return part

    def share(self, share: float) -> "Budget":
        """The same pool of calls, for a share of the time that is left."""
        now = self._seconds()
        return self if math.isinf(self._until) else self.part(now + (self._until - now) * share)

    @property
    def left(self) -> int:
        """Calls left; none once its time is over."""
        return 0 if self.is_over else self._calls.left

    @property
    def is_over(self) -> bool:
        """Whether its time is over, so that nothing more is begun."""
        return self._seconds() >= self._until

    @property
    def has_most(self) -> bool:
        """Whether at most half of it is spent: work that does not fit now never will."""
        return self._calls.left >= self._most // 2

    def spend(self, bucket: Bucket = Bucket.READS) -> bool:
        """Take one call from the budget; False where none is left, or none is allowed in time."""
        with self._calls.lock:
            if self.left <= 0:
                return False
            self._calls.left -= 1
        if self._allowance is None:
            return True
        patience = max(0.0, self._until - self._seconds())
        if self._allowance.take(self._factory, bucket, patience=patience, reserved=True):
            return True
        self._count_back()
        return False

    def permit(self, bucket: Bucket) -> Permit | None:
        """A permit for one call, taken from the budget; None where none is left, or none is allowed in time."""
        return Permit(lambda: self.give_back(bucket)) if self.spend(bucket) else None

    def pause(self, seconds: float) -> bool:
        """Wait for so long, where the budget lasts longer; returns whether it did."""
        if self._allowance is None or self._seconds() + seconds >= self._until:
            return False
        return self._allowance.pause(seconds)

    def give_back(self, bucket: Bucket = Bucket.READS) -> None:
        """Return a call that was not made."""
        self._count_back()
        if self._allowance is not None:
            self._allowance.give_back(self._factory, bucket, reserved=True)

    def exhaust(self) -> None:
        """Spend all that is left, after a Retry-After of the factory."""
        with self._calls.lock:
            self._calls.left, self._calls.is_exhausted = 0, True

    def while_it_lasts(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items until the deadline."""
        for item in items:
            if self.is_over:
                return
            yield item

    def read(self, pages: Iterator[Page[T]], *, at_most: int | None = None) -> tuple[list[T], bool]:
        """Read pages, one call each, while the budget lasts; returns their items, and whether these were all.

        At most `at_most` pages, where given: the rest of the budget is for work on the items.
        """
        items: list[T] = []
        return items, self.read_each(pages, lambda page: items.extend(page.items), at_most=at_most)

    def read_each(
        self, pages: Iterator[Page[T]], take: Callable[[Page[T]], None], *, at_most: int | None = None
    ) -> bool:
        """The same without keeping the items: each page is passed to `take`; returns whether these were all."""
        read = 0
        while (at_most is None or read < at_most) and self.spend():
            page = next(pages, None)
            if page is None:
                self.give_back()
                return True
            read += 1
            take(page)
            if not page.more:
                return True
        return False

    def _count_back(self) -> None:
        with self._calls.lock:
            if not self._calls.is_exhausted:
                self._calls.left += 1
