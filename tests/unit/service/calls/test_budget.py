"""The calls of a tick: how many there are, and what is left to others."""

from collections.abc import Iterator

import pytest

from adf_trigger.datafactory.models import Page, ReplyHeaders
from adf_trigger.service.calls.allowance import RESERVED_READS, Allowance
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.throttling import Bucket

FACTORY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataFactory/factories/f"


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
    """There are as many as were given, and no more."""
    budget = Budget(2)
    assert [budget.spend() for _ in range(4)] == [True, True, False, False]
    assert budget.left == 0


def test_an_exhausted_budget_has_no_call() -> None:
    """The remaining calls are dropped."""
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
    """A page costs a call, the end of the list none; calls that may not be spent on pages are left."""
    budget = Budget(calls)
    assert budget.read(iter(Pages(count)), at_most=at_most) == (items, complete)
    assert budget.left == left


def test_no_page_is_requested_without_a_call() -> None:
    """When the calls are spent, the next page is not fetched."""
    pages = Pages(3)
    Budget(2).read(iter(pages))
    assert pages.asked == 2


@pytest.mark.parametrize(
    ("remaining", "read"), [(RESERVED_READS + 3, 3), (RESERVED_READS, 1), (0, 1), (None, 3)]
)
def test_the_last_reads_of_the_subscription_are_left_to_others(remaining: int | None, read: int) -> None:
    """Below the reserve the reporting page is the last one, and the rest of the budget is not spent."""
    allowance = Allowance(lambda: 0.0, patient=False)
    budget = Budget(10, allowance=allowance, factory=FACTORY)

    def noted() -> Iterator[Page[int]]:
        for page in Pages(3, remaining_reads=remaining):
            allowance.answered(FACTORY, Bucket.READS, page.remaining_reads)
            yield page

    items, complete = budget.read(noted())
    assert (len(items), complete) == (read, read == 3)
    assert budget.left == 10 - read


def test_parts_share_the_calls_and_each_has_its_own_deadline() -> None:
    """Calls that one part spends are gone for the others; the deadline of one is not that of another."""
    now = 0.0
    budget = Budget(3, seconds=lambda: now)
    soon, later = budget.part(1.0), budget.part(9.0)
    assert soon.spend()
    assert later.spend()
    assert budget.left == soon.left == 1
    now = 1.0
    assert (soon.is_over, later.is_over, budget.is_over) == (True, False, False)
    assert not soon.spend()
    assert list(soon.while_it_lasts([1, 2])) == []
    half = later.share(1 / 2)
    now = 4.9
    assert list(half.while_it_lasts([1, 2])) == [1, 2]
    now = 5.0
    assert half.is_over
    assert later.spend()
    assert not later.spend()


def test_a_call_that_was_not_made_is_returned() -> None:
    """It is returned to the budget and to the allowance."""
    allowance = Allowance(lambda: 0.0, patient=False)
    budget = Budget(300, allowance=allowance, factory=FACTORY)
    while budget.spend(Bucket.WRITES):
        pass
    assert budget.left == 100, "two hundred writes are allowed at once"
    budget.give_back(Bucket.WRITES)
    assert budget.left == 101
    assert budget.spend(Bucket.WRITES)
    assert not budget.spend(Bucket.WRITES)


def test_a_read_that_was_not_made_is_returned_to_the_factory_too() -> None:
    """Monitoring queries are counted separately: however often one is taken and returned, the number stays."""
    budget = Budget(1, allowance=Allowance(lambda: 0.0, patient=False), factory=FACTORY)
    for _ in range(1_100):
        assert budget.spend()
        budget.give_back()


def test_a_call_that_is_returned_to_an_exhausted_budget_is_not_spent() -> None:
    """The factory has asked for a pause since the call was taken."""
    budget = Budget(5)
    permit = budget.permit(Bucket.WRITES)
    assert permit is not None
    with permit:
        budget.exhaust()
    assert budget.left == 0


def test_a_permit_that_was_not_used_is_returned_to_its_sources() -> None:
    """It returns to the budget and to the writes of the subscription; where none is left, none is given."""
    budget = Budget(1, allowance=Allowance(lambda: 0.0, patient=False), factory=FACTORY)
    for _ in range(201):
        permit = budget.permit(Bucket.WRITES)
        assert permit is not None
        with permit:
            assert budget.permit(Bucket.WRITES) is None
    assert budget.left == 1


def test_writes_and_reads_are_permitted_separately() -> None:
    """Where no write is allowed any more, a read still is."""
    budget = Budget(1_000, allowance=Allowance(lambda: 0.0, patient=False), factory=FACTORY)
    while permit := budget.permit(Bucket.WRITES):
        permit.use()
    assert budget.left == 800
    assert budget.permit(Bucket.READS) is not None


class Asked(Allowance):
    """Allows everything, and notes how long each call may be waited for, and its factory."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.asked: list[tuple[str, float]] = []

    def take(
        self,
        factory: str,
        bucket: Bucket,  # noqa: ARG002 - the port's
        *,
        patience: float = 0.0,
        reserved: bool = False,  # noqa: ARG002 - the port's
    ) -> bool:
        """See Allowance."""
        self.asked.append((factory, patience))
        return True


def test_a_call_is_waited_for_until_the_budget_ends_and_no_longer() -> None:
    """A part asks for the same factory, up to its own deadline; a deadline that has passed allows no wait."""
    now, step = 5.0, 0.0

    def seconds() -> float:
        nonlocal now
        now += step
        return now

    allowance = Asked()
    part = Budget(10, seconds=seconds, allowance=allowance, factory=FACTORY).part(8.0)
    assert part.spend()
    now, step = 7.5, 0.4  # time passes between the two looks at the clock
    assert part.spend()
    assert allowance.asked == [(FACTORY, 3.0), (FACTORY, 0.0)]


def test_a_part_knows_how_much_of_the_whole_is_left() -> None:
    """Half of the calls of the whole budget counts as most of them, however many parts there are."""
    budget = Budget(4)
    part = budget.part(1e9).part(1e9)
    assert part.spend()
    assert part.spend()
    assert (part.has_most, budget.has_most) == (True, True)
    assert budget.spend()
    assert (part.has_most, budget.has_most) == (False, False)


def test_a_share_of_a_budget_without_a_deadline_is_the_budget() -> None:
    """There is no time to share."""
    budget = Budget(1)
    assert budget.share(1 / 2) is budget
