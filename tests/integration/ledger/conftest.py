from collections.abc import Iterator
from uuid import uuid4

import pytest
import stamina
from azure.data.tables import TableClient

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.table import TableLedger
from tests.contracts.ledger_records import a_factory
from tests.support.log_records import records_can_be_read  # noqa: F401  # a fixture of all of them

pytest.register_assert_rewrite(
    "tests.contracts.claiming_contract",
    "tests.contracts.declarations_contract",
    "tests.contracts.ledger_machine",
    "tests.contracts.ledger_steps",
    "tests.contracts.listing_contract",
    "tests.contracts.notes_contract",
    "tests.contracts.places_contract",
    "tests.contracts.reading_contract",
    "tests.contracts.rejected_contract",
    "tests.contracts.removal_contract",
    "tests.contracts.saving_contract",
)


@pytest.fixture(scope="session")
def table() -> str:
    """Name of a table that no other test process has."""
    return f"t{uuid4().hex}"


@pytest.fixture(scope="session")
def table_ledger(azurite: str, table: str) -> TableLedger:
    """A ledger in a table of the real Azurite; tests share it, each with a factory of its own."""
    ledger = open_table_ledger(StorageAccount(connection_string=azurite), table=table)
    ledger.create_table_if_missing()
    return ledger


@pytest.fixture
def raw_table(azurite: str, table: str, table_ledger: TableLedger) -> Iterator[TableClient]:  # noqa: ARG001  # the table must be there
    """The ledger's table, without the ledger."""
    with TableClient.from_connection_string(azurite, table) as client:
        yield client


@pytest.fixture
def factory() -> str:
    """A factory that no other test has."""
    return a_factory()


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """Retries follow each other without a pause."""
    with stamina.set_testing(testing=True, attempts=3):
        yield
