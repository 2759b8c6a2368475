"""A factory whose pipelines run in memory, for the tests of the engine and of activities."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.engine_factory import Factory


@pytest.fixture
def factory() -> Iterator[Factory]:
    """A factory in memory, closed at the end."""
    with closing(Factory()) as made:
        yield made
