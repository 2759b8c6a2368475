"""Every move of a record: what it changes, that it changes nothing else, and from where it cannot be made."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.contracts import RunStatus
from adf_trigger.ledger.records import Cancellation, Held, Overdue, RunRecord, RunState, Waits
from adf_trigger.results import ActivityError, Results, RouteDelivery
from adf_trigger.service.news import event_ids
from adf_trigger.service.recording import steered_transitions, transitions
from adf_trigger.service.recording.moves import LONGEST_REASON, WAITS_FOR_CALLER, IllegalMove
from adf_trigger.service.recording.run_end import RunEnd
from tests.contracts.ledger_records import MINUTE, NOON, a_factory, a_full_record

NOW = NOON + timedelta(hours=3)
UNTIL = NOW + 5 * MINUTE
LEASE = timedelta(seconds=90)
RUN_ID = UUID(int=7)
STARTED, ENDED = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
WHY = (ActivityError(activity_name="Copy"),)
RESULTS = Results(activities=[], errors_left_out=1, details="full")
WHOLE = RunEnd(
    status="Failed",
    started_at=STARTED,
    ended_at=ENDED,
    duration_ms=3_600_000,
    message="why",
    errors=WHY,
    truncated=True,
    results=RESULTS,
)

DELIVERED = RouteDelivery(route="r", status="delivered", at=NOON, attempts=1)
UNTOLD = Overdue(after_seconds=600)
ASKED = Cancellation(asked_at=NOON, recursive=False, due_at=NOON, attempts=2, waits="throttled")
ANSWERED = "the last createRun was answered: HTTP 503"
"""The message of a record in doubt at its end."""

HELD = Held(by="0123456789abcdef", since=NOON + MINUTE)
UNHELD: dict[str, Any] = {"held": None, "held_seconds": 90.5 + (NOW - HELD.since).total_seconds()}
"""Changes of a held record once it continues or ends."""

Move = Callable[[RunRecord], RunRecord]
MOVES: dict[str, tuple[RunState, Move, dict[str, Any]]] = {
    "lease_to_send": (
        RunState.ACCEPTED,
        lambda record: transitions.lease_to_send(record, now=NOW, lease=LEASE),
        {
            **UNHELD,
            "attempts": 4,
            "sent_at": NOW,
            "lease_until": NOW + LEASE,
            "not_before": None,
            "message": None,
            "waits_for": None,
        },
    ),
    "postpone": (
        RunState.ACCEPTED,
        lambda record: transitions.postpone(record, until=UNTIL, in_doubt_since=None, reason="throttled"),
        {
            "lease_until": None,
            "not_before": UNTIL,
            "sent_at": None,
            "doubted_from": None,
            "last_answer": None,
            "message": f"{WAITS_FOR_CALLER}: throttled",
            "waits_for": Waits.CALLER,
            "admitted_at": None,
        },
    ),
    "postpone, in doubt since": (
        RunState.ACCEPTED,
        lambda record: transitions.postpone(record, until=UNTIL, in_doubt_since=NOON, reason="throttled"),
        {
            "lease_until": None,
            "not_before": UNTIL,
            "sent_at": NOON,
            "message": "throttled",
            "waits_for": None,
        },
    ),
    "doubt": (
        RunState.ACCEPTED,
        lambda record: transitions.doubt(
            record, until=UNTIL, reason="no answer: reset", left_by=NOW, answer="reset"
        ),
        {
            "lease_until": None,
            "not_before": UNTIL,
            "message": "no answer: reset",
            "last_answer": "reset",
            "sent_at": NOW,
        },
    ),
    "doubt, still": (
        RunState.ACCEPTED,
        lambda record: transitions.doubt(record, until=UNTIL, reason="not seen", left_by=NOW),
        {
            "lease_until": None,
            "not_before": UNTIL,
            "message": f"not seen; {ANSWERED}",
            "sent_at": NOW,
        },
    ),
    "submit": (
        RunState.ACCEPTED,
        lambda record: transitions.submit(record, run_id=RUN_ID, now=NOW),
        {
            **UNHELD,
            "state": RunState.SUBMITTED,
            "status": RunStatus.QUEUED,
            "run_id": RUN_ID,
            "submitted_at": NOW,
            "not_before": None,
            "message": None,
            "last_answer": None,
            "came_as": None,
        },
    ),
    "adopt": (
        RunState.ACCEPTED,
        lambda record: transitions.adopt(record, run_id=RUN_ID, now=NOW),
        {
            **UNHELD,
            "state": RunState.SUBMITTED,
            "status": RunStatus.QUEUED,
            "run_id": RUN_ID,
            "submitted_at": NOW,
            "not_before": None,
            "message": None,
            "last_answer": None,
            "came_as": None,
            "lease_until": None,
        },
    ),
    "reject": (
        RunState.ACCEPTED,
        lambda record: transitions.reject(record, reason="no such pipeline", now=NOW),
        {
            **UNHELD,
            "state": RunState.ENDED,
            "status": RunStatus.REJECTED,
            "message": f"no such pipeline; {ANSWERED}",
            "ended_at": NOW,
            "lease_until": None,
            "not_before": None,
        },
    ),
    "park": (
        RunState.ACCEPTED,
        lambda record: transitions.park(record, reason="it cannot be determined", now=NOW),
        {
            **UNHELD,
            "state": RunState.ENDED,
            "status": RunStatus.UNKNOWN,
            "message": f"it cannot be determined; {ANSWERED}",
            "ended_at": NOW,
            "lease_until": None,
            "not_before": None,
            "came_as": None,
        },
    ),
    "cancel": (
        RunState.ACCEPTED,
        lambda record: transitions.cancel(record, now=NOW),
        {
            **UNHELD,
            "state": RunState.ENDED,
            "status": RunStatus.CANCELLED,
            "message": transitions.CANCELLED_UNSTARTED,
            "ended_at": NOW,
            "lease_until": None,
            "not_before": None,
            "came_as": None,
        },
    ),
    "confirm_cancel": (
        RunState.SUBMITTED,
        steered_transitions.confirm_cancel,
        {"cancellation": replace(ASKED, due_at=None, waits=None)},
    ),
    "cancel_later": (
        RunState.SUBMITTED,
        lambda record: steered_transitions.cancel_later(record, until=UNTIL, reason="no answer"),
        {"cancellation": replace(ASKED, due_at=UNTIL, attempts=3, waits="no answer")},
    ),
    "refuse_cancel": (RunState.SUBMITTED, steered_transitions.refuse_cancel, {"cancellation": None}),
    "hand_over": (RunState.SUBMITTED, transitions.hand_over, {"lease_until": None}),
    "see": (
        RunState.SUBMITTED,
        lambda record: transitions.see(record, status="InProgress", started_at=STARTED, now=NOW),
        {
            "status": "InProgress",
            "started_at": STARTED,
            "last_seen_at": NOW,
            "missing_since": None,
            "lease_until": None,
        },
    ),
    "route": (
        RunState.PUBLISHED,
        lambda record: transitions.route(record, routes=[DELIVERED]),
        {"routes": (DELIVERED,)},
    ),
    "overdue": (
        RunState.SUBMITTED,
        lambda record: transitions.overdue(
            replace(record, overdue=UNTOLD), status="InProgress", started_at=STARTED, now=NOW
        ),
        {
            "status": "InProgress",
            "started_at": STARTED,
            "last_seen_at": NOW,
            "missing_since": None,
            "lease_until": None,
            "overdue": replace(UNTOLD, told_at=NOW),
        },
    ),
    "see, without a start": (
        RunState.SUBMITTED,
        lambda record: transitions.see(record, status="Queued", started_at=None, now=NOW),
        {"status": "Queued", "last_seen_at": NOW, "missing_since": None, "lease_until": None},
    ),
    "look": (RunState.SUBMITTED, lambda record: transitions.look(record, now=NOW), {"looked_at": NOW}),
    "miss": (
        RunState.SUBMITTED,
        lambda record: transitions.miss(replace(record, missing_since=None), now=NOW),
        {"missing_since": NOW},
    ),
    "miss, again": (
        RunState.SUBMITTED,
        lambda record: transitions.miss(record, now=NOW),
        {},
    ),
    "lose": (
        RunState.SUBMITTED,
        lambda record: transitions.lose(record, reason="gone", now=NOW, lease=LEASE),
        {
            "state": RunState.ENDED,
            "status": "Unknown",
            "message": "gone",
            "ended_at": NOW,
            "lease_until": NOW + LEASE,
        },
    ),
    "end": (
        RunState.SUBMITTED,
        lambda record: transitions.end(record, WHOLE, now=NOW, lease=LEASE),
        {
            "state": RunState.ENDED,
            "status": "Failed",
            "started_at": STARTED,
            "ended_at": ENDED,
            "duration_ms": 3_600_000,
            "message": "why",
            "errors": WHY,
            "truncated": True,
            "results": RESULTS,
            "last_seen_at": NOW,
            "missing_since": None,
            "lease_until": NOW + LEASE,
        },
    ),
    "end, with little said of it": (
        RunState.SUBMITTED,
        lambda record: transitions.end(record, RunEnd(status="Succeeded"), now=NOW, lease=LEASE),
        {
            "state": RunState.ENDED,
            "status": "Succeeded",
            "ended_at": NOW,
            "duration_ms": None,
            "message": None,
            "errors": (),
            "truncated": False,
            "results": None,
            "last_seen_at": NOW,
            "missing_since": None,
            "lease_until": NOW + LEASE,
        },
    ),
    "lease_to_publish": (
        RunState.ENDED,
        lambda record: transitions.lease_to_publish(record, now=NOW, lease=LEASE),
        {"lease_until": NOW + LEASE},
    ),
    "publish": (
        RunState.ENDED,
        lambda record: transitions.publish(record, now=NOW),
        {
            "state": RunState.PUBLISHED,
            "published_at": NOW,
            "lease_until": None,
            "came_as": None,
            "routes": (),
        },
    ),
}
moves = pytest.mark.parametrize(("state", "move", "changes"), MOVES.values(), ids=MOVES)


def _cancellation(changes: dict[str, Any]) -> Cancellation | None:
    """The fields that a record needs for the move of these changes: one that is to be cancelled is not sent."""
    return ASKED if "cancellation" in changes else None


@moves
def test_a_move_changes_what_it_says_and_nothing_else(
    state: RunState, move: Move, changes: dict[str, Any]
) -> None:
    """Of a record with every field set, each field that the move does not name stays as it was."""
    before = replace(a_full_record(a_factory()), state=state, cancellation=_cancellation(changes))
    moved = move(before)
    ends = moved.state is RunState.ENDED and state is not RunState.ENDED
    event_id = event_ids.of_end(moved) if ends else before.event_id
    assert moved == replace(before, **{"event_id": event_id, **changes})


@moves
def test_a_move_from_another_state_is_a_bug(state: RunState, move: Move, changes: dict[str, Any]) -> None:
    """It is refused from every other state, with the record's name."""
    for other in set(RunState) - {state}:
        record = replace(a_full_record(a_factory()), state=other, cancellation=_cancellation(changes))
        with pytest.raises(IllegalMove, match=f"{other} record {record.request_id} cannot make this move"):
            move(record)


