import pytest

from adf_trigger.ledger.memory import MemoryLedger
from adf_trigger.ledger.port import Ledger
from tests.contracts.ledger_contract import LedgerContract


class TestMemoryLedger(LedgerContract):
    @pytest.fixture
    def ledger(self) -> Ledger:
        """A ledger in memory."""
        return MemoryLedger()
