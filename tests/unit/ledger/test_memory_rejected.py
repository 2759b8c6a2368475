import pytest

from adf_trigger.ledger.memory_rejected import MemoryRejected
from adf_trigger.ledger.rejected import RejectedMessages
from tests.contracts.rejected_contract import RejectedContract


class TestMemoryRejected(RejectedContract):
    @pytest.fixture
    def rejected(self) -> RejectedMessages:
        """Rejected messages in memory."""
        return MemoryRejected()
