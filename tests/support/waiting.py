"""Waiting for a condition, with a limit."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], limit: float = 30.0) -> None:
    """Wait until something is so; fails once the limit is over."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"not so within {limit:g} s"
        time.sleep(0.02)
