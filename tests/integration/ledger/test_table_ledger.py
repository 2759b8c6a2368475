import pytest

from adf_trigger.ledger.port import Ledger
from adf_trigger.ledger.table import TableLedger
from tests.contracts.ledger_contract import LedgerContract
from tests.contracts.ledger_machine import check_against_model


class TestTableLedger(LedgerContract):
    @pytest.fixture
    def ledger(self, table_ledger: TableLedger) -> Ledger:
        """A ledger in a table of the real Azurite."""
        return table_ledger


def test_the_table_matches_the_model_in_any_order_of_steps(table_ledger: TableLedger) -> None:
    """Whichever steps are taken in whatever order, the table and the model agree after each."""
    check_against_model(table_ledger, examples=5, steps=15)
