"""The documents of the run ledger: one record for each request, and a short row for each run that is not published."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from adf_trigger.contracts import (
    NO_RERUN,
    HistoryEntry,
    Rerun,
    RunStatus,
    Source,
)
from adf_trigger.results import ActivityError, Results, RouteDelivery, RunInvoker


class RunState(StrEnum):
    """The state of a request. The moves between states are in `adf_trigger.service.recording.transitions`."""

    ACCEPTED = "accepted"
    """Accepted; Data Factory has not confirmed a run."""
    SUBMITTED = "submitted"
    """Data Factory has a run for it."""
    ENDED = "ended"
    """Its final status is known (also Rejected and Unknown); the event is not sent yet."""
    PUBLISHED = "published"
    """The event is sent; nothing is left to do."""


class Waits(StrEnum):
    """Why a request waits, where the cause is its own, so that later requests need not wait behind it."""

    CALLER = "caller"
    """Values of its secure parameters are not stored: the same request, or its message, has to be sent again."""
    PIPELINE = "pipeline"
    """The pipeline is at its limit of queued runs."""
    ADMISSION = "admission"
    """The policy's limit of active runs of its pipeline, or of its key, is reached; see `ledger.places`."""
    JOINED = "joined"
    """It has no run of its own, and ends with the run that it has joined."""


LONGEST_ADMISSION_KEY = 256
"""Maximum characters of an admission key."""

