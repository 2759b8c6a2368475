"""Every move of a record is one write, inside the step that is named for it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from adf_trigger.contracts import HistoryEntry
from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger.places import KeptPlaces, Places
from adf_trigger.ledger.port import Cursor, Stored
from adf_trigger.ledger.records import Overdue, RunRecord, RunState
from adf_trigger.results import RouteDelivery
from adf_trigger.service.admission import moves as admission_moves
from adf_trigger.service.recording import joining
from adf_trigger.service.recording.moves import IllegalMove
from adf_trigger.service.recording.records import Records
from adf_trigger.service.recording.run_end import RunEnd
from adf_trigger.service.steps import STEPS
from tests.support.faulty_ledger import FaultyLedger
from tests.support.world import FACTORY_ID, START, MovingClock

RUN = UUID(int=1)
NEW = RunRecord(
    factory=FACTORY_ID,
    request_id="k",
    pipeline="load",
    digest="d",
    run_id=RUN,
    state=RunState.ACCEPTED,
    status="Accepted",
    requested_at=START,
    overdue=Overdue(after_seconds=600, cancel=True),
)
DELIVERED = RouteDelivery(route="r", status="delivered", at=START, attempts=1)
ENTRY = HistoryEntry(at=START, action="cancel", note="why")
PLACES = KeptPlaces(Places(name="f" * 64, pipeline="load"))
OTHER = replace(NEW, request_id="other", run_id=UUID(int=3), state=RunState.ENDED, status="Failed")
Move = Callable[[Records, Stored], object]
LATER = START + timedelta(seconds=5)


class Noted:
    """Steps that note which were entered, and which were left without an error."""

    def __init__(self) -> None:
        self.entered: list[str] = []
        self.left: list[str] = []

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Surround an effect."""
        self.entered.append(name)
        yield
        self.left.append(name)


class Bench:
    """Records over a memory ledger that holds one request."""

    def __init__(self) -> None:
        self.ledger, self.steps = FaultyLedger(), Noted()
        self.records = Records(self.ledger, MovingClock(), self.steps, lease=timedelta(seconds=90))
        self.new = self.records.claim(NEW).stored

    def before(self, name: str) -> Stored:
        """The request in the state that the move of that name needs."""
        return self.in_state(MOVES[name][0], marked=name in MARKED, unknown=name in UNKNOWN)

    def in_state(self, state: RunState, *, marked: bool = False, unknown: bool = False) -> Stored:
        """The request in a given state, to be cancelled or not, of a known fate or not."""
        moved = self.new
        if unknown:
            moved = self.records.lease_to_publish(self.records.park(moved, "why"))
        elif state is not RunState.ACCEPTED:
            moved = self.records.submit(moved, RUN)
        if marked:
            moved = self.records.ask_cancel(moved, ENTRY, recursive=True)
        if state in (RunState.ENDED, RunState.PUBLISHED) and not unknown:
            moved = self.records.end(moved, RunEnd(status="Succeeded"))
        if state is RunState.PUBLISHED:
            moved = self.records.publish(moved, "e")
        self.steps.entered.clear()
        self.steps.left.clear()
        return moved


def joined(stored: Stored) -> Stored:
    """The request, as one that has joined another one."""
    return replace(stored, record=joining.join(stored.record, OTHER))


