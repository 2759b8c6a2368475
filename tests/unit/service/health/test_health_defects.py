"""What is answered where the code that reads or writes notes of health meets what it does not expect."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from adf_trigger.errors import LedgerConflict
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.service.health.health import HealthReader
from adf_trigger.service.health.ledger_identity import LEDGER_NOTE, LedgerIdentity
from adf_trigger.service.steps import logged_steps
from adf_trigger.settings.schedule import Schedule
from tests.support.faulty_ledger import FaultyNotes
from tests.support.memory_outbox import MemoryOutbox
from tests.support.world import MovingClock

WELL_AGAIN_AFTER = 10


def test_a_defect_of_reading_is_answered_like_an_outage_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With the name of the error alone; the next reading that works ends it."""
    notes, clock = FaultyNotes(), MovingClock()
    reader = HealthReader(notes, clock, Schedule("*/15 * * * * *"), seconds=clock.seconds)
    notes.before["get"] = [RuntimeError("with a secret")]
    reader._read()
    clock.forward(1)
    troubles = asyncio.run(reader.answer()).troubles
    assert [trouble.what for trouble in troubles] == ["the ledger cannot be read: RuntimeError"]
    assert [record.action for record in caplog.records] == ["health_not_read"]  # type: ignore[attr-defined]
    clock.forward(WELL_AGAIN_AFTER)
    reader._read()
    troubles = asyncio.run(reader.answer()).troubles
    assert [trouble.what for trouble in troubles if "cannot be read" in trouble.what] == []


def test_of_two_operators_who_acknowledge_a_ledger_at_once_one_is_refused() -> None:
    """The note keeps who was first, and the second is asked to look again."""
    notes = FaultyNotes()

    @contextmanager
    def others_first(name: str) -> Iterator[None]:
        if name == "ledger.acknowledge" and not others:
            others.append("first")
            identity.acknowledge("first")
        with logged_steps(name):
            yield

    others: list[str] = []
    landmark = MemoryOutbox()
    landmark.set_landmark("another ledger")
    identity = LedgerIdentity(notes, landmark, MovingClock(), lambda: UUID(int=7), others_first)
    identity.check()
    with pytest.raises(LedgerConflict):
        identity.acknowledge("second")
    note = notes.get(APP_SCOPE, LEDGER_NOTE)
    assert note is not None
    assert note.value["acknowledgedBy"] == "first"
