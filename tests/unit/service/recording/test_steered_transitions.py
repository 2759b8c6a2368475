"""The moves that an operator asks for: what they change, and what they leave."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.contracts import RunStatus
from adf_trigger.ledger.records import Cancellation, RunRecord, RunState, Waits
from adf_trigger.service.recording import moves, steered_transitions, transitions
from adf_trigger.service.recording.moves import IllegalMove
from tests.contracts.ledger_records import NOON, a_factory, a_full_record

NOW = NOON + timedelta(hours=3)
LEASE = timedelta(seconds=90)
RUN_ID = UUID(int=7)
ASKED = Cancellation(asked_at=NOON, recursive=False, due_at=NOON, attempts=2, waits="throttled")
Move = Callable[[RunRecord], RunRecord]


def test_a_cancellation_takes_nothing_from_the_sender() -> None:
    """Only the mark, and when it is due, change: lease, doubt and reason stay the sender's."""
    for state in (RunState.ACCEPTED, RunState.SUBMITTED):
        before = replace(a_full_record(a_factory()), state=state)
        marked = steered_transitions.ask_cancel(before, recursive=False, now=NOW)
        asked = Cancellation(asked_at=NOW, recursive=False, due_at=NOW)
        assert marked == replace(before, cancellation=asked)
        assert steered_transitions.is_only_marked(before, marked)
        assert not steered_transitions.is_only_marked(before, replace(marked, attempts=9))
        assert not steered_transitions.is_only_marked(before, before)
    ended = replace(a_full_record(a_factory()), state=RunState.ENDED)
    with pytest.raises(IllegalMove):
        steered_transitions.ask_cancel(ended, recursive=True, now=NOW)


def test_a_request_that_is_to_be_cancelled_is_never_sent() -> None:
    """Leasing it is refused."""
    marked = replace(a_full_record(a_factory()), state=RunState.ACCEPTED, cancellation=ASKED)
    with pytest.raises(IllegalMove, match="is to be cancelled"):
        transitions.lease_to_send(marked, now=NOW, lease=LEASE)


@pytest.mark.parametrize("move", [steered_transitions.confirm_cancel, steered_transitions.refuse_cancel])
def test_an_answer_to_a_cancellation_needs_a_request(move: Move) -> None:
    """A cancellation that was not requested cannot be confirmed or refused."""
    with pytest.raises(IllegalMove, match="no cancellation was ordered"):
        move(replace(a_full_record(a_factory()), state=RunState.SUBMITTED, cancellation=None))


def test_a_rerun_is_noted_once_the_run_has_ended() -> None:
    """Only the number of its reruns changes, and never decreases."""
    for state in (RunState.ENDED, RunState.PUBLISHED):
        record = replace(a_full_record(a_factory()), state=state, reruns=2)
        assert steered_transitions.note(record, reruns=3) == replace(record, reruns=3)
        assert steered_transitions.note(record, reruns=1) == record
    with pytest.raises(IllegalMove):
        steered_transitions.note(replace(a_full_record(a_factory()), state=RunState.SUBMITTED), reruns=1)


UNDECIDED: dict[str, Any] = {
    "unknowns": 2,
    "event_id": None,
    "dismissed": False,
    "started_at": None,
    "ended_at": None,
    "duration_ms": None,
    "message": None,
    "errors": (),
    "results": None,
    "routes": (),
    "truncated": False,
    "published_at": None,
    "last_seen_at": None,
    "looked_at": None,
    "missing_since": None,
    "sent_at": None,
    "doubted_from": None,
    "not_before": None,
}
"""The fields that every decision changes."""


def test_a_decision_lets_a_request_continue() -> None:
    """It is watched under the adopted run, or sent again; its cancellation and its secrets still apply."""
    unknown = replace(a_full_record(a_factory()), state=RunState.PUBLISHED, status=RunStatus.UNKNOWN)
    assert steered_transitions.take_over(unknown, run_id=RUN_ID, now=NOW) == replace(
        unknown,
        **UNDECIDED,
        state=RunState.SUBMITTED,
        status=RunStatus.QUEUED,
        run_id=RUN_ID,
        submitted_at=NOW,
        admitted_at=None,
    )
    secret = {
        **UNDECIDED,
        "message": moves.WAITS_FOR_CALLER,
        "waits_for": Waits.CALLER,
        "admitted_at": None,
    }
    again: dict[str, Any] = {"state": RunState.ACCEPTED, "status": RunStatus.ACCEPTED, "submitted_at": None}
    assert steered_transitions.resubmit(unknown, now=NOW) == replace(
        unknown, **secret, **again, resubmitted_at=NOW, held_seconds=0.0, cancellation=None
    )
    plain = steered_transitions.resubmit(replace(unknown, secure_parameters=(), places=None), now=NOW)
    assert (plain.waits_for, plain.message) == (None, None)
    undecided = replace(unknown, secure_parameters=(), dismissed=False)
    kept = steered_transitions.resubmit(undecided, now=NOW)
    assert (kept.waits_for, kept.admitted_at) == (None, unknown.admitted_at)
    watched = steered_transitions.take_over(undecided, run_id=RUN_ID, now=NOW)
    assert watched.admitted_at == unknown.admitted_at
    given_up = steered_transitions.resubmit(replace(undecided, dismissed=True), now=NOW)
    assert (given_up.waits_for, given_up.message) == (Waits.ADMISSION, moves.WAITS_FOR_A_PLACE)
    assert (given_up.admitted_at, given_up.place_number) == (None, None)
    assert steered_transitions.dismiss(replace(unknown, dismissed=False)) == unknown


@pytest.mark.parametrize(
    "move",
    [
        lambda record: steered_transitions.take_over(record, run_id=RUN_ID, now=NOW),
        lambda record: steered_transitions.resubmit(record, now=NOW),
        steered_transitions.dismiss,
    ],
)
def test_a_request_of_known_or_unpublished_fate_is_not_decided(move: Move) -> None:
    """Only a request whose unknown fate was published can be decided."""
    record = a_full_record(a_factory())
    for state in set(RunState) - {RunState.PUBLISHED}:
        with pytest.raises(IllegalMove):
            move(replace(record, state=state, status=RunStatus.UNKNOWN))
    with pytest.raises(IllegalMove, match="is known"):
        move(replace(record, state=RunState.PUBLISHED, status=RunStatus.FAILED))