@pytest.mark.parametrize(
    ("sent", "leased", "expected"),
    [(None, None, None), (None, NOW, None), (NOON, None, NOON), (NOON, NOW, NOW), (NOW, NOON, NOW)],
)
def test_a_call_has_left_by_the_end_of_its_lease(sent: Any, leased: Any, expected: Any) -> None:
    """The holder may send until the very end of its lease; a request that was never sent has not left."""
    record = replace(a_full_record(a_factory()), sent_at=sent, lease_until=leased)
    assert transitions.left_by(record) == expected


def test_a_request_without_secrets_waits_for_nothing_of_its_own() -> None:
    """The timer sends it; the first call in doubt is remembered from the first lease on, and forgotten when settled."""
    record = replace(
        a_full_record(a_factory()),
        state=RunState.ACCEPTED,
        secure_parameters=(),
        sent_at=None,
        doubted_from=None,
        cancellation=None,
    )
    leased = transitions.lease_to_send(record, now=NOW, lease=LEASE)
    assert leased.doubted_from == NOW
    doubted = transitions.doubt(leased, until=UNTIL, reason="no answer", left_by=NOW)
    again = transitions.lease_to_send(doubted, now=UNTIL, lease=LEASE)
    assert (again.doubted_from, again.sent_at) == (NOW, UNTIL)
    postponed = transitions.postpone(again, until=UNTIL, in_doubt_since=None, reason="throttled")
    assert (postponed.doubted_from, postponed.sent_at, postponed.waits_for) == (None, None, None)


