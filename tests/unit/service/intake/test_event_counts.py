"""Events are counted for operators: by trigger, with the latest unwanted one, and no count is lost or doubled."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.messages.envelopes import CLOUD_EVENTS, Event
from adf_trigger.service.intake.event_counts import (
    EVENTS_NOTE,
    MAX_LISTED,
    MAX_TEXT,
    TRIES,
    WRITTEN_AFTER,
    EventCounts,
    counted,
)
from tests.support.faulty_ledger import FaultyNotes
from tests.support.world import MovingClock, known_steps

EVENT = Event(
    schema=CLOUD_EVENTS,
    id="e-1",
    source="/s",
    type="Blob.Created",
    subject="in/x.csv",
    time=None,
    data={},
    document={},
)


class Bench:
    """Counts of a process, whose writes run on command."""

    def __init__(self, notes: FaultyNotes | None = None) -> None:
        self.clock = MovingClock()
        self.notes = notes or FaultyNotes()
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.counts = EventCounts(
            self.notes, self.clock, known_steps, lambda after, work: self.due.append((after, work))
        )

    def write(self) -> None:
        """Run the pending writes."""
        due, self.due = self.due, []
        for _, work in due:
            work()

    def shown(self, *triggers: str) -> dict[str, Any]:
        """What the health shows."""
        return counted(self.notes.get(APP_SCOPE, EVENTS_NOTE), triggers)


def test_events_within_a_while_are_written_together_and_added_to_earlier_ones() -> None:
    """There is one write for all, with the latest time of each trigger; the sums are those of all instances."""
    bench = Bench()
    began = bench.clock.now
    for _ in range(3):
        bench.counts.wanted("a")
    bench.clock.forward(1)
    bench.counts.wanted("b")
    assert [after for after, _ in bench.due] == [WRITTEN_AFTER]
    bench.write()
    assert bench.shown("a", "b", "c") == {
        "since": bench.clock.now.isoformat(),
        "unwanted": 0,
        "lastUnwanted": None,
        "triggers": {
            "a": {"wanted": 3, "lastAt": began.isoformat()},
            "b": {"wanted": 1, "lastAt": (began + timedelta(seconds=1)).isoformat()},
            "c": {"wanted": 0, "lastAt": None},
        },
    }
    other = Bench(bench.notes)
    other.clock.forward(60)
    other.counts.wanted("a")
    other.write()
    shown = bench.shown("a", "b")
    assert (shown["since"], shown["triggers"]["a"]["wanted"]) == (bench.clock.now.isoformat(), 4)
    assert shown["triggers"]["a"]["lastAt"] == other.clock.now.isoformat()
    assert shown["triggers"]["b"]["wanted"] == 1


def test_the_latest_event_that_no_trigger_wants_is_shown_with_the_reason() -> None:
    """It is cut to what a note has room for; earlier ones are only counted."""
    bench = Bench()
    bench.counts.unwanted(EVENT, "no trigger is for its type")
    bench.write()
    bench.counts.unwanted(EVENT, "why " * MAX_TEXT)
    bench.counts.wanted("a")
    bench.write()
    bench.counts.wanted("a")
    bench.write()
    shown = bench.shown()
    assert (shown["unwanted"], shown["triggers"]) == (2, {})
    last = shown["lastUnwanted"]
    assert (last["at"], last["type"], last["subject"]) == (
        bench.clock.now.isoformat(),
        "Blob.Created",
        "in/x.csv",
    )
    assert last["why"].startswith("why why")
    assert len(last["why"]) == 2 * MAX_TEXT


def test_without_an_event_nothing_is_written_and_all_triggers_are_shown() -> None:
    """There is no time of a first event either."""
    bench = Bench()
    bench.counts.write()
    assert bench.notes.get(APP_SCOPE, EVENTS_NOTE) is None
    assert bench.shown("a") == {
        "since": None,
        "unwanted": 0,
        "lastUnwanted": None,
        "triggers": {"a": {"wanted": 0, "lastAt": None}},
    }


def test_counts_that_could_not_be_written_are_added_the_next_time(caplog: pytest.LogCaptureFixture) -> None:
    """Each is added once, together with what came since."""
    bench = Bench()
    bench.notes.before["put"] = [LedgerError("down")]
    bench.counts.wanted("a")
    bench.counts.unwanted(EVENT, "no")
    bench.write()
    assert [vars(each)["action"] for each in caplog.records] == ["events_not_counted"]
    bench.counts.wanted("a")
    bench.write()
    shown = bench.shown("a")
    assert (shown["unwanted"], shown["triggers"]["a"]["wanted"]) == (1, 2)
    bench.counts.wanted("a")
    bench.write()
    shown = bench.shown("a")
    assert (shown["unwanted"], shown["triggers"]["a"]["wanted"]) == (1, 3)


@pytest.mark.parametrize(("lost", "written"), [(TRIES - 1, True), (TRIES, False)])
def test_a_race_with_another_instance_is_retried_a_few_times(lost: int, *, written: bool) -> None:
    """The last try may still win; counts that lose it, too, are added the next time."""
    bench = Bench()
    bench.notes.before["put"] = [LedgerConflict("another instance was faster")] * lost
    bench.counts.wanted("a")
    bench.write()
    assert bench.shown("a")["triggers"]["a"]["wanted"] == (1 if written else 0)
    bench.counts.wanted("a")
    bench.write()
    assert bench.shown("a")["triggers"]["a"]["wanted"] == 2


def test_where_no_thread_can_be_started_the_next_event_tries_again() -> None:
    """No count is lost."""
    bench = Bench()
    tries = iter([RuntimeError("can't start new thread"), None])

    def later(_: float, work: Callable[[], None]) -> None:
        if (error := next(tries)) is not None:
            raise error
        work()

    counts = EventCounts(bench.notes, bench.clock, known_steps, later)
    counts.wanted("a")
    assert bench.notes.get(APP_SCOPE, EVENTS_NOTE) is None
    counts.wanted("a")
    assert bench.shown("a")["triggers"]["a"]["wanted"] == 2


def test_of_too_many_triggers_the_most_recently_started_are_named() -> None:
    """A note has room for a bounded number of names of bounded length."""
    bench = Bench()
    for number in range(MAX_LISTED + 2):
        bench.clock.forward(1)
        bench.counts.wanted(f"{number:03}{'x' * MAX_TEXT}")
    bench.write()
    note = bench.notes.get(APP_SCOPE, EVENTS_NOTE)
    assert note is not None
    named = sorted(note.value["triggers"])
    assert [name[:3] for name in named] == [f"{number:03}" for number in range(2, MAX_LISTED + 2)]
    assert {len(name) for name in named} == {MAX_TEXT}
    assert bench.shown(f"005{'x' * MAX_TEXT}")["triggers"][f"005{'x' * MAX_TEXT}"]["wanted"] == 1
