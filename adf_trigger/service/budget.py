"""How many Data Factory calls a tick may still spend on a factory."""

from collections.abc import Iterator
from typing import TypeVar

from adf_trigger.datafactory.models import Page

T = TypeVar("T")


class Budget:
    """A number of calls, spent one by one."""

    def __init__(self, calls: int) -> None:
        self._left = calls

    @property
    def left(self) -> int:
        """Calls left."""
        return self._left

    def spend(self) -> bool:
        """Take one call from the budget; False where none is left."""
        if self._left <= 0:
            return False
        self._left -= 1
        return True

    def exhaust(self) -> None:
        """Spend all that is left: the factory asked to be left alone."""
        self._left = 0

    def read(self, pages: Iterator[Page[T]]) -> tuple[list[T], bool]:
        """Read pages, one call each, while the budget lasts: what they hold, and whether these were all."""
        items: list[T] = []
        while self.spend():
            page = next(pages, None)
            if page is None:
                self._left += 1
                return items, True
            items.extend(page.items)
        return items, False
