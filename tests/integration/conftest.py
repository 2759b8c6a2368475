"""What integration tests share: one Azurite for each test process."""

import os
from collections.abc import Iterator

import pytest

from adf_trigger.local.azurite import Azurite

RUNNING = "AZURITE_OF_TESTS"
"""Variable with the connection string of an Azurite that is already running, set by runs of many test processes."""


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of a real Azurite, in memory, one for each test process.

    Tests share it: give queues, tables and containers names of their own.
    """
    if running := os.environ.get(RUNNING):
        yield running
        return
    with Azurite(log=tmp_path_factory.mktemp("azurite") / "azurite.log") as server:
        yield server.connection_string
