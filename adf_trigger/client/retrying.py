"""How a call is repeated: with growing waits, some of them left to chance, and never beyond one whole time."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_WAIT = 0.25
LONGEST_WAIT = 10.0
WHOLE_TIME = 60.0
"""Seconds. A Functions app on Flex Consumption that has slept is awake within ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """When a call is repeated.

    Attributes:
        within: seconds that a call may take with all its repeats; 0 for no repeat.
        clock: seconds that only grow.
        sleep: waits so many seconds.
        chance: a number from 0 to 1.
    """

    within: float = WHOLE_TIME
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = field(default=random.random)

    def wait_before(self, attempt: int, retry_after: float | None) -> float:
        """Seconds to wait before a call is made again.

        Args:
            attempt: how many have been made.
            retry_after: what the service asks for, which is never undercut.
        """
        grown = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 10))
        jittered = grown * (0.5 + self.chance() / 2)
        return jittered if retry_after is None else retry_after + jittered / 4
