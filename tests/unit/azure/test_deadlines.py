"""The deadline of each call, watched by one thread for all."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from adf_trigger.azure import deadlines
from adf_trigger.azure.deadlines import Deadline

LIMIT = 60.0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(LIMIT)
        yield ours, theirs


def test_a_call_is_cut_at_its_own_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    """A deadline that is set after a later one fires first."""
    ours, _ = pair
    with Deadline(LIMIT), Deadline(0.2) as deadline:
        deadline.guard(ours)
        begun = time.monotonic()
        assert ours.recv(1) == b""
        assert time.monotonic() - begun < LIMIT / 2
        assert deadline.is_over


def test_a_finished_call_is_not_cut(pair: tuple[socket.socket, socket.socket]) -> None:
    """Its connection may serve another call by then."""
    ours, theirs = pair
    with Deadline(0.2) as deadline:
        deadline.guard(ours)
    with Deadline(0.4) as later:
        other, _ = socket.socketpair()
        with other, _:
            other.settimeout(LIMIT)
            later.guard(other)
            assert other.recv(1) == b""  # by now the first deadline has passed, too
    theirs.sendall(b"x")
    assert ours.recv(1) == b"x"


def test_deadlines_of_finished_calls_are_removed() -> None:
    """Thousands of calls that end early leave nothing behind, in one thread."""
    before = threading.active_count()
    for _ in range(5_000):
        with Deadline(LIMIT):
            pass
    assert len(deadlines._watch._due) <= 2 * deadlines._LEAST_KEPT + 2
    assert threading.active_count() <= before + 1
