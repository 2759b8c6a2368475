"""What the tests of processes share."""

from collections.abc import Iterator

import pytest

from tests.support.warm import warm_processes


@pytest.fixture(scope="session")
def warm() -> Iterator[str]:
    """Address of what forks emulators and functions hosts that have imported everything, one for each worker."""
    with warm_processes() as address:
        yield address
