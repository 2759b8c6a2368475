import pytest

from adf_trigger.ledger.memory import MemoryLedger
from adf_trigger.ledger.port import Ledger
from tests.contracts.ledger_contract import LedgerContract
from tests.contracts.ledger_machine import check_against_model


class TestMemoryLedger(LedgerContract):
    @pytest.fixture
    def ledger(self) -> Ledger:
        """A ledger in memory."""
        return MemoryLedger()


@pytest.mark.untraced  # the contract above is what is measured
def test_memory_keeps_to_the_model_in_any_order_of_steps() -> None:
    """After every step, in any order, the memory ledger and the model agree."""
    check_against_model(MemoryLedger(), examples=200, steps=40)
