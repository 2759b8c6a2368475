"""A request that joins another one's run has none of its own, and ends exactly as that one does."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from adf_trigger.ledger.records import CameAs, JoinedTo, RunRecord, RunState, Waits
from adf_trigger.service.recording import joining, transitions
from adf_trigger.service.recording.joining import Fate
from adf_trigger.service.recording.moves import WAITS_FOR_A_PLACE, IllegalMove
from tests.contracts.ledger_records import MINUTE, NOON, a_full_record, a_record

FACTORY = "/factory"
LEASE = timedelta(seconds=90)
RUN, OTHER_RUN = uuid4(), uuid4()


def another(**changes: Any) -> RunRecord:
    """The request whose run is joined, once it has ended in Data Factory; changes are of its record."""
    own: dict[str, Any] = {
        "request_id": "first",
        "run_id": OTHER_RUN,
        "former_run_ids": (),
        "rejections": 0,
        "joined_to": None,
    }
    return replace(a_full_record(FACTORY), **{**own, **changes})


def active(**changes: Any) -> RunRecord:
    """The same one while its run is active."""
    fresh = {"state": RunState.SUBMITTED, "status": "InProgress", "ended_at": None, "cancellation": None}
    return another(**{**fresh, "secure_parameters": (), **changes})


def joined(other: RunRecord, **changes: Any) -> RunRecord:
    """A request that has joined it."""
    return replace(joining.join(a_record(FACTORY, request_id="second"), other), **changes)


def test_a_joined_request_waits_for_the_end_of_the_other_by_name() -> None:
    """It has no time of its own at which it is tried again."""
    record = a_record(FACTORY, request_id="second", not_before=NOON + MINUTE, waits_for=Waits.PIPELINE)
    other = active(rejections=2)
    assert joining.join(record, other) == replace(
        record,
        joined_to=JoinedTo(request_id="first", run_id=OTHER_RUN, is_confirmed=True, rejections=2),
        waits_for=Waits.JOINED,
        not_before=None,
        message="it waits for the end of request first, whose run it has joined",
    )
    early = joining.join(record, active(state=RunState.ACCEPTED, submitted_at=None))
    assert early.joined_to is not None
    assert not early.joined_to.is_confirmed


@pytest.mark.parametrize("state", [each for each in RunState if each is not RunState.ACCEPTED])
def test_a_request_that_was_sent_joins_no_run(state: RunState) -> None:
    """It has a run."""
    with pytest.raises(IllegalMove):
        joining.join(a_record(FACTORY, state=state), active())


def test_the_first_active_equal_request_is_joined() -> None:
    """It is not itself, one to be cancelled, or one with secrets, which cannot be compared."""
    record = a_record(FACTORY, request_id="second", digest="d" * 64)
    first, second = (active(digest="d" * 64, request_id=key) for key in ("a", "b"))
    assert joining.joinable_among([first, second], record) is first
    others = [
        replace(first, digest="e" * 64),
        replace(first, request_id="second"),
        replace(first, cancellation=a_full_record(FACTORY).cancellation),
        replace(first, state=RunState.ENDED, ended_at=NOON),
        replace(first, secure_parameters=("token",)),
    ]
    assert joining.joinable_among([*others, second], record) is second
    assert joining.joinable_among(others, record) is None
    assert joining.joinable_among([first], replace(record, secure_parameters=("token",))) is None


@pytest.mark.parametrize(
    ("other", "fate"),
    [
        (None, Fate.GONE),
        (active(), Fate.ACTIVE),
        (another(ended_at=NOON + MINUTE), Fate.ENDED),
        (another(ended_at=NOON), Fate.ENDED),
        (another(ended_at=NOON - MINUTE), Fate.ENDED_BEFORE),
        (another(status="Unknown", ended_at=None), Fate.ENDED),
        (another(rejections=1), Fate.REJECTED),
        (another(rejections=1, run_id=RUN), Fate.REJECTED),
        (another(run_id=RUN), Fate.GONE),
        (another(run_id=RUN, former_run_ids=(OTHER_RUN,), ended_at=NOON + MINUTE), Fate.ENDED),
    ],
)
def test_the_state_of_the_other_decides(other: RunRecord | None, fate: Fate) -> None:
    """It matters whether the other still has its key, and whether its run existed when the request came."""
    assert joining.fate_of(joined(active(), requested_at=NOON), other) is fate


def test_a_request_whose_key_was_reused_and_was_lost_since_is_gone() -> None:
    """It was joined after a rejection that its record no longer holds."""
    assert joining.fate_of(joined(active(rejections=2)), another(rejections=1)) is Fate.GONE


def test_the_end_of_the_other_is_copied_exactly() -> None:
    """Status, times, errors and results are the other's; id, key and requester stay its own."""
    other = another()
    record = joined(other, came_as=CameAs(body=b"{}", masked=()))
    ended = joining.end_joined(record, other, now=NOON + 9 * MINUTE, lease=LEASE)
    taken_over = {
        name: getattr(other, name)
        for name in (
            "status",
            "started_at",
            "ended_at",
            "duration_ms",
            "message",
            "errors",
            "truncated",
            "results",
        )
    }
    assert ended == replace(
        record,
        **taken_over,
        state=RunState.ENDED,
        waits_for=None,
        lease_until=NOON + 9 * MINUTE + LEASE,
        came_as=None,
        event_id=f"{record.run_id}/Failed",
    )
    assert all(taken_over.values())
    assert {
        each.name for each in fields(RunRecord) if getattr(ended, each.name) != getattr(record, each.name)
    } == {
        *taken_over,
        "state",
        "waits_for",
        "lease_until",
        "came_as",
        "event_id",
    }


