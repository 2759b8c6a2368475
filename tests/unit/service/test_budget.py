"""The calls of a tick: how many there are, and what is left to others."""

from collections.abc import Iterator

import pytest

from adf_trigger.datafactory.models import Page, ReplyHeaders
from adf_trigger.service.budget import RESERVED_READS, Budget


class Pages:
    """Pages of one item each, counted as they are asked for."""

    def __init__(self, count: int, *, remaining_reads: int | None = None) -> None:
        self.asked = 0
        self._count = count
        self._remaining_reads = remaining_reads

    def __iter__(self) -> Iterator[Page[int]]:
        for number in range(self._count):
            self.asked += 1
            more = number + 1 < self._count
            yield Page(items=[number], more=more, reply=ReplyHeaders(remaining_reads=self._remaining_reads))


def test_calls_are_spent_one_by_one() -> None:
    """There are as many as were given, and none after that."""
    budget = Budget(2)
    assert [budget.spend() for _ in range(4)] == [True, True, False, False]
    assert budget.left == 0


def test_an_exhausted_budget_has_no_call() -> None:
    """What was left is gone at once."""
    budget = Budget(5)
    budget.exhaust()
    assert (budget.left, budget.spend()) == (0, False)


@pytest.mark.parametrize(
    ("calls", "at_most", "count", "items", "complete", "left"),
    [
        (10, None, 3, [0, 1, 2], True, 7),
        (3, None, 3, [0, 1, 2], True, 0),
        (4, None, 3, [0, 1, 2], True, 1),
        (2, None, 3, [0, 1], False, 0),
        (10, 2, 3, [0, 1], False, 8),
        (10, 4, 3, [0, 1, 2], True, 7),
        (10, 0, 3, [], False, 10),
        (0, None, 3, [], False, 0),
        (10, None, 0, [], True, 10),
    ],
)
def test_pages_are_read_while_there_are_calls(
    calls: int, at_most: int | None, count: int, items: list[int], *, complete: bool, left: int
) -> None:
    """A page costs a call, the end of the list none; what may not be spent on them is left."""
    budget = Budget(calls)
    assert budget.read(iter(Pages(count)), at_most=at_most) == (items, complete)
    assert budget.left == left


def test_no_page_is_asked_for_that_is_not_paid_for() -> None:
    """Where the calls end, the next page is not fetched."""
    pages = Pages(3)
    Budget(2).read(iter(pages))
    assert pages.asked == 2


@pytest.mark.parametrize(
    ("remaining", "read"), [(RESERVED_READS, 3), (RESERVED_READS - 1, 1), (0, 1), (None, 3)]
)
def test_the_last_reads_of_the_subscription_are_left_to_others(remaining: int | None, read: int) -> None:
    """Below the reserve the page that said so is the last one, and nothing is left to spend."""
    budget = Budget(10)
    items, complete = budget.read(iter(Pages(3, remaining_reads=remaining)))
    assert (len(items), complete) == (read, read == 3)
    assert budget.left == (7 if read == 3 else 0)
