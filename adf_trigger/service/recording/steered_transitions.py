"""The moves of a record that a person has ordered: cancellation, and decisions about an unknown outcome.

Pure functions, as in transitions.py, which has the other moves.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from adf_trigger.contracts import RunStatus
from adf_trigger.ledger.records import Cancellation, RunRecord, RunState, Waits
from adf_trigger.service.recording.moves import (
    WAITS_FOR_A_PLACE,
    WAITS_FOR_CALLER,
    IllegalMove,
    cut,
    require_state,
)


def take_over(record: RunRecord, *, run_id: UUID, now: datetime) -> RunRecord:
    """Assign a run to the request, as a person has decided; the run is watched like any other.

    A dismissed request gave up its place, which another may have by now: it gets none.
    """
    return _undecided(
        record,
        state=RunState.SUBMITTED,
        status=RunStatus.QUEUED,
        run_id=run_id,
        submitted_at=now,
        admitted_at=None if record.dismissed else record.admitted_at,
    )


def resubmit(record: RunRecord, *, now: datetime) -> RunRecord:
    """Send the request again under the same id, as a person has decided; one with secrets waits for its caller.

    It keeps its place, unless it was dismissed and gave that up: then it is first in line, since it was admitted
    before all that wait.
    """
    secret = bool(record.secure_parameters)
    keeps = record.admitted_at is not None and not (secret or record.dismissed)
    in_line = record.places is not None and not (keeps or secret)
    return _undecided(
        record,
        state=RunState.ACCEPTED,
        status=RunStatus.ACCEPTED,
        submitted_at=None,
        resubmitted_at=now,
        held_seconds=0.0,
        cancellation=None,
        waits_for=Waits.CALLER if secret else Waits.ADMISSION if in_line else None,
        message=WAITS_FOR_CALLER if secret else WAITS_FOR_A_PLACE if in_line else None,
        admitted_at=record.admitted_at if keeps else None,
        place_number=None if in_line else record.place_number,
    )


def dismiss(record: RunRecord) -> RunRecord:
    """Dismiss the unknown outcome, as a person has decided."""
    require_state(record, RunState.PUBLISHED)
    if record.status != RunStatus.UNKNOWN:
        raise IllegalMove(f"the outcome of {record.request_id} is known: it is {record.status}")
    return replace(record, dismissed=True)


def _undecided(record: RunRecord, **changes: Any) -> RunRecord:
    """A record whose published outcome was unknown, and which continues, as a person has decided."""
    require_state(record, RunState.PUBLISHED)
    if record.status != RunStatus.UNKNOWN:
        raise IllegalMove(f"the outcome of {record.request_id} is known: it is {record.status}")
    fresh = replace(
        record,
        unknowns=record.unknowns + 1,
        event_id=None,
        dismissed=False,
        started_at=None,
        ended_at=None,
        duration_ms=None,
        message=None,
        errors=(),
        results=None,
        routes=(),
        truncated=False,
        published_at=None,
        last_seen_at=None,
        looked_at=None,
        missing_since=None,
        sent_at=None,
        doubted_from=None,
        not_before=None,
    )
    return replace(fresh, **changes)


def note(record: RunRecord, *, reruns: int) -> RunRecord:
    """Record an action of a person, such as a rerun; `reruns` counts these."""
    require_state(record, RunState.ENDED, RunState.PUBLISHED)
    return replace(record, reruns=max(record.reruns, reruns))


def ask_cancel(record: RunRecord, *, recursive: bool, now: datetime) -> RunRecord:
    """Mark the run, or the one that a call without an answer may have started, to be cancelled.

    A call under way continues: its outcome is recorded in addition to this mark.
    """
    require_state(record, RunState.ACCEPTED, RunState.SUBMITTED)
    return replace(record, cancellation=Cancellation(asked_at=now, recursive=recursive, due_at=now))


def is_only_marked(before: RunRecord, present: RunRecord) -> bool:
    """Whether the only change since is that a cancellation was ordered."""
    marked = present.cancellation != before.cancellation
    return marked and replace(present, cancellation=before.cancellation, history=before.history) == before


def confirm_cancel(record: RunRecord) -> RunRecord:
    """Record that Data Factory has accepted the cancellation of the run."""
    require_state(record, RunState.SUBMITTED)
    return replace(record, cancellation=replace(_cancellation_of(record), due_at=None, waits=None))


def cancel_later(record: RunRecord, *, until: datetime, reason: str) -> RunRecord:
    """Retry the cancellation at `until`, since Data Factory has not confirmed it."""
    require_state(record, RunState.SUBMITTED)
    asked = _cancellation_of(record)
    again = replace(asked, due_at=until, attempts=asked.attempts + 1, waits=cut(reason))
    return replace(record, cancellation=again)


def refuse_cancel(record: RunRecord) -> RunRecord:
    """Drop the cancellation, which Data Factory has refused; the run continues."""
    require_state(record, RunState.SUBMITTED)
    _cancellation_of(record)
    return replace(record, cancellation=None)


def _cancellation_of(record: RunRecord) -> Cancellation:
    if record.cancellation is None:
        raise IllegalMove(f"no cancellation was ordered for {record.request_id}")
    return record.cancellation
