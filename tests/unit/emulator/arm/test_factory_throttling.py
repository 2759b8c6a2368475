"""ARM's token buckets with an injected clock."""

from datetime import UTC, datetime, timedelta

from adf_trigger.emulator.arm.throttling import BucketSize, TokenBuckets

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = {"reads": BucketSize(3, 2), "writes": BucketSize(2, 1), "deletes": BucketSize(1, 1)}


def buckets() -> TokenBuckets:
    """Small buckets."""
    return TokenBuckets(dict(SMALL))  # type: ignore[arg-type]


def test_a_bucket_empties_and_refills_with_time() -> None:
    """As many requests as the bucket holds pass together; time refills it up to its size."""
    under_test = buckets()
    taken = [under_test.take("s", "a", "reads", NOW) for _ in range(4)]
    assert taken == [2, 1, 0, None]
    assert under_test.take("s", "a", "reads", NOW + timedelta(seconds=0.5)) == 0
    assert under_test.take("s", "a", "reads", NOW + timedelta(hours=1)) == 2


def test_buckets_are_separate() -> None:
    """Subscriptions (in any case), principals and kinds of operation each have their own."""
    under_test = buckets()
    assert under_test.take("S", "a", "deletes", NOW) == 0
    assert under_test.take("s", "a", "deletes", NOW) is None
    assert under_test.take("s", "b", "deletes", NOW) == 0
    assert under_test.take("t", "a", "deletes", NOW) == 0
    assert under_test.take("s", "a", "writes", NOW) == 1


def test_the_wait_is_long_enough() -> None:
    """A token is available after the reported seconds, which are at least one."""
    under_test = buckets()
    while under_test.take("s", "a", "writes", NOW) is not None:
        pass
    wait = under_test.wait("s", "a", "writes", NOW)
    assert wait == 1
    assert under_test.take("s", "a", "writes", NOW + timedelta(seconds=wait)) is not None


def test_a_clock_moved_back_changes_nothing() -> None:
    """Moving the clock back neither fills nor empties a bucket."""
    under_test = buckets()
    assert under_test.take("s", "a", "reads", NOW) == 2
    assert under_test.take("s", "a", "reads", NOW - timedelta(days=1)) == 1