MOVES: dict[str, tuple[RunState, Move, str | None]] = {
    "lease_to_send": (RunState.ACCEPTED, lambda records, stored: records.lease_to_send(stored), None),
    "admit": (
        RunState.ACCEPTED,
        lambda records, stored: records.admit(
            stored, admission_moves.admit(stored.record, PLACES.places, now=START), PLACES
        ),
        "request_admitted",
    ),
    "line_up": (
        RunState.ACCEPTED,
        lambda records, stored: records.line_up(
            stored, admission_moves.line_up(stored.record, PLACES.places, number=1, reason="why"), PLACES
        ),
        "request_lined_up",
    ),
    "end_joined": (
        RunState.ACCEPTED,
        lambda records, stored: records.end_joined(joined(stored), OTHER),
        "joined_ended",
    ),
    "leave_joined": (
        RunState.ACCEPTED,
        lambda records, stored: records.leave_joined(joined(stored), OTHER),
        "joined_left",
    ),
    "submit": (RunState.ACCEPTED, lambda records, stored: records.submit(stored, RUN), "run_started"),
    "postpone": (
        RunState.ACCEPTED,
        lambda records, stored: records.postpone(stored, until=LATER, reason="why"),
        "request_postponed",
    ),
    "hold": (
        RunState.ACCEPTED,
        lambda records, stored: records.hold(stored, by="x", since=START, ended=START, reason="why"),
        "request_held",
    ),
    "unhold": (
        RunState.ACCEPTED,
        lambda records, stored: records.unhold(stored, ended=LATER, in_line="why"),
        None,
    ),
    "doubt": (
        RunState.ACCEPTED,
        lambda records, stored: records.doubt(stored, until=LATER, answer="why"),
        "outcome_unknown",
    ),
    "ask_later": (
        RunState.ACCEPTED,
        lambda records, stored: records.ask_later(stored, until=LATER, reason="why"),
        None,
    ),
    "adopt": (RunState.ACCEPTED, lambda records, stored: records.adopt(stored, UUID(int=2)), "run_adopted"),
    "reject": (RunState.ACCEPTED, lambda records, stored: records.reject(stored, "why"), "request_rejected"),
    "park": (RunState.ACCEPTED, lambda records, stored: records.park(stored, "why"), "request_parked"),
    "cancel": (
        RunState.ACCEPTED,
        lambda records, stored: records.cancel(stored, ENTRY),
        "request_cancelled",
    ),
    "ask_cancel": (
        RunState.SUBMITTED,
        lambda records, stored: records.ask_cancel(stored, ENTRY, recursive=True),
        "cancel_asked",
    ),
    "confirm_cancel": (
        RunState.SUBMITTED,
        lambda records, stored: records.confirm_cancel(stored),
        "cancel_taken",
    ),
    "cancel_later": (
        RunState.SUBMITTED,
        lambda records, stored: records.cancel_later(stored, until=LATER, reason="why"),
        "cancel_postponed",
    ),
    "refuse_cancel": (
        RunState.SUBMITTED,
        lambda records, stored: records.refuse_cancel(stored, ENTRY),
        "cancel_refused",
    ),
    "take_over": (
        RunState.PUBLISHED,
        lambda records, stored: records.take_over(stored, UUID(int=2), ENTRY),
        "run_taken_over",
    ),
    "resubmit": (
        RunState.PUBLISHED,
        lambda records, stored: records.resubmit(stored, ENTRY),
        "request_resubmitted",
    ),
    "dismiss": (
        RunState.PUBLISHED,
        lambda records, stored: records.dismiss(stored, ENTRY),
        "request_dismissed",
    ),
    "note": (RunState.ENDED, lambda records, stored: records.note(stored, ENTRY, reruns=1), "run_noted"),
    "lose": (RunState.SUBMITTED, lambda records, stored: records.lose(stored, "why"), "run_lost"),
    "hand_over": (RunState.SUBMITTED, lambda records, stored: records.hand_over(stored), None),
    "see": (
        RunState.SUBMITTED,
        lambda records, stored: records.see(stored, status="InProgress", started_at=None),
        None,
    ),
    "overdue": (
        RunState.SUBMITTED,
        lambda records, stored: records.overdue(stored, "e", status="InProgress", started_at=None),
        "run_overdue",
    ),
    "look": (RunState.SUBMITTED, lambda records, stored: records.look(stored), None),
    "miss": (RunState.SUBMITTED, lambda records, stored: records.miss(stored), None),
    "end": (
        RunState.SUBMITTED,
        lambda records, stored: records.end(stored, RunEnd(status="Failed")),
        "run_ended",
    ),
    "lease_to_publish": (RunState.ENDED, lambda records, stored: records.lease_to_publish(stored), None),
    "publish": (RunState.ENDED, lambda records, stored: records.publish(stored, "e"), "event_published"),
    "route": (RunState.PUBLISHED, lambda records, stored: records.route(stored, [DELIVERED]), None),
    "reclaim": (RunState.PUBLISHED, lambda records, stored: records.reclaim(stored, NEW), None),
}
"""Name → the state before the move, the move, and the action of its log line."""

