import pytest

from adf_trigger.ledger.port import Ledger
from adf_trigger.ledger.table import TableLedger
from tests.contracts.ledger_contract import LedgerContract


class TestTableLedger(LedgerContract):
    @pytest.fixture
    def ledger(self, table_ledger: TableLedger) -> Ledger:
        """A ledger in a table of the real Azurite."""
        return table_ledger
