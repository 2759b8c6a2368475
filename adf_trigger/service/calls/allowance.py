"""Client-side rate limits: what the Resource Manager and Data Factory allow now, as far as this process knows.

The Resource Manager counts reads and writes of each principal in each subscription in token buckets, and states in
every reply how many are left; Data Factory allows 1,000 monitoring queries of a factory a minute, and states nothing.
Instances need no coordinator: the use of others shows in the next reply, at the latest in a 429, and each instance
leaves a reserve of reads.

Source: "Understand how Azure Resource Manager throttles requests" (token buckets since 2024: 250 reads and 25 a second,
200 writes and 10 a second), and Data Factory's limits.
"""

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.calls.throttling import Bucket

RESERVED_READS = 25
"""Reads that a tick reserves for the subscription's other users: one second's refill."""

RESERVED_QUERIES = 100
"""Monitoring queries of a factory that a tick reserves for other instances, whose use no reply shows."""

FORGOTTEN_AFTER = 60.0
"""Seconds after which a permit without an answer counts as unused."""

LOOK_AGAIN = 1.0
"""Maximum seconds between two checks of a waiting caller."""

_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate of a token bucket: its capacity, and its refill per second."""

    burst: float
    refill: float


RATES = {Bucket.READS: Rate(250, 25), Bucket.WRITES: Rate(200, 10)}
QUERIES = Rate(1_000, 1_000 / 60)


class _Level:
    """The level of one token bucket."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._at = now
        self._unanswered = deque[float]()
        self.answers = 0
        """Calls that were answered."""

    def wait(self, now: float, wanted: float) -> float:
        """Seconds until `wanted` tokens are available; 0 where they are now."""
        self._refill(now)
        return max(0.0, (wanted - self._tokens) / self._rate.refill)

    def take(self) -> None:
        self._tokens -= 1
        self._unanswered.append(self._at)

    def give_back(self, now: float) -> None:
        self._refill(now)
        self._tokens = min(self._rate.burst, self._tokens + 1)
        if self._unanswered:
            self._unanswered.pop()

    def not_sent(self, now: float) -> None:
        """Return the token of a call that was never sent, if it took one."""
        if self._unanswered:
            self.give_back(now)

    def answered(self, now: float, remaining: int | None, meanwhile: int) -> None:
        """Set the level that a reply states, less the calls that are still under way.

        Replies overtake each other: calls that were answered while this one was under way may have been counted before
        or after it, so that it does not raise the level by them.
        Whatever it says, a bucket is full again within twice the time that it takes to fill.
        """
        self._refill(now)
        self.answers += 1
        if self._unanswered:
            self._unanswered.popleft()
        if remaining is not None:
            most = min(self._rate.burst, max(0, remaining) - len(self._unanswered))
            self._tokens = max(-self._rate.burst, most - meanwhile, min(most, self._tokens))

    def empty(self, now: float) -> None:
        self._refill(now)
        self._tokens = min(self._tokens, 0.0)

    def _refill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._at = max(self._at, now)
        self._tokens = min(self._rate.burst, self._tokens + passed * self._rate.refill)
        while self._unanswered and now - self._unanswered[0] > FORGOTTEN_AFTER:
            self._unanswered.popleft()