UNKNOWN = {"take_over", "resubmit", "dismiss"}
"""Moves of a request whose fate is unknown."""

MARKED = {"confirm_cancel", "cancel_later", "refuse_cancel"}
"""Moves of a run that is to be cancelled."""

OTHERS = {"claim", "observe", "save_cursor", "purge", "remove_places"}
SAVED = sorted(MOVES.keys() - {"reclaim"})
FROM_UNPUBLISHED = sorted(set(SAVED) - {"note", "route"})
"""Moves that no published record makes."""


def actions(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The actions that were logged."""
    return [record.__dict__["action"] for record in caplog.records]


def test_every_step_of_the_records_is_listed() -> None:
    """Every step of the ledger's writer is a method of its name, and each is tried here."""
    steps = {name.removeprefix("records.") for name in STEPS if name.startswith("records.")}
    assert steps == MOVES.keys() | OTHERS
    assert steps == {name for name in dir(Records) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(MOVES))
def test_a_move_is_one_write_in_its_step_and_then_its_log_line(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each move enters the step of its name once, writes conditionally, and logs the new state."""
    bench = Bench()
    _, move, action = MOVES[name]
    stored = bench.before(name)
    caplog.set_level(logging.INFO)
    caplog.clear()
    move(bench.records, stored)
    assert bench.steps.entered == bench.steps.left == [f"records.{name}"]
    assert actions(caplog) == ([] if action is None else [action])
    with pytest.raises(LedgerConflict):
        move(bench.records, stored)


@pytest.mark.parametrize("name", SAVED)
def test_a_move_that_is_not_written_is_not_logged(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """A log line never reports a move that the ledger does not have."""
    bench = Bench()
    _, move, _ = MOVES[name]
    stored = bench.before(name)
    bench.ledger.before["save"] = [LedgerError("away")]
    caplog.set_level(logging.INFO)
    caplog.clear()
    with pytest.raises(LedgerError, match="away"):
        move(bench.records, stored)
    assert actions(caplog) == []
    assert bench.steps.left == []


@pytest.mark.parametrize("name", FROM_UNPUBLISHED)
def test_a_move_from_another_state_writes_nothing(name: str) -> None:
    """A move that cannot be made from where the record is enters no step."""
    bench = Bench()
    stored = bench.in_state(RunState.PUBLISHED)
    with pytest.raises(IllegalMove):
        MOVES[name][1](bench.records, stored)
    assert bench.steps.entered == []


def test_the_cursor_and_the_purge_are_steps_too() -> None:
    """A process can be killed at writes beside the records as well."""
    bench = Bench()
    bench.in_state(RunState.PUBLISHED)
    bench.records.save_cursor(FACTORY_ID, Cursor(polled_until=START))
    assert bench.records.purge(FACTORY_ID, before=LATER, limit=5) == 1
    assert bench.steps.left == ["records.save_cursor", "records.purge"]
    assert bench.ledger.cursor(FACTORY_ID) == Cursor(polled_until=START)


def test_a_claim_is_leased_to_its_sender() -> None:
    """The request is in the ledger with its first attempt's lease from the first write on."""
    bench = Bench()
    assert bench.new.record == replace(
        NEW, attempts=1, sent_at=START, doubted_from=START, lease_until=START + timedelta(seconds=90)
    )
