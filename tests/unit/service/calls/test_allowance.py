"""How many calls may be made now, as far as replies show, and how a thread waits for one."""

import heapq
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.arm.throttling import TokenBuckets
from adf_trigger.service.calls.allowance import RESERVED_QUERIES, RESERVED_READS, Allowance, subscription_of
from adf_trigger.service.calls.throttling import Bucket
from tests.support.world import START

ONE = "/subscriptions/AAAA/resourceGroups/g/providers/Microsoft.DataFactory/factories/one"
TWO = ONE.replace("one", "two").lower()
ELSEWHERE = ONE.replace("AAAA", "BBBB")

LASTS = 30.0
"""Seconds for which callers continue."""


class Seconds:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """A clock."""
    return Seconds()


@pytest.fixture
def allowance(seconds: Seconds) -> Allowance:
    """An allowance for which no thread waits."""
    return Allowance(seconds, patient=False)


def taken(allowance: Allowance, factory: str, bucket: Bucket, *, reserved: bool = False) -> int:
    """How many calls are allowed without a wait."""
    count = 0
    while allowance.take(factory, bucket, reserved=reserved):
        count += 1
    return count


@pytest.mark.parametrize(("bucket", "burst", "refill"), [(Bucket.WRITES, 200, 10), (Bucket.READS, 250, 25)])
def test_a_burst_is_allowed_and_then_the_refill_rate(
    allowance: Allowance, seconds: Seconds, bucket: Bucket, burst: int, refill: int
) -> None:
    """The Resource Manager documents both, and there is never more than a full bucket."""
    assert taken(allowance, ONE, bucket) == burst
    seconds.now = 1.0
    assert taken(allowance, ONE, bucket) == refill
    seconds.now = 10_000.0
    assert taken(allowance, ONE, bucket) == burst


def test_factories_of_a_subscription_share_and_other_subscriptions_do_not(allowance: Allowance) -> None:
    """The Resource Manager counts by subscription, in whatever case it is spelled."""
    assert taken(allowance, ONE, Bucket.WRITES) == 200
    assert taken(allowance, TWO, Bucket.WRITES) == 0
    assert taken(allowance, ELSEWHERE, Bucket.WRITES) == 200
    assert subscription_of("no resource id") == "no resource id"


def test_ticks_leave_a_reserve_and_count_queries_by_factory(allowance: Allowance, seconds: Seconds) -> None:
    """The reserve is for reads of other clients; monitoring queries of other instances appear in no reply."""
    assert taken(allowance, ONE, Bucket.READS, reserved=True) == 250 - RESERVED_READS
    assert taken(allowance, ONE, Bucket.READS) == RESERVED_READS
    count = 250 - RESERVED_READS
    for _ in range(250):
        allowance.answered(ONE, Bucket.READS, None)
    while count < 2_000:
        seconds.now += 0.01
        allowance.answered(ONE, Bucket.READS, 249)
        if not allowance.take(ONE, Bucket.READS, reserved=True):
            break
        count += 1
    spent_for = seconds.now
    assert count == pytest.approx(1_000 - RESERVED_QUERIES + spent_for * 1_000 / 60, abs=2)
    assert allowance.take(TWO, Bucket.READS, reserved=True), "another factory has queries of its own"


def test_a_reply_shows_what_others_have_spent(allowance: Allowance) -> None:
    """The calls that are still in flight are deducted, and there is never more than a full bucket."""
    for _ in range(4):
        assert allowance.take(ONE, Bucket.WRITES)
    allowance.answered(ONE, Bucket.WRITES, 10)
    assert taken(allowance, ONE, Bucket.WRITES) == 10 - 3
    allowance.answered(ONE, Bucket.WRITES, 1_199)
    assert taken(allowance, ONE, Bucket.WRITES) <= 200


def test_an_overtaken_reply_gives_back_no_call_of_another(allowance: Allowance) -> None:
    """The reply that shows nothing left was counted last, and came first."""
    taken(allowance, ONE, Bucket.WRITES)
    for _ in range(198):
        allowance.answered(ONE, Bucket.WRITES, None)
    begun = allowance.answers(ONE, Bucket.WRITES)
    allowance.answered(ONE, Bucket.WRITES, 0, begun_after=begun)
    allowance.answered(ONE, Bucket.WRITES, 1, begun_after=begun)
    assert taken(allowance, ONE, Bucket.WRITES) == 0


