"""The moves of a held request: since when it is held, and how much of that time counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adf_trigger.ledger.records import Held, RunRecord, RunState, Waits
from adf_trigger.service.recording import transitions
from adf_trigger.service.recording.moves import WAITS_FOR_CALLER, IllegalMove
from tests.contracts.ledger_records import MINUTE, NOON, a_factory, a_full_record, a_record

NOW = NOON + timedelta(hours=3)
SINCE = NOON + MINUTE


def a_held_record() -> RunRecord:
    """One with every field set, held since a minute past noon, and for 90.5 seconds before."""
    record = replace(a_full_record(a_factory()), state=RunState.ACCEPTED, cancellation=None)
    assert (record.held, record.held_seconds) == (Held(by="0123456789abcdef", since=SINCE), 90.5)
    return record


def test_held_by_consecutive_holds_it_is_held_throughout() -> None:
    """The next hold began before the last was over; its doubt remains, and nothing else changes."""
    record = a_held_record()
    moved = transitions.hold(record, by="other", since=NOON, ended=NOW, reason="held", in_doubt_since=NOON)
    assert moved == replace(
        record,
        held=Held(by="other", since=SINCE),
        lease_until=None,
        not_before=None,
        sent_at=NOON,
        message="held",
        waits_for=None,
    )


def test_held_again_it_has_waited_in_between() -> None:
    """Earlier times on hold are added; a request with secrets waits for its caller."""
    record = a_held_record()
    moved = transitions.hold(record, by="other", since=NOW, ended=SINCE + MINUTE, reason="held")
    assert moved == replace(
        record,
        held=Held(by="other", since=NOW),
        held_seconds=150.5,
        lease_until=None,
        not_before=None,
        sent_at=None,
        doubted_from=None,
        last_answer=None,
        message=f"{WAITS_FOR_CALLER}: held",
        admitted_at=None,
        waits_for=Waits.CALLER,
    )


def test_released_nothing_else_of_it_changes() -> None:
    """The time is added up, and its other reason to wait is shown."""
    record = a_held_record()
    seconds = 90.5 + (NOW - SINCE).total_seconds()
    assert transitions.unhold(record, until=NOW, in_line="it waits for a place") == replace(
        record, held=None, held_seconds=seconds, message="it waits for a place"
    )


def test_released_a_request_with_secrets_waits_for_its_caller() -> None:
    """Its reason says so, whatever line there is."""
    record = replace(a_held_record(), waits_for=Waits.CALLER)
    moved = transitions.unhold(record, until=NOW, in_line="it waits for a place")
    assert (moved.message, moved.waits_for) == (WAITS_FOR_CALLER, Waits.CALLER)


def test_a_hold_that_begins_at_the_end_of_the_last_one_continues_it() -> None:
    """No moment lies in between."""
    moved = transitions.hold(a_held_record(), by="other", since=NOW, ended=NOW, reason="held")
    assert (moved.held, moved.held_seconds) == (Held(by="other", since=SINCE), 90.5)


def test_a_request_is_held_since_it_came_or_was_resubmitted() -> None:
    """An earlier beginning of the hold does not count; an end from a wrong clock is bounded."""
    record = replace(a_record(a_factory()), requested_at=NOON)
    held = transitions.hold(record, by="x", since=NOON - MINUTE, ended=NOON, reason="why")
    assert held.held == Held(by="x", since=NOON)
    sent_again = replace(record, resubmitted_at=NOW)
    again = transitions.hold(sent_again, by="x", since=NOON - MINUTE, ended=NOON, reason="why")
    assert again.held == Held(by="x", since=NOW)
    assert transitions.unhold(held, until=NOON - MINUTE, in_line="it waits for a place").held_seconds == 0
    assert (
        transitions.unhold(
            held, until=NOON + timedelta(days=3650), in_line="it waits for a place"
        ).held_seconds
        == 31 * 86_400
    )


@pytest.mark.parametrize("state", sorted(set(RunState) - {RunState.ACCEPTED}))
def test_a_started_or_ended_request_is_not_held(state: RunState) -> None:
    """Such a move is a bug."""
    record = replace(a_full_record(a_factory()), state=state)
    with pytest.raises(IllegalMove, match="cannot make this move"):
        transitions.hold(record, by="x", since=NOON, ended=NOON, reason="why")
    with pytest.raises(IllegalMove, match="cannot make this move"):
        transitions.unhold(record, until=NOW, in_line="it waits for a place")
