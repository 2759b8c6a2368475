"""All moves of a run's record between its states; nowhere else does a state change.

    accepted ──▶ submitted ──▶ ended ──▶ published
        └──────────────────────▲
          (refused by Data Factory: Rejected; outcome not known: Unknown)

Each move is a pure function of a record; the caller writes what it returns, conditionally on what it read.
Those that a person has asked for are in steered_transitions.py.
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
"""Maximum time that counts as held by one hold: a longer one was written by a wrong clock."""


def lease_to_send(record: RunRecord, *, now: datetime, lease: timedelta) -> RunRecord:
    """The sender holds the lease; createRun is about to be sent."""
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
    """This attempt has not started a run: it is to be retried.

    `in_doubt_since` is when an earlier attempt left without an answer, if one did: that doubt remains. A request
    without doubt whose secrets are not kept waits for its caller, who may never come: it keeps no place for so long.
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
    """An operator's hold covers it: no run was started for it, and none will be before the hold ends.

    A doubt remains: it is looked into once more before the request is sent. So does its place, or its number in a line.

    Args:
        record: the request.
        by: what is held.
        since: since when.
        ended: when that ended by which the request was held before, if it was.
        reason: why, in words.
        in_doubt_since: when an earlier attempt left without an answer, if one did.
    """
    in_line = Waits.ADMISSION if record.waits_for is Waits.ADMISSION else None
    waits = postpone(record, until=None, in_doubt_since=in_doubt_since, reason=reason, waits_for=in_line)
    began = max(since, record.resubmitted_at or record.requested_at)
    if waits.held is not None and began <= ended:
        return replace(waits, held=replace(waits.held, by=by))  # by one or the other it was held all the time
    return replace(unheld(waits, until=ended), held=Held(by=by, since=began))


def unhold(record: RunRecord, *, until: datetime, in_line: str) -> RunRecord:
    """It is not held any more, and still waits: for its caller, or in line.

    Args:
        record: the request.
        until: when that ended by which it was held.
        in_line: what it waits for, in words, where it is in a line.
    """
    require_state(record, RunState.ACCEPTED)
    reason = WAITS_FOR_CALLER if record.waits_for is Waits.CALLER else in_line
    return replace(unheld(record, until=until), message=cut(reason))


def unheld(record: RunRecord, *, until: datetime) -> RunRecord:
    """Its hold ended at a given time, from which its start deadline goes on."""
    if record.held is None:
        return record
    spent = min(until - record.held.since, LONGEST_HELD)
    return replace(
        record, held=None, held_seconds=record.held_seconds + max(timedelta(), spent).total_seconds()
    )


def doubt(
    record: RunRecord, *, until: datetime, reason: str, left_by: datetime, answer: str | None = None
) -> RunRecord:
    """createRun was sent, by a given time at the latest, and its outcome is unknown: reconcile it, do not send again.

    `answer` is what a call was answered with that has just been made; what an earlier one was stays known else.
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
    """Data Factory has a run for it. The lease of the one who sent it stays until it is over or the run is seen."""
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
    """Data Factory has been found to have a run for it, which a call without an answer has started."""
    return replace(submit(record, run_id=run_id, now=now), lease_until=None)


def reject(record: RunRecord, *, reason: str, now: datetime) -> RunRecord:
    """It was not started, and will not be. Its message is published with its event."""
    return _end_unstarted(record, RunStatus.REJECTED, _with_answer(record, reason), now)


def park(record: RunRecord, *, reason: str, now: datetime) -> RunRecord:
    """Its outcome cannot be determined; a person decides."""
    return replace(_end_unstarted(record, RunStatus.UNKNOWN, _with_answer(record, reason), now), came_as=None)


CANCELLED_UNSTARTED = "it was cancelled before it was started"


def cancel(record: RunRecord, *, now: datetime) -> RunRecord:
    """No run was started for it, and none will be, since it was cancelled."""
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
    """A record that has just ended: from here on its event has an id, the same on every repeat."""
    return replace(ended, event_id=event_ids.of_end(ended))


def hand_over(record: RunRecord) -> RunRecord:
    """The lease of the one who sent it is over: the run is the monitor's alone."""
    require_state(record, RunState.SUBMITTED)
    return replace(record, lease_until=None)


def see(record: RunRecord, *, status: str, started_at: datetime | None, now: datetime) -> RunRecord:
    """Data Factory has shown the run, and it has not ended."""
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
    """Data Factory has shown the run, which is overdue, and that was published; where asked for, it is cancelled."""
    seen = see(record, status=status, started_at=started_at, now=now)
    if seen.overdue is None or seen.overdue.told_at is not None:
        raise IllegalMove(f"{record.request_id} is not to be published as overdue")
    published = replace(seen, overdue=replace(seen.overdue, told_at=now))
    if not seen.overdue.cancel or seen.cancellation is not None:
        return published
    entry = HistoryEntry(at=now, action="cancel", note=f"overdue after {seen.overdue.after_seconds} seconds")
    return noted(steered_transitions.ask_cancel(published, recursive=True, now=now), entry)


def look(record: RunRecord, *, now: datetime) -> RunRecord:
    """A reader is about to refresh the run from Data Factory; others are answered with what is known."""
    require_state(record, RunState.SUBMITTED)
    return replace(record, looked_at=now)


def miss(record: RunRecord, *, now: datetime) -> RunRecord:
    """Data Factory has answered that it has no such run, which may be temporary."""
    require_state(record, RunState.SUBMITTED)
    return replace(record, missing_since=min(record.missing_since or now, now))


def lose(record: RunRecord, *, reason: str, now: datetime, lease: timedelta) -> RunRecord:
    """Data Factory has had no such run for too long: how it ended cannot be determined. Its event is next."""
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
    """The run has ended in Data Factory, and the process that records it is about to send its event."""
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
    """A run that others have started has ended: its record is made as it ends, and its event is next."""
    if record.source is not Source.FACTORY:
        raise IllegalMove(f"{record.request_id} is a request, which is claimed before its run begins")
    return end(record, run_end, now=now, lease=lease)


def lease_to_publish(record: RunRecord, *, now: datetime, lease: timedelta) -> RunRecord:
    """One process holds the record; its event is about to be sent."""
    require_state(record, RunState.ENDED)
    return replace(record, lease_until=now + lease)


def publish(record: RunRecord, *, now: datetime, routes: Sequence[RouteDelivery] = ()) -> RunRecord:
    """The event is sent, with its deliveries along routes so far."""
    require_state(record, RunState.ENDED)
    published = replace(record, state=RunState.PUBLISHED, published_at=now, lease_until=None, came_as=None)
    return replace(published, routes=tuple(routes))


def route(record: RunRecord, *, routes: Sequence[RouteDelivery]) -> RunRecord:
    """Further deliveries of its event along routes."""
    require_state(record, RunState.PUBLISHED)
    return replace(record, routes=tuple(routes))
