"""Waiting for a condition, with a limit."""

import time
from collections.abc import Callable

LIMIT = 60.0
"""Seconds: what is only slow, on a machine that is busy, must not fail."""


def until(condition: Callable[[], bool], limit: float = LIMIT) -> None:
    """Wait until a condition holds; fails once the limit is over.

    The condition is looked at now and then: it must be one that stays, not one that can come and go between two looks.
    """
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"not so within {limit:g} s"
        time.sleep(0.02)
