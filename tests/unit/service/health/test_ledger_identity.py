"""The id by which a ledger is recognised, where two processes see it first."""

from uuid import UUID

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.service.health.ledger_identity import LEDGER_NOTE, LedgerIdentity
from adf_trigger.service.steps import logged_steps
from tests.support.faulty_ledger import FaultyNotes
from tests.support.memory_outbox import MemoryOutbox
from tests.support.world import MovingClock


def test_of_two_processes_that_see_a_ledger_first_one_gives_it_its_id() -> None:
    """The other reads the same id."""
    notes, landmark = FaultyNotes(), MemoryOutbox()
    notes.after["put"] = [LedgerConflict("another was first")]
    identity = LedgerIdentity(notes, landmark, MovingClock(), lambda: UUID(int=7), logged_steps)
    identity.check()
    note = notes.get(APP_SCOPE, LEDGER_NOTE)
    assert note is not None
    assert landmark.landmark() == note.value["id"] == str(UUID(int=7))
