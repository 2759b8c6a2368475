"""Every move of a record among places: what it changes, that it changes nothing else, and from where it is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.ledger.places import Places
from adf_trigger.ledger.records import RunRecord, RunState, Waits
from adf_trigger.service.admission import moves as admission_moves
from adf_trigger.service.recording.moves import LONGEST_REASON, WAITS_FOR_CALLER, IllegalMove
from adf_trigger.settings.policy import AdmissionPolicy
from tests.contracts.ledger_records import NOON, a_factory, a_full_record

NOW = NOON + timedelta(hours=3)
PLACES = Places(name="a" * 64, pipeline="load", key='"B"')
COUNTED: dict[str, Any] = {"places": PLACES.name, "admission_key": PLACES.key}

Move = Callable[[RunRecord], RunRecord]


def admit(record: RunRecord) -> RunRecord:
    """Give it a place."""
    return admission_moves.admit(record, PLACES, now=NOW)


def line_up(record: RunRecord) -> RunRecord:
    """Have it wait in line."""
    return admission_moves.line_up(record, PLACES, number=12, reason="three are active")


def leave_to_caller(record: RunRecord) -> RunRecord:
    """Leave it to its caller."""
    return admission_moves.leave_to_caller(record, PLACES, reason="three are active")


def a_record(waits_for: Waits | None) -> RunRecord:
    """A request with every field set that waits for something."""
    return replace(
        a_full_record(a_factory()), state=RunState.ACCEPTED, waits_for=waits_for, message="it waits"
    )


@pytest.mark.parametrize(
    ("move", "waits_for", "changes"),
    [
        (admit, Waits.ADMISSION, {"admitted_at": NOW, "waits_for": None, "message": None}),
        (admit, Waits.CALLER, {"admitted_at": NOW, "waits_for": None, "message": None}),
        (admit, Waits.PIPELINE, {"admitted_at": NOW}),
        (admit, None, {"admitted_at": NOW}),
        (
            line_up,
            None,
            {
                "place_number": 12,
                "admitted_at": None,
                "waits_for": Waits.ADMISSION,
                "not_before": None,
                "message": "three are active",
            },
        ),
        (
            leave_to_caller,
            None,
            {
                "admitted_at": None,
                "waits_for": Waits.CALLER,
                "message": f"{WAITS_FOR_CALLER}: three are active",
            },
        ),
    ],
)
def test_a_move_among_places_changes_what_it_says_and_nothing_else(
    move: Move, waits_for: Waits | None, changes: dict[str, Any]
) -> None:
    """A request that is given a place keeps its other reasons to wait."""
    before = a_record(waits_for)
    assert before.not_before is not None
    assert move(before) == replace(before, **COUNTED, **changes)


@pytest.mark.parametrize("move", [admit, line_up, leave_to_caller])
@pytest.mark.parametrize("state", sorted(set(RunState) - {RunState.ACCEPTED}))
def test_only_an_accepted_request_moves_among_places(move: Move, state: RunState) -> None:
    """A move from any other state is a bug."""
    with pytest.raises(IllegalMove):
        move(replace(a_record(None), state=state))


@pytest.mark.parametrize("move", [admission_moves.line_up, admission_moves.leave_to_caller])
def test_a_long_reason_to_wait_is_cut(move: Callable[..., RunRecord]) -> None:
    """A record has limited room for texts that people read."""
    number = {"number": 1} if move is admission_moves.line_up else {}
    assert len(move(a_record(None), PLACES, reason="x" * 500_000, **number).message or "") == LONGEST_REASON


@pytest.mark.parametrize(
    ("at_once", "by", "said"),
    [
        (1, None, "at most 1 run of load may be in progress at once"),
        (2, None, "at most 2 runs of load may be in progress at once"),
        (2, "correlationId", 'at most 2 runs of load with correlationId = "B" may be in progress at once'),
    ],
)
def test_what_a_policy_allows_is_put_in_words(at_once: int, by: str | None, said: str) -> None:
    """Waiting and refused callers read the same sentence."""
    policy = AdmissionPolicy(at_once=at_once, key=by)
    assert admission_moves.counted(replace(PLACES, by=by), policy) == said
