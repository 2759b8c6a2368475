"""Requests that join the run of an equal request, and how they end. Pure functions, as in transitions.py."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto

from adf_trigger.ledger.records import JoinedTo, RunRecord, RunState, Waits
from adf_trigger.service.news import event_ids
from adf_trigger.service.recording.moves import WAITS_FOR_A_PLACE, IllegalMove, cut, require_state


class Fate(Enum):
    """The state of the run that a request has joined."""

    ACTIVE = auto()
    """It has not ended."""
    ENDED = auto()
    """It has ended, or its outcome is unknown: the request ends in the same way."""
    ENDED_BEFORE = auto()
    """It had ended in Data Factory before the request was made: the request needs a run of its own."""
    REJECTED = auto()
    """It was rejected, and its key now names another request."""
    GONE = auto()
    """Its record no longer exists."""


def joinable_among(holders: Sequence[RunRecord], record: RunRecord) -> RunRecord | None:
    """The first of the requests with a place that a new request may join: an equal one that is active.

    The digest covers factory, pipeline, parameters and rerun; secrets cannot be compared. A request that is to be
    cancelled, or whose outcome is unknown, cannot be joined: a new caller does not ask for its run.
    """
    for other in holders:
        is_same = other.digest == record.digest and other.request_id != record.request_id
        is_active = not other.ended and other.cancellation is None
        if is_same and is_active and not (record.secure_parameters or other.secure_parameters):
            return other
    return None


def join(record: RunRecord, other: RunRecord) -> RunRecord:
    """Join the run of another request: the request gets no run of its own, and ends as that run does."""
    require_state(record, RunState.ACCEPTED)
    return replace(
        record,
        joined_to=JoinedTo(
            request_id=other.request_id,
            run_id=other.run_id,
            is_confirmed=other.confirmed_run_id is not None,
            rejections=other.rejections,
        ),
        waits_for=Waits.JOINED,
        not_before=None,
        message=cut(f"it waits for the end of request {other.request_id}, whose run it has joined"),
    )


def fate_of(record: RunRecord, other: RunRecord | None) -> Fate:
    """The state of the run that a request has joined.

    Args:
        record: the request.
        other: the ledger's record under the key of the request that it has joined.
    """
    joined = _joined_to(record)
    if other is None:
        return Fate.GONE
    if other.rejections != joined.rejections or joined.run_id not in other.run_ids:
        return Fate.REJECTED if other.rejections > joined.rejections else Fate.GONE
    if not other.ended:
        return Fate.ACTIVE
    was_run = other.confirmed_run_id is not None and other.ended_at is not None
    if was_run and other.ended_at is not None and other.ended_at < record.requested_at:
        return Fate.ENDED_BEFORE
    return Fate.ENDED


def end_joined(record: RunRecord, other: RunRecord, *, now: datetime, lease: timedelta) -> RunRecord:
    """End a request as the run that it has joined; the process that records the end is about to send its event."""
    joined = _joined_to(record)
    confirmed = other.confirmed_run_id
    ended = replace(
        record,
        state=RunState.ENDED,
        status=other.status,
        started_at=other.started_at,
        ended_at=other.ended_at or now,
        duration_ms=other.duration_ms,
        message=other.message,
        errors=other.errors,
        truncated=other.truncated,
        results=other.results,
        waits_for=None,
        lease_until=now + lease,
        joined_to=replace(joined, run_id=confirmed or joined.run_id, is_confirmed=confirmed is not None),
        came_as=record.came_as if other.rejected else None,
    )
    return replace(ended, event_id=event_ids.of_end(ended))


def leave(record: RunRecord, other: RunRecord) -> RunRecord:
    """Leave a run that had ended before the request: it waits for a place, ahead of later requests."""
    _joined_to(record)
    return replace(
        record,
        joined_to=None,
        waits_for=Waits.ADMISSION,
        places=other.places,
        place_number=None,
        message=WAITS_FOR_A_PLACE,
    )


def _joined_to(record: RunRecord) -> JoinedTo:
    require_state(record, RunState.ACCEPTED)
    if record.joined_to is None or record.waits_for is not Waits.JOINED:
        raise IllegalMove(f"request {record.request_id} has not joined another one")
    return record.joined_to
