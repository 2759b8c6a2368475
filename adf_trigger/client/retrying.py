"""Retries of a call: exponential waits with jitter, within one total time."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_WAIT = 0.25
LONGEST_WAIT = 10.0
WHOLE_TIME = 60.0
"""Seconds. A Functions app on Flex Consumption that was scaled to zero responds within ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """When a call is retried.

    Attributes:
        within: seconds that a call may take including all retries; 0 for no retry.
        clock: monotonic seconds.
        sleep: waits for a number of seconds.
        chance: returns a random number from 0 to 1.
    """

    within: float = WHOLE_TIME
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = field(default=random.random)

    def wait_before(self, attempt: int, retry_after: float | None) -> float:
        """Seconds to wait before the next attempt.

        Args:
            attempt: number of attempts so far.
            retry_after: seconds that the service asks for; the wait is never shorter.
        """
        grown = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 10))
        jittered = grown * (0.5 + self.chance() / 2)
        return jittered if retry_after is None else retry_after + jittered / 4