def test_a_long_reason_is_cut() -> None:
    """A record has limited room for texts that people read."""
    record = replace(a_full_record(a_factory()), state=RunState.ACCEPTED, cancellation=None)
    for moved in (
        transitions.reject(record, reason="x" * 500_000, now=NOW),
        transitions.park(record, reason="x" * 500_000, now=NOW),
        transitions.doubt(record, until=UNTIL, reason="x" * 500_000, left_by=NOW),
        transitions.postpone(record, until=UNTIL, in_doubt_since=None, reason="x" * 500_000),
    ):
        assert len(moved.message or "") == LONGEST_REASON


@pytest.mark.parametrize("overdue", [None, replace(UNTOLD, told_at=NOON)])
def test_a_run_that_is_not_overdue_or_was_published_is_not_published(overdue: Overdue | None) -> None:
    """It is a bug, whose error names the record."""
    record = replace(a_full_record(a_factory()), state=RunState.SUBMITTED, overdue=overdue)
    with pytest.raises(IllegalMove, match=f"{record.request_id} is not to be published as overdue"):
        transitions.overdue(record, status="InProgress", started_at=STARTED, now=NOW)


def test_a_request_of_ours_is_not_observed() -> None:
    """A record that was claimed before its run began ends by its own moves."""
    record = replace(a_full_record(a_factory()), state=RunState.SUBMITTED)
    with pytest.raises(IllegalMove, match=f"{record.request_id} is a request, which is claimed before"):
        transitions.observe(record, WHOLE, now=NOW, lease=LEASE)