_ENDED = frozenset({RunState.ENDED, RunState.PUBLISHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class CameAs:
    """The message of a request, stored while the request may still be rejected: it is published unchanged.

    Attributes:
        body: its bytes, at most the 64 KiB that a queue accepts, as received except for masked values.
        masked: names of the parameters whose values were removed from it.
    """

    body: bytes
    masked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """An order to cancel a run, and its progress.

    Attributes:
        asked_at: when it was ordered.
        recursive: whether the runs that it started are to be cancelled, too.
        due_at: when the next call of Data Factory is due; None once Data Factory has confirmed.
        attempts: how often Data Factory was called.
        waits: why Data Factory has not confirmed yet; None before the first call.
    """

    asked_at: datetime
    recursive: bool = True
    due_at: datetime | None = None
    attempts: int = 0
    waits: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """When a run is overdue, and the consequences.

    Attributes:
        after_seconds: seconds after its start.
        cancel: whether it is to be cancelled then.
        told_at: when that was published; None before. A stored name.
    """

    after_seconds: int
    cancel: bool = False
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A request is not started while an operator holds its factory, its pipeline or its key.

    Attributes:
        by: the id of the hold's scope.
        since: when the request began to be held.
    """

    by: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedTo:
    """The request whose run another one has joined, since it asked for the same while that run was under way.

    Attributes:
        request_id: the request with the run.
        run_id: its runId; the chosen one until Data Factory has confirmed a run.
        is_confirmed: whether Data Factory has confirmed it.
        rejections: how often its key was rejected before: a reused key names another request.
    """

    request_id: str
    run_id: UUID
    is_confirmed: bool = False
    rejections: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The record of a request.

    Attributes:
        factory: resource id of the factory, as configured.
        request_id: identifies the request within its factory (the idempotency key).
        digest: SHA-256 of the normalised request; another digest under the same key is a conflict.
        run_id: the GUID chosen before createRun; once Data Factory has answered, its runId.
        former_run_ids: its earlier runIds, oldest first. The ledger keeps them when it saves.
        parameters: the parameters of createRun, without the values of secure ones.
        secure_parameters: names of the parameters whose values are not stored.
        status: a RunStatus, or an unknown status of Data Factory.
        source: how it arrived.
        invoked_by: who has started the run in Data Factory; None if this service has.
        not_before: the dispatcher skips the request until then.
        lease_until: a host is sending the request or its event; others skip it until then. Stays with a submitted run
            until it expires, or Data Factory shows the run.
        sent_at: an upper bound of when the last createRun was sent; None while none was sent, or none is in doubt.
        doubted_from: when the first createRun was sent of those whose outcome is in doubt.
        last_answer: the answer to the last of them, in words.
        attempts: createRun calls so far.
        waits_for: why it waits, where the cause is its own and not the factory's.
        held: the hold that it waits for; None if it is not held. Versions that know no holds ignore it.
        held_seconds: how long it was held before, which does not count towards its start deadline.
        rejections: how often the key was rejected before, each time published under an event id of its own.
        last_seen_at: when Data Factory last showed the run; None before.
        message_digest: SHA-256 of its message, if that gave no key of its own: it identifies a copy that the host makes
            under another id.
        came_as: its message, until it is started or has ended.
        looked_at: when a reader last caused a read of the run in Data Factory.
        missing_since: when Data Factory first reported the run as not found, if it has not shown it since.
        errors: why activities failed; None if they were not read.
        results: the results of the run; None before its end, and in records of earlier versions.
        routes: the deliveries of its end along routes, at most one for each route.
        overdue: when it is overdue; None if no limit is set.
        traceparent: the trace that the request is part of; see `messages.traces`.
        declares_secrets: whether its pipeline declared secure parameters when it was accepted; None if that was not
            known.
        failure_is_error: whether its result is an error to HTTP clients if it does not succeed: the choice of the
            request that was accepted, not of its repeats.
        truncated: whether reasons were cut, since a factory may return more than a record can hold.
        group_id: runId of the first of the runs that rerun one another; None if it is no rerun of a known run.
        attempt: its number in that group, which grows with each rerun.
        reruns: how often it was rerun, as far as that was recorded.
        unknowns: how often it, or an earlier request of its key, was published as unknown before a decision, each time
            under an event id of its own.
        event_id: id of its end's event, fixed when it ends; None before, and if an earlier version that did not fix
            it has ended it. See `service.news.event_ids`.
        resubmitted_at: when a person resubmitted it: its start deadline counts from then.
        dismissed: whether a person has dismissed its unknown outcome.
        cancellation: the order to cancel it; None if there is none, or Data Factory refused.
        history: the actions on it after it was requested, oldest first; bounded by `room`.
        admission_key: canonical text of the key that its pipeline's policy counts it under, at most
            LONGEST_ADMISSION_KEY ASCII characters; None if the policy has no key.
        places: name of the places that it is counted among; None if no policy counted it.
        place_number: its number in the line; None if it never waited there.
        admitted_at: when it got its place, which it keeps until it has ended, and while its end is unknown; None while
            it has none.
        joined_to: the request whose run it has joined; None if it is to have a run of its own.
    """

    factory: str
    request_id: str
    pipeline: str
    digest: str
    run_id: UUID
    state: RunState
    status: str
    requested_at: datetime
    parameters: dict[str, Any] = field(default_factory=dict)
    secure_parameters: tuple[str, ...] = ()
    rerun: Rerun = NO_RERUN
    correlation_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    requested_by: str | None = None
    source: Source = Source.HTTP
    attempts: int = 0
    not_before: datetime | None = None
    lease_until: datetime | None = None
    sent_at: datetime | None = None
    doubted_from: datetime | None = None
    last_answer: str | None = None
    waits_for: Waits | None = None
    held: Held | None = None
    held_seconds: float = 0.0
    rejections: int = 0
    submitted_at: datetime | None = None
    last_seen_at: datetime | None = None
    looked_at: datetime | None = None
    missing_since: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: int | None = None
    message: str | None = None
    errors: tuple[ActivityError, ...] | None = ()
    truncated: bool = False
    published_at: datetime | None = None
    former_run_ids: tuple[UUID, ...] = ()
    message_digest: str | None = None
    group_id: UUID | None = None
    attempt: int = 1
    reruns: int = 0
    unknowns: int = 0
    event_id: str | None = None
    resubmitted_at: datetime | None = None
    dismissed: bool = False
    cancellation: Cancellation | None = None
    history: tuple[HistoryEntry, ...] = ()
    came_as: CameAs | None = None
    failure_is_error: bool = False
    results: Results | None = None
    declares_secrets: bool | None = None
    traceparent: str | None = None
    overdue: Overdue | None = None
    routes: tuple[RouteDelivery, ...] = ()
    invoked_by: RunInvoker | None = None
    admission_key: str | None = None
    places: str | None = None
    place_number: int | None = None
    admitted_at: datetime | None = None
    joined_to: JoinedTo | None = None

    @property
    def run_ids(self) -> tuple[UUID, ...]:
        """Every runId that it ever had, oldest first, the current one last."""
        return (*self.former_run_ids, self.run_id)

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self.state in _ENDED

    @property
    def rejected(self) -> bool:
        """Whether it was refused for good, so that its key may be used again."""
        return self.ended and self.status == RunStatus.REJECTED

    @property
    def undecided(self) -> bool:
        """Whether its outcome is unknown, and a person has not decided about it yet."""
        return self.ended and self.status == RunStatus.UNKNOWN and not self.dismissed

    @property
    def over(self) -> bool:
        """Whether neither a run nor a decision can follow under its key."""
        return self.ended and not self.rejected and not self.undecided

    @property
    def confirmed_run_id(self) -> UUID | None:
        """Its runId once Data Factory has confirmed it; a runId that is only chosen names no run."""
        return None if self.submitted_at is None else self.run_id

    @property
    def overdue_since(self) -> datetime | None:
        """Since when its run is overdue, or will be; None without a limit, and before there is a run."""
        if self.overdue is None or self.submitted_at is None:
            return None
        return self.submitted_at + timedelta(seconds=self.overdue.after_seconds)

    @property
    def overdue_at(self) -> datetime | None:
        """When it is to be published as overdue; None if it is not, or was already."""
        unpublished = self.overdue is not None and self.overdue.told_at is None
        return self.overdue_since if unpublished and self.state is RunState.SUBMITTED else None

    def has_place_in(self, places: str) -> bool:
        """Whether it has one of the places of a name: until it has ended, or a person has decided its outcome."""
        admitted = self.places == places and self.admitted_at is not None
        return admitted and (not self.ended or self.undecided)

    def was_published_before(self, instant: datetime) -> bool:
        """Whether its event was sent before an instant, so that nothing was left to do since."""
        return (
            self.state is RunState.PUBLISHED and self.published_at is not None and self.published_at < instant
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRun:
    """The row of a run that is not published yet: all that a tick needs to choose its work.

    A move that does not change it is a plain write of the record, which costs a third of a transaction. So the row of a
    request that is being sent is already that of a submitted run, and the publisher's lease of an ended run is only in
    the record.

    Attributes:
        state: of the record; SUBMITTED also for one that is being sent.
        lease_until: set while it is being sent, and until it expires or Data Factory shows the run.
        waits_for: as in the record.
        held: as in the record, so that a tick knows held requests without reading it.
        held_seconds: as in the record.
        missing_since: as in the record.
        status: as in the record, for lists of runs; None where only the record knows it: before the run is confirmed
            and while its sender has the lease, in rows of earlier versions, and once it has ended.
        started_at: as in the record, where `status` is set.
        resubmitted_at: as in the record.
        overdue_after: seconds after its start at which it is published as overdue; None if it is not, or was already.
        cancel_at: when the next call to cancel it is due; None if there is none.
        places: name of the places that it waits for; None if it does not.
        place_number: its number in that line.
        joined_to: the request whose run it has joined; None if there is none, or it has ended.
    """

    request_id: str
    run_id: UUID
    state: RunState
    requested_at: datetime
    not_before: datetime | None = None
    lease_until: datetime | None = None
    sent_at: datetime | None = None
    last_seen_at: datetime | None = None
    waits_for: Waits | None = None
    held: Held | None = None
    held_seconds: float = 0.0
    missing_since: datetime | None = None
    status: str | None = None
    started_at: datetime | None = None
    resubmitted_at: datetime | None = None
    cancel_at: datetime | None = None
    overdue_after: int | None = None
    places: str | None = None
    place_number: int | None = None
    joined_to: JoinedTo | None = None

    @classmethod
    def of(cls, record: RunRecord) -> "ActiveRun":
        """The row that belongs to a record."""
        being_sent = record.state is RunState.ACCEPTED and record.lease_until is not None
        watched = record.state is RunState.SUBMITTED and record.lease_until is None
        in_line = record.waits_for is Waits.ADMISSION
        joined = record.joined_to if record.waits_for is Waits.JOINED and not record.ended else None
        return cls(
            request_id=record.request_id,
            run_id=record.run_id,
            state=RunState.SUBMITTED if being_sent else record.state,
            requested_at=record.requested_at,
            not_before=record.not_before,
            lease_until=None if record.state is RunState.ENDED else record.lease_until,
            sent_at=record.sent_at,
            last_seen_at=record.last_seen_at,
            waits_for=record.waits_for,
            held=record.held,
            held_seconds=record.held_seconds,
            missing_since=record.missing_since,
            status=record.status if watched else None,
            started_at=record.started_at if watched else None,
            resubmitted_at=record.resubmitted_at,
            cancel_at=None if record.cancellation is None else record.cancellation.due_at,
            overdue_after=_overdue_after(record),
            places=record.places if in_line else None,
            place_number=record.place_number if in_line else None,
            joined_to=joined,
        )

    @property
    def may_be_unsent(self) -> bool:
        """Whether createRun may still have to be called, or its outcome to be found out; the record decides."""
        if self.state is RunState.ACCEPTED:
            return self.joined_to is None
        return self.state is RunState.SUBMITTED and self.lease_until is not None


def _overdue_after(record: RunRecord) -> int | None:
    if record.overdue is None or record.overdue.told_at is not None or record.ended:
        return None
    return record.overdue.after_seconds
