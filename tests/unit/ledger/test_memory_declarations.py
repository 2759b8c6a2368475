import pytest

from adf_trigger.ledger.declarations import Declarations
from adf_trigger.ledger.memory_declarations import MemoryDeclarations
from tests.contracts.declarations_contract import DeclarationsContract


class TestMemoryDeclarations(DeclarationsContract):
    @pytest.fixture
    def declarations(self) -> Declarations:
        """Declarations in memory."""
        return MemoryDeclarations()
