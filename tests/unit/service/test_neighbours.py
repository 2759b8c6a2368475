"""Other apps on the same storage are noticed."""

import pytest

from adf_trigger.ledger.memory_notes import MemoryNotes
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.service.neighbours import APP_NOTES, AppIdentity, Neighbours
from adf_trigger.service.steps import logged_steps
from tests.support.world import FACTORY_ID, MovingClock

QUEUE = "adf-run-requests"


def app(
    notes: MemoryNotes,
    clock: MovingClock,
    name: str,
    *,
    version: str = "2",
    factory: str = FACTORY_ID,
    queue: str = QUEUE,
) -> Neighbours:
    """An app on that storage."""
    return Neighbours(AppIdentity(name, version, (factory,), queue), notes, clock, logged_steps)


def test_another_app_that_differs_is_found_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """An older deployment in another factory that still reads the queue is named to the new one, while it lives."""
    notes, clock = MemoryNotes(), MovingClock()
    old = app(notes, clock, "old", version="1", factory=FACTORY_ID + "-2")
    new = app(notes, clock, "new")
    old.check()
    sentence = ""
    for _ in range(3):
        clock.forward(121)
        (sentence,) = new.check()
    assert "old" in sentence
    assert "other factories" in sentence
    assert "version 1" in sentence
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    clock.forward(600)
    assert new.check() == ()


def test_what_does_the_same_work_is_no_news() -> None:
    """Instances of one app, a twin with the same factories, and an app on another queue are as they should be."""
    notes, clock = MemoryNotes(), MovingClock()
    app(notes, clock, "mine", version="1").check()
    app(notes, clock, "twin", factory=FACTORY_ID.upper()).check()
    app(notes, clock, "elsewhere", factory=FACTORY_ID + "-2", queue="other-queue").check()
    assert app(notes, clock, "mine").check() == ()


def test_the_ledger_is_written_every_two_minutes_only_and_does_not_grow_for_ever() -> None:
    """An idle tick costs nothing, and apps that are gone for long are forgotten."""
    notes, clock = MemoryNotes(), MovingClock()
    app(notes, clock, "gone").check()
    clock.forward(31 * 86_400)
    mine = app(notes, clock, "mine")
    mine.check()
    (note,) = notes.named(APP_SCOPE, APP_NOTES)
    clock.forward(60)
    mine.check()
    assert notes.named(APP_SCOPE, APP_NOTES) == [note]
