"""Waiting for a condition, with a limit."""

import time
from collections.abc import Callable

LIMIT = 60.0
"""Seconds: long enough that a busy machine does not fail a test."""


def until(condition: Callable[[], bool], limit: float = LIMIT) -> None:
    """Wait until a condition holds; fails once the limit is over.

    The condition is polled: once true it must stay true, or a poll may miss it.
    """
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"not so within {limit:g} s"
        time.sleep(0.02)
