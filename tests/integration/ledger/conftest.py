from uuid import uuid4

import pytest

from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.table import TableLedger

pytest.register_assert_rewrite("tests.contracts.ledger_contract", "tests.contracts.ledger_machine")


@pytest.fixture(scope="session")
def table_ledger(azurite: str) -> TableLedger:
    """A ledger in a table of the real Azurite; tests share it, each with a factory of its own."""
    ledger = open_table_ledger(table=f"t{uuid4().hex}", connection_string=azurite)
    ledger.create_table_if_missing()
    return ledger
