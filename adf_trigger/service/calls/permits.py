"""Permits for one API call: each is used, or given back."""

from collections.abc import Callable
from types import TracebackType
from typing import Self


class Permit:
    """A permit for one call. At the end of its context it is given back, unless the call has begun.

    A call that has begun is settled by its answer (`WatchedRuns`), whatever that is.

    Args:
        give_back: called at most once, where no call has begun.
    """

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back = give_back
        self._is_open = True

    def use(self) -> None:
        """Mark the call as begun."""
        self._is_open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_open:
            self._is_open = False
            self._give_back()
