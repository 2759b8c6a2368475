import pytest

from adf_trigger.ledger.memory_notes import MemoryNotes
from adf_trigger.ledger.notes import Notes
from tests.contracts.notes_contract import NotesContract


class TestMemoryNotes(NotesContract):
    @pytest.fixture
    def notes(self) -> Notes:
        """Notes in memory."""
        return MemoryNotes()
