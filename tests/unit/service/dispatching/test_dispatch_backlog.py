"""How a turn of the dispatcher ends a backlog: never while a request waits, whatever comes between its steps."""

from collections.abc import Callable

import pytest

from adf_trigger.errors import LedgerError
from adf_trigger.service.starting.backlog import NOTE
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.faulty_ledger import FaultyNotes
from tests.support.world import FACTORY_ID, STARTED
from tests.unit.service.dispatching.test_dispatcher import Turns


class Removed(FaultyNotes):
    """Runs a callback before the note is removed, and counts the removals."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], object]] = []
        self.removed = 0

    def remove(self, scope: str, name: str, etag: str | None = None) -> None:
        """See Notes."""
        self.removed += 1
        if self.meanwhile:
            self.meanwhile.pop()()
        super().remove(scope, name, etag)


@pytest.fixture
def notes() -> Removed:
    """Notes in memory."""
    return Removed()


@pytest.fixture
def world(notes: Removed) -> Turns:
    """Requests wait for their turns, one of them in the rows of this one; the backlog began five seconds ago."""
    world = Turns(tick_threads=TickThreads(), notes=notes)
    world.factory.declare("load")
    world.wait_for_turns()
    world.submit("key-1")
    world.clock.forward(5)
    return world


def test_a_backlog_ends_once_no_request_waits_and_not_before(world: Turns, notes: Removed) -> None:
    """Otherwise a newcomer would overtake the waiting requests."""
    world.submit("key-2")
    world.dispatch(["key-1"])
    assert {world.status("key-1"), world.status("key-2")} <= STARTED
    assert (notes.removed, world.has_backlog) == (1, False)


def test_a_request_that_saw_the_backlog_before_its_end_is_started_as_the_backlog_resumes(
    world: Turns, notes: Removed
) -> None:
    """The backlog keeps its earlier beginning, and ends behind the last request."""
    began = notes.get(FACTORY_ID, NOTE)
    assert began is not None
    found = []

    def come() -> None:
        world.submit("key-2")
        create_run = world.factory.create_run

        def noted(*args: object, **options: object) -> object:
            note = notes.get(FACTORY_ID, NOTE)
            found.append(note and note.value["since"])
            return create_run(*args, **options)  # type: ignore[arg-type]

        world.factory.create_run = noted  # type: ignore[method-assign, assignment]

    notes.meanwhile.append(come)
    world.dispatch(["key-1"])
    assert world.status("key-2") in STARTED
    assert found == [began.value["since"]]
    assert not world.has_backlog


def test_a_backlog_stays_where_it_is_unknown_whether_requests_wait(world: Turns, notes: Removed) -> None:
    """The next turn looks again."""
    began = notes.get(FACTORY_ID, NOTE)
    assert began is not None

    def fail() -> None:
        def active(_: str) -> None:
            raise LedgerError("away")

        world.ledger.active = active  # type: ignore[method-assign, assignment]

    notes.meanwhile.append(fail)
    with pytest.raises(LedgerError, match="away"):
        world.dispatch(["key-1"])
    note = notes.get(FACTORY_ID, NOTE)
    assert note is not None
    assert note.value["since"] == began.value["since"]
