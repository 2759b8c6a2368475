"""Azure Resource Manager's token buckets: one for each subscription, principal and kind of operation."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Bucket = Literal["reads", "writes", "deletes"]


@dataclass(frozen=True, slots=True)
class BucketSize:
    """The capacity of a bucket in requests, and its refill in requests per second."""

    capacity: int
    refill: float


SIZES: dict[Bucket, BucketSize] = {
    "reads": BucketSize(250, 25),
    "writes": BucketSize(200, 10),
    "deletes": BucketSize(200, 10),
}
"""As documented since 2024, for a service principal on one subscription in one region."""


MONITORING: dict[Bucket, BucketSize] = {"reads": BucketSize(1000, 1000 / 60)}
"""Monitoring queries of one factory: 1,000 in a minute, as documented."""


class TokenBuckets:
    """Counts requests; whether an empty bucket rejects one is decided by the request pipeline."""

    def __init__(self, sizes: dict[Bucket, BucketSize] | None = None) -> None:
        self._sizes = sizes or SIZES
        self._levels: dict[tuple[str, str, Bucket], tuple[float, datetime]] = {}

    def take(self, subscription: str, actor: str, bucket: Bucket, now: datetime) -> int | None:
        """Take one token.

        Returns:
            The whole tokens that remain, or None if the bucket was empty.
        """
        key = (subscription.lower(), actor, bucket)
        level = self._level(key, now)
        if level < 1:
            self._levels[key] = (level, now)
            return None
        self._levels[key] = (level - 1, now)
        return int(level - 1)

    def capacity(self, bucket: Bucket) -> int:
        """How many tokens a full bucket holds."""
        return self._sizes[bucket].capacity

    def wait(self, subscription: str, actor: str, bucket: Bucket, now: datetime) -> int:
        """Whole seconds, at least one, until a token is available."""
        missing = 1 - self._level((subscription.lower(), actor, bucket), now)
        return max(1, math.ceil(missing / self._sizes[bucket].refill))

    def clear(self) -> None:
        """Fill all buckets."""
        self._levels.clear()

    def _level(self, key: tuple[str, str, Bucket], now: datetime) -> float:
        size = self._sizes[key[2]]
        level, since = self._levels.get(key, (float(size.capacity), now))
        return min(float(size.capacity), level + max(0.0, (now - since).total_seconds()) * size.refill)