def test_a_reply_is_trusted_except_for_calls_that_it_may_not_count(allowance: Allowance) -> None:
    """It raises the level by what it shows for certain, and lowers it to what others have left."""
    taken(allowance, ONE, Bucket.WRITES)
    for _ in range(197):
        allowance.answered(ONE, Bucket.WRITES, 0)
    begun = allowance.answers(ONE, Bucket.WRITES)
    for _ in range(2):
        allowance.answered(ONE, Bucket.WRITES, None, begun_after=begun)
    allowance.answered(ONE, Bucket.WRITES, 10, begun_after=begun)
    assert taken(allowance, ONE, Bucket.WRITES) == 10 - 2
    begun = allowance.answers(ONE, Bucket.WRITES)
    for remaining in (150, 150, 9):
        allowance.answered(ONE, Bucket.WRITES, remaining, begun_after=begun)
    assert taken(allowance, ONE, Bucket.WRITES) == 9 - 5


@given(seed=st.integers(0, 2**32), callers=st.integers(1, 24), latency=st.floats(0.05, 0.5))
@settings(max_examples=30, deadline=None)
def test_a_sole_caller_is_never_refused(seed: int, callers: int, latency: float) -> None:
    """However calls and their replies overtake each other, a bucket's rest is never overestimated."""
    random, seconds, service = Random(seed), Seconds(), TokenBuckets()  # noqa: S311 - no secret
    allowance, numbers = Allowance(seconds, patient=False), itertools.count()
    waiting: list[tuple[float, int, str, int | None, int]] = []

    def later(step: str, left: int | None, begun: int) -> None:
        heapq.heappush(waiting, (seconds.now + random.uniform(0, latency), next(numbers), step, left, begun))

    for _ in range(callers):
        later("ask", None, 0)
    made = 0
    while seconds.now < LASTS:
        seconds.now, _, step, left, begun = heapq.heappop(waiting)
        if step == "arrive":
            left = service.take("s", "a", "writes", START + timedelta(seconds=seconds.now))
            assert left is not None, f"refused after {made} calls"
            made += 1
            later("answer", left, begun)
            continue
        if step == "answer":
            allowance.answered(ONE, Bucket.WRITES, left, begun_after=begun)
        if allowance.take(ONE, Bucket.WRITES):
            later("arrive", None, allowance.answers(ONE, Bucket.WRITES))
        else:
            later("ask", None, 0)
    fastest = callers * LASTS / (2 * latency)
    assert made >= min(0.8 * (200 + 10 * LASTS), 0.2 * fastest)


def test_calls_that_were_never_made_are_returned(allowance: Allowance, seconds: Seconds) -> None:
    """A caller that took a call and failed before it was made does not reduce the allowance permanently."""
    taken(allowance, ONE, Bucket.WRITES)
    seconds.now = 61.0
    allowance.answered(ONE, Bucket.WRITES, 199)
    assert taken(allowance, ONE, Bucket.WRITES) == 199


def test_a_429_of_the_subscription_empties_its_bucket_and_one_of_a_factory_its_queries(
    allowance: Allowance, seconds: Seconds
) -> None:
    """A factory that throttles on its own slows no other."""
    allowance.throttled(ONE, Bucket.READS, subscription=False)
    assert not allowance.take(ONE, Bucket.READS, reserved=True)
    assert allowance.take(TWO, Bucket.READS, reserved=True)
    allowance.throttled(ONE, Bucket.READS, subscription=True)
    assert not allowance.take(TWO, Bucket.READS, reserved=True)
    assert taken(allowance, ONE, Bucket.WRITES) == 200
    seconds.now = 2.0
    assert taken(allowance, TWO, Bucket.READS) == 50


def test_a_waiting_thread_continues_as_soon_as_a_reply_allows_it() -> None:
    """A thread that waits for a call is woken by what another learns, and each call is allowed once."""
    allowance = Allowance(lambda: 0.0)  # a clock that stands still: nothing is refilled
    assert taken(allowance, ONE, Bucket.WRITES) == 200
    begun = threading.Barrier(9)

    def wait_for_one(_: int) -> bool:
        begun.wait()
        return allowance.take(ONE, Bucket.WRITES, patience=60.0)

    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(wait_for_one, number) for number in range(8)]
        begun.wait()
        for _ in range(8):
            allowance.give_back(ONE, Bucket.WRITES)
        assert all(each.result(timeout=60) for each in waiting)
    assert taken(allowance, ONE, Bucket.WRITES) == 0


def test_no_thread_waits_longer_than_its_limit() -> None:
    """A call that cannot be allowed in time is not waited for at all."""
    allowance = Allowance(lambda: 0.0)
    taken(allowance, ONE, Bucket.WRITES)
    assert not allowance.take(ONE, Bucket.WRITES, patience=0.05)
