"""Fixtures of the engine's tests."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.support.engine_factory import Factory


@pytest.fixture
def factory() -> Iterator[Factory]:
    """A factory in memory, closed at the end."""
    made = Factory()
    yield made
    made.close()


@pytest.fixture
def new_factory() -> Iterator[Callable[[], Factory]]:
    """Makes factories, for tests that need a fresh one an example."""
    with contextlib.ExitStack() as closing:

        def make() -> Factory:
            made = Factory()
            closing.callback(made.close)
            return made

        yield make