def test_a_run_that_was_confirmed_since_is_named() -> None:
    """The request had joined it before its createRun was answered, and the run may have another id by then."""
    early = joined(active(state=RunState.ACCEPTED, submitted_at=None))
    ended = joining.end_joined(early, another(run_id=RUN), now=NOON, lease=LEASE)
    assert ended.joined_to == JoinedTo(request_id="first", run_id=RUN, is_confirmed=True, rejections=0)


def test_a_rejection_is_shared_and_keeps_the_message_that_it_came_as() -> None:
    """Its sender may replay it; where the other has no instant of its end, it has ended now."""
    rejected = another(status="Rejected", submitted_at=None, started_at=None, ended_at=None)
    came_as = CameAs(body=b"{}", masked=("token",))
    ended = joining.end_joined(joined(rejected, came_as=came_as), rejected, now=NOON, lease=LEASE)
    assert (ended.status, ended.ended_at, ended.came_as) == ("Rejected", NOON, came_as)
    assert ended.joined_to is not None
    assert (ended.joined_to.run_id, ended.joined_to.is_confirmed) == (OTHER_RUN, False)


def test_a_request_that_leaves_waits_for_one_of_the_others_places() -> None:
    """It comes before later requests: its number is given when it lines up."""
    record = joined(another(places="p"), place_number=4)
    assert joining.leave(record, another(places="p")) == replace(
        record,
        joined_to=None,
        waits_for=Waits.ADMISSION,
        places="p",
        place_number=None,
        message=WAITS_FOR_A_PLACE,
    )


@pytest.mark.parametrize(
    "move",
    [
        lambda record: joining.fate_of(record, None),
        lambda record: joining.leave(record, another()),
        lambda record: joining.end_joined(record, another(), now=NOON, lease=LEASE),
    ],
)
@pytest.mark.parametrize(
    "changes", [{"joined_to": None}, {"waits_for": Waits.ADMISSION}, {"state": RunState.SUBMITTED}]
)
def test_a_request_that_has_joined_none_makes_none_of_these_moves(
    move: Callable[[RunRecord], Any], changes: dict[str, Any]
) -> None:
    """Each error names the request."""
    with pytest.raises(IllegalMove, match="second"):
        move(joined(another(), **changes))


@pytest.mark.parametrize(("waits_for", "is_named"), [(Waits.JOINED, True), (Waits.ADMISSION, False)])
def test_a_cancelled_request_names_the_one_whose_run_is_left_alone(
    waits_for: Waits, *, is_named: bool
) -> None:
    """Otherwise the canceller would believe that the run has ended."""
    record = replace(a_full_record(FACTORY), state=RunState.ACCEPTED, waits_for=waits_for, held=None)
    assert record.joined_to is not None
    cancelled = transitions.cancel(record, now=NOON)
    assert (f"request {record.joined_to.request_id}" in str(cancelled.message)) is is_named