class Allowance:
    """Rate limits by subscription and by factory. Thread-safe.

    Args:
        seconds: a monotonic clock.
        patient: whether `take` waits within its patience, and `pause` at all; else they return immediately.
        sleep: lets a number of its seconds pass.
    """

    def __init__(
        self,
        seconds: Callable[[], float] = time.monotonic,
        *,
        patient: bool = True,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._seconds = seconds
        self._patient = patient
        self._sleep = sleep
        self._levels: dict[tuple[str, Bucket | None], _Level] = {}
        self._changed = threading.Condition()

    def take(self, factory: str, bucket: Bucket, *, patience: float = 0.0, reserved: bool = False) -> bool:
        """Acquire one call; False where none is allowed within `patience`.

        Args:
            factory: resource id of the factory that is called.
            bucket: the bucket that the Resource Manager counts it in.
            patience: maximum seconds to wait for it.
            reserved: whether the reserve is left to others, and the call counts as a monitoring query.
        """
        waited = 0.0
        with self._changed:
            while True:
                now = self._seconds()
                wanted = [(self._level(factory, bucket), 1.0)]
                if reserved and bucket is Bucket.READS:
                    wanted = [
                        (self._level(factory, bucket), 1.0 + RESERVED_READS),
                        (self._level(factory, None), 1.0 + RESERVED_QUERIES),
                    ]
                wait = max(level.wait(now, tokens) for level, tokens in wanted)
                if wait <= 0:
                    for level, _ in wanted:
                        level.take()
                    return True
                if not self._patient or waited + wait > patience:
                    return False
                begun = time.monotonic()
                self._changed.wait(min(wait, LOOK_AGAIN))
                waited += time.monotonic() - begun

    def permit(self, factory: str, bucket: Bucket) -> Permit | None:
        """A permit for one call now; None where none is allowed."""
        return self._permit(factory, bucket) if self.take(factory, bucket) else None

    def demand(self, factory: str, bucket: Bucket) -> Permit:
        """A permit for one call whatever the limit; it counts against it, so that others wait longer."""
        with self._changed:
            level = self._level(factory, bucket)
            level.wait(self._seconds(), 1.0)
            level.take()
        return self._permit(factory, bucket)

    def _permit(self, factory: str, bucket: Bucket) -> Permit:
        return Permit(lambda: self.give_back(factory, bucket))

    def give_back(self, factory: str, bucket: Bucket, *, reserved: bool = False) -> None:
        """Return a call that was not made."""
        with self._changed:
            now = self._seconds()
            self._level(factory, bucket).give_back(now)
            if reserved and bucket is Bucket.READS:
                self._level(factory, None).give_back(now)
            self._changed.notify_all()

    def not_sent(self, factory: str, bucket: Bucket) -> None:
        """Return a call that was never sent: no connection, no token, or nothing that can be sent."""
        with self._changed:
            now = self._seconds()
            self._level(factory, bucket).not_sent(now)
            if bucket is Bucket.READS:
                self._level(factory, None).not_sent(now)
            self._changed.notify_all()

    def answers(self, factory: str, bucket: Bucket) -> int:
        """How many calls were answered so far: see `answered`."""
        with self._changed:
            return self._level(factory, bucket).answers

    def answered(
        self, factory: str, bucket: Bucket, remaining: int | None, *, begun_after: int | None = None
    ) -> None:
        """Settle a call that was answered, perhaps with the calls that are left.

        Args:
            factory: resource id of the factory that was called.
            bucket: what the Resource Manager counts it with.
            remaining: the calls that are left, as the reply states it.
            begun_after: the `answers` there were when it began; None where no other call was under way.
        """
        with self._changed:
            level = self._level(factory, bucket)
            meanwhile = 0 if begun_after is None else level.answers - begun_after
            level.answered(self._seconds(), remaining, meanwhile)
            self._changed.notify_all()

    def pause(self, seconds: float) -> bool:
        """Wait for so long, unless nobody is to wait; returns whether it did."""
        if self._patient:
            self._sleep(seconds)
        return self._patient

    def throttled(self, factory: str, bucket: Bucket, *, subscription: bool) -> None:
        """Empty a bucket after a 429: of the Resource Manager for the subscription, or of Data Factory itself."""
        with self._changed:
            now = self._seconds()
            self._level(factory, bucket).answered(now, None, 0)
            if subscription:
                self._level(factory, bucket).empty(now)
            elif bucket is Bucket.READS:
                self._level(factory, None).empty(now)

    def _level(self, factory: str, bucket: Bucket | None) -> _Level:
        """The level of a bucket of the factory's subscription, or of the factory's monitoring queries."""
        key = (subscription_of(factory) if bucket is not None else factory.lower(), bucket)
        if key not in self._levels:
            rate = QUERIES if bucket is None else RATES[bucket]
            self._levels[key] = _Level(rate, self._seconds())
        return self._levels[key]


def subscription_of(factory: str) -> str:
    """The subscription of a factory's resource id, in lower case; the id itself where it names none."""
    match = _SUBSCRIPTION.match(factory)
    return (match.group(1) if match else factory).lower()
