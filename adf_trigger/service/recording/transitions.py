"""All moves of a run's record between its states; nowhere else does a state change.

    accepted ──▶ submitted ──▶ ended ──▶ published
        └──────────────────────▲
          (refused by Data Factory: Rejected; outcome not known: Unknown)

Each move is a pure function of a record; the caller writes what it returns, conditionally on what it read.
Those that a person has ordered are in steered_transitions.py.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from adf_trigger.contracts import HistoryEntry, RunStatus, Source
from adf_trigger.ledger.records import Held, RunRecord, RunState, Waits
from adf_trigger.results import RouteDelivery
from adf_trigger.service.news import event_ids
from adf_trigger.service.recording import steered_transitions
from adf_trigger.service.recording.moves import WAITS_FOR_CALLER, IllegalMove, cut, noted, require_state
from adf_trigger.service.recording.run_end import RunEnd

LONGEST_HELD = timedelta(days=31)
"""Maximum time that counts as held by one hold: a longer one is due to a wrong clock."""


def lease_to_send(record: RunRecord, *, now: datetime, lease: timedelta) -> RunRecord:
    """Lease the request to its sender, which is about to call createRun."""
    require_state(record, RunState.ACCEPTED)
    if record.cancellation is not None:
        raise IllegalMove(f"request {record.request_id} is to be cancelled, and never sent again")
    return replace(
        unheld(record, until=now),
        attempts=record.attempts + 1,
        sent_at=now,
        doubted_from=now if record.sent_at is None else record.doubted_from,
        lease_until=now + lease,
        not_before=None,
        waits_for=None,
        message=None,
    )


def postpone(
    record: RunRecord,
    *,
    until: datetime | None,
    in_doubt_since: datetime | None,
    reason: str,
    waits_for: Waits | None = None,
) -> RunRecord:
    """Send the request again later, since this attempt has not started a run.

    `in_doubt_since` is when an earlier attempt was sent that got no answer, if there was one: that doubt remains. A
    request without doubt whose secrets are not kept waits for its caller, who may never return: it keeps no place.
    """
    require_state(record, RunState.ACCEPTED)
    settled = in_doubt_since is None
    admitted_at = record.admitted_at
    if settled and record.secure_parameters:
        waits_for, admitted_at = Waits.CALLER, None
        reason = f"{WAITS_FOR_CALLER}: {reason}"
    return replace(
        record,
        lease_until=None,
        not_before=until,
        sent_at=in_doubt_since,
        doubted_from=None if settled else record.doubted_from,
        last_answer=None if settled else record.last_answer,
        waits_for=waits_for,
        admitted_at=admitted_at,
        message=cut(reason),
    )


def hold(
    record: RunRecord,
    *,
    by: str,
    since: datetime,
    ended: datetime,
    reason: str,
    in_doubt_since: datetime | None = None,
) -> RunRecord:
    """Hold the request for an operator: no run was started for it, and none will be before the hold ends.

    A doubt remains, and is reconciled again before the request is sent. So does its place, or its number in a line.

    Args:
        record: the request.
        by: the id of the scope that is held.
        since: when the hold began.
        ended: when an earlier hold of the request ended, if there was one.
        reason: the reason, in words.
        in_doubt_since: when an earlier attempt was sent that got no answer, if there was one.
    """
    in_line = Waits.ADMISSION if record.waits_for is Waits.ADMISSION else None
    waits = postpone(record, until=None, in_doubt_since=in_doubt_since, reason=reason, waits_for=in_line)
    began = max(since, record.resubmitted_at or record.requested_at)
    if waits.held is not None and began <= ended:
        return replace(
            waits, held=replace(waits.held, by=by)
        )  # one hold or the other covered it all the time
    return replace(unheld(waits, until=ended), held=Held(by=by, since=began))


def unhold(record: RunRecord, *, until: datetime, in_line: str) -> RunRecord:
    """End the hold of a request that still waits: for its caller, or in line.

    Args:
        record: the request.
        until: when the hold ended.
        in_line: what it waits for, in words, if it is in a line.
    """
    require_state(record, RunState.ACCEPTED)
    reason = WAITS_FOR_CALLER if record.waits_for is Waits.CALLER else in_line
    return replace(unheld(record, until=until), message=cut(reason))


def unheld(record: RunRecord, *, until: datetime) -> RunRecord:
    """End the hold of a request, if any, at a given time, from which its start deadline continues."""
    if record.held is None:
        return record
    spent = min(until - record.held.since, LONGEST_HELD)
    return replace(
        record, held=None, held_seconds=record.held_seconds + max(timedelta(), spent).total_seconds()
    )


def doubt(
    record: RunRecord, *, until: datetime, reason: str, left_by: datetime, answer: str | None = None
) -> RunRecord:
    """Put the request in doubt: createRun was sent, by `left_by` at the latest, and its outcome must be reconciled.

    `answer` is the answer of a call that was just made; without one, the last answer is kept.
    """
    require_state(record, RunState.ACCEPTED)
    answered = replace(record, last_answer=record.last_answer if answer is None else cut(answer))
    return replace(
        answered,
        lease_until=None,
        not_before=until,
        message=_with_answer(answered, reason),
        sent_at=left_by,
    )


def _with_answer(record: RunRecord, reason: str) -> str:
    """A reason with the last answer of createRun, which explains why the outcome is not clear."""
    answer = record.last_answer
    if answer is None or answer in reason:
        return cut(reason)
    return cut(f"{reason}; the last createRun was answered: {answer}")


def left_by(record: RunRecord) -> datetime | None:
    """The latest time at which createRun may have been sent: the lease holder may send at its very end."""
    if record.sent_at is None or record.lease_until is None:
        return record.sent_at
    return max(record.sent_at, record.lease_until)


def submit(record: RunRecord, *, run_id: UUID, now: datetime) -> RunRecord:
    """Record the run of the request. The lease of the sender remains until it expires or the run is seen."""
    require_state(record, RunState.ACCEPTED)
    return replace(
        unheld(record, until=now),
        state=RunState.SUBMITTED,
        status=RunStatus.QUEUED,
        run_id=run_id,
        submitted_at=now,
        not_before=None,
        message=None,
        last_answer=None,
        came_as=None,
    )


def adopt(record: RunRecord, *, run_id: UUID, now: datetime) -> RunRecord:
    """Record the run of the request, which a call without an answer turned out to have started."""
    return replace(submit(record, run_id=run_id, now=now), lease_until=None)


def reject(record: RunRecord, *, reason: str, now: datetime) -> RunRecord:
    """End the request without a run, as rejected. The reason is published with its event."""
    return _end_unstarted(record, RunStatus.REJECTED, _with_answer(record, reason), now)


def park(record: RunRecord, *, reason: str, now: datetime) -> RunRecord:
    """End the request with an outcome that cannot be determined; a person decides."""
    return replace(_end_unstarted(record, RunStatus.UNKNOWN, _with_answer(record, reason), now), came_as=None)


CANCELLED_UNSTARTED = "it was cancelled before it was started"


def cancel(record: RunRecord, *, now: datetime) -> RunRecord:
    """End the request without a run, as cancelled."""
    joined = record.joined_to if record.waits_for is Waits.JOINED else None
    left = (
        ""
        if joined is None
        else f"; the run of request {joined.request_id}, which it had joined, is left alone"
    )
    reason = f"{CANCELLED_UNSTARTED}{left}"
    return replace(_end_unstarted(record, RunStatus.CANCELLED, reason, now), came_as=None)


def _end_unstarted(record: RunRecord, status: RunStatus, reason: str, now: datetime) -> RunRecord:
    require_state(record, RunState.ACCEPTED)
    return _with_event_id(
        replace(
            unheld(record, until=now),
            state=RunState.ENDED,
            status=status,
            message=cut(reason),
            ended_at=now,
            lease_until=None,
            not_before=None,
        )
    )


def _with_event_id(ended: RunRecord) -> RunRecord:
    """A record that has just ended, with the id of its event, which is the same on every repeat."""
    return replace(ended, event_id=event_ids.of_end(ended))


def hand_over(record: RunRecord) -> RunRecord:
    """End the lease of the sender: only the monitor handles the run from now on."""
    require_state(record, RunState.SUBMITTED)
    return replace(record, lease_until=None)


def see(record: RunRecord, *, status: str, started_at: datetime | None, now: datetime) -> RunRecord:
    """Record the present status of the run, which has not ended."""
    require_state(record, RunState.SUBMITTED)
    return replace(
        record,
        status=status,
        started_at=started_at or record.started_at,
        last_seen_at=now,
        missing_since=None,
        lease_until=None,
    )


def overdue(record: RunRecord, *, status: str, started_at: datetime | None, now: datetime) -> RunRecord:
    """Record that the run is overdue, and was published as such; order its cancellation where requested."""
    seen = see(record, status=status, started_at=started_at, now=now)
    if seen.overdue is None or seen.overdue.told_at is not None:
        raise IllegalMove(f"{record.request_id} is not to be published as overdue")
    published = replace(seen, overdue=replace(seen.overdue, told_at=now))
    if not seen.overdue.cancel or seen.cancellation is not None:
        return published
    entry = HistoryEntry(at=now, action="cancel", note=f"overdue after {seen.overdue.after_seconds} seconds")
    return noted(steered_transitions.ask_cancel(published, recursive=True, now=now), entry)


def look(record: RunRecord, *, now: datetime) -> RunRecord:
    """Record that a reader is about to refresh the run from Data Factory; others are answered from the record."""
    require_state(record, RunState.SUBMITTED)
    return replace(record, looked_at=now)


def miss(record: RunRecord, *, now: datetime) -> RunRecord:
    """Record that Data Factory has answered that it has no such run, which may be temporary."""
    require_state(record, RunState.SUBMITTED)
    return replace(record, missing_since=min(record.missing_since or now, now))


def lose(record: RunRecord, *, reason: str, now: datetime, lease: timedelta) -> RunRecord:
    """End the record with an unknown outcome: Data Factory has had no such run for too long. Its event is next."""
    require_state(record, RunState.SUBMITTED)
    return _with_event_id(
        replace(
            record,
            state=RunState.ENDED,
            status=RunStatus.UNKNOWN,
            message=reason,
            ended_at=now,
            lease_until=now + lease,
        )
    )


def end(record: RunRecord, end: RunEnd, *, now: datetime, lease: timedelta) -> RunRecord:
    """End the record as the run has ended in Data Factory; the process that records it is about to send its event."""
    require_state(record, RunState.SUBMITTED)
    return _with_event_id(
        replace(
            record,
            state=RunState.ENDED,
            status=end.status,
            started_at=end.started_at or record.started_at,
            ended_at=end.ended_at or now,
            duration_ms=end.duration_ms,
            message=end.message or None,
            errors=end.errors,
            truncated=end.truncated,
            results=end.results,
            last_seen_at=now,
            missing_since=None,
            lease_until=now + lease,
        )
    )


def observe(record: RunRecord, run_end: RunEnd, *, now: datetime, lease: timedelta) -> RunRecord:
    """End the record of a run that others have started, which is made as the run ends. Its event is next."""
    if record.source is not Source.FACTORY:
        raise IllegalMove(f"{record.request_id} is a request, which is claimed before its run begins")
    return end(record, run_end, now=now, lease=lease)


def lease_to_publish(record: RunRecord, *, now: datetime, lease: timedelta) -> RunRecord:
    """Lease the record to a process that is about to send its event."""
    require_state(record, RunState.ENDED)
    return replace(record, lease_until=now + lease)


def publish(record: RunRecord, *, now: datetime, routes: Sequence[RouteDelivery] = ()) -> RunRecord:
    """Record that the event is sent, with the deliveries along routes so far."""
    require_state(record, RunState.ENDED)
    published = replace(record, state=RunState.PUBLISHED, published_at=now, lease_until=None, came_as=None)
    return replace(published, routes=tuple(routes))


def route(record: RunRecord, *, routes: Sequence[RouteDelivery]) -> RunRecord:
    """Record further deliveries of the event along routes."""
    require_state(record, RunState.PUBLISHED)
    return replace(record, routes=tuple(routes))
