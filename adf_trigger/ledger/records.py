"""What the run ledger keeps: one record a request, and a short row for each run that has not ended."""

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
    """How far a request has come. The moves between states live in `adf_trigger.service.recording.transitions`."""

    ACCEPTED = "accepted"
    """Taken; Data Factory has not confirmed a run."""
    SUBMITTED = "submitted"
    """Data Factory has a run for it."""
    ENDED = "ended"
    """Its last status is known (Rejected and Unknown among them); the event is still to be sent."""
    PUBLISHED = "published"
    """The event is sent; nothing is left to do."""


class Waits(StrEnum):
    """What of its own a request waits for, so that those that came later need not wait behind it."""

    CALLER = "caller"
    """Values of its secure parameters are not kept: the same request, or its message, has to come again."""
    PIPELINE = "pipeline"
    """The pipeline is at its limit of queued runs."""
    ADMISSION = "admission"
    """As many runs of its pipeline, or of its key, go on as the pipeline's policy allows; see `ledger.places`."""
    JOINED = "joined"
    """It has no run of its own, and ends as the one ends that it has joined."""


LONGEST_ADMISSION_KEY = 256
"""Characters of the key that a request is admitted by."""

_ENDED = frozenset({RunState.ENDED, RunState.PUBLISHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class CameAs:
    """The message that a request came as, kept while it may still be rejected: it is published unchanged.

    Attributes:
        body: its bytes, at most the 64 KiB that a queue takes, as they came but for what is masked.
        masked: names of the parameters whose values were taken out of it.
    """

    body: bytes
    masked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """That a run is to be cancelled, and how far that has come.

    Attributes:
        asked_at: when it was ordered.
        recursive: whether the runs that it started are to be cancelled, too.
        due_at: when Data Factory is to be asked next; None once it has said yes.
        attempts: how often it was asked.
        waits: why it has not said yes yet; None before it was asked.
    """

    asked_at: datetime
    recursive: bool = True
    due_at: datetime | None = None
    attempts: int = 0
    waits: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """When a run is overdue, and what comes of that.

    Attributes:
        after_seconds: since it was started.
        cancel: whether it is to be cancelled then.
        told_at: when that was published; None while it was not.
    """

    after_seconds: int
    cancel: bool = False
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """That a request is not started, since an operator holds its factory, its pipeline or its key.

    Attributes:
        by: what is held: the id of the hold's scope.
        since: when the request began to be held.
    """

    by: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedTo:
    """The request whose run is another one's, too, which asked for the same while that was under way.

    Attributes:
        request_id: the request.
        run_id: of its run; the one that was chosen for it while Data Factory has confirmed none.
        is_confirmed: whether Data Factory has.
        rejections: how often its key was rejected before: one that is used again names another request.
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
        request_id: names the request within its factory (the idempotency key).
        digest: SHA-256 of what was asked, normalised; another digest under the same key is a conflict.
        run_id: the GUID chosen before createRun; once Data Factory has answered, its runId.
        former_run_ids: runIds that it had before, oldest first. The ledger keeps them when it saves.
        parameters: what createRun is given, without the values of secure parameters.
        secure_parameters: names of the parameters whose values are not kept here.
        status: a RunStatus, or a word of Data Factory's that we do not know.
        source: how it came.
        invoked_by: who has started the run in Data Factory; None where that is us.
        not_before: the dispatcher leaves the request alone until then.
        lease_until: somebody is sending the request or its event; others leave it alone until then. Stays with
            a submitted run until it is over, or Data Factory shows the run.
        sent_at: when the last createRun left, at the latest; None while none ever did, or none that is in doubt.
        doubted_from: when the first createRun left of those whose outcome is in doubt.
        last_answer: what the last of them was answered with, in words.
        attempts: createRun calls so far.
        waits_for: what of its own it waits for, beside the factory.
        held: by what it is held; None where it is not. Versions that know no holds pass over it.
        held_seconds: how long it was held before, which does not count for its start deadline.
        rejections: how often the key was rejected before, each time published under an id of its own.
        last_seen_at: when Data Factory last showed us the run; None while it has not.
        message_digest: SHA-256 of the message it came as, where that gave no key of its own, so that a copy of it which
            the host makes under another id is known.
        came_as: the message it came as, while it is not started and has not ended.
        looked_at: when a reader last had Data Factory asked for the run.
        missing_since: when Data Factory first answered that it has no such run, and has not shown it since.
        errors: why activities failed; None where they were not read.
        results: what the run has come to; None before its end, and in records of earlier versions.
        routes: where else its end was published, at most as many as there are routes.
        overdue: when it is overdue; None where no limit is set.
        traceparent: the trace that the request is part of; see `messages.traces`.
        declares_secrets: whether its pipeline declared secure parameters when it was taken; None where that was not
            known.
        failure_is_error: whether its result is an error to HTTP clients where it does not succeed: the choice of the
            request that was taken, not of its repeats.
        truncated: whether reasons were cut, since a factory may give more of them than a record can hold.
        group_id: runId of the first run of those that rerun one another; None where it is no rerun of a known run.
        attempt: its number in that group, which grows with each rerun.
        reruns: how often it was rerun, as far as that was recorded.
        unknowns: how often it, or what had its key before, was told as unknown until somebody decided, each time under
            an id of its own.
        event_id: of the news of its end, fixed when it ends; None before, and where a version that did not fix it has
            ended it. See `service.news.event_ids`.
        resubmitted_at: when a person had it sent again: its start deadline counts from then.
        dismissed: whether a person has dismissed its unknown outcome.
        cancellation: that it is to be cancelled; None where it was not ordered, or Data Factory refused.
        history: who did what about it after it was asked for, oldest first; bounded by `room`.
        admission_key: canonical text of the key that its pipeline's policy counts it under, at most
            LONGEST_ADMISSION_KEY characters of ASCII; None where that has no key.
        places: name of the places that it is counted among; None where no policy counted it.
        place_number: its number among those who waited for one; None where it never did.
        admitted_at: when it was given its place, which it has until it has ended, and while nobody knows whether it
            has; None while it has none.
        joined_to: whose run is its, too; None where it is to have one of its own.
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
        """Every runId that it ever had, oldest first, the present one last."""
        return (*self.former_run_ids, self.run_id)

    @property
    def ended(self) -> bool:
        """Whether its status is its last one."""
        return self.state in _ENDED

    @property
    def rejected(self) -> bool:
        """Whether it was refused for good, so that its key may be used again."""
        return self.ended and self.status == RunStatus.REJECTED

    @property
    def undecided(self) -> bool:
        """Whether its outcome is unknown, and a person is still to decide about it."""
        return self.ended and self.status == RunStatus.UNKNOWN and not self.dismissed

    @property
    def over(self) -> bool:
        """Whether nothing more is to come of it under its key, neither a run nor a decision."""
        return self.ended and not self.rejected and not self.undecided

    @property
    def confirmed_run_id(self) -> UUID | None:
        """Its runId once Data Factory has confirmed it; the one that is only chosen names no run."""
        return None if self.submitted_at is None else self.run_id

    @property
    def overdue_since(self) -> datetime | None:
        """Since when its run is overdue, or will be; None without a limit, and before there is a run."""
        if self.overdue is None or self.submitted_at is None:
            return None
        return self.submitted_at + timedelta(seconds=self.overdue.after_seconds)

    @property
    def overdue_at(self) -> datetime | None:
        """When it is to be published as overdue; None where it is not to be, or was."""
        unpublished = self.overdue is not None and self.overdue.told_at is None
        return self.overdue_since if unpublished and self.state is RunState.SUBMITTED else None

    def has_place_in(self, places: str) -> bool:
        """Whether it has a place among those of a name: until it has ended, or a person has decided how it has."""
        admitted = self.places == places and self.admitted_at is not None
        return admitted and (not self.ended or self.undecided)

    def was_published_before(self, instant: datetime) -> bool:
        """Whether its event was sent before an instant, so that nothing has been left to do since."""
        return (
            self.state is RunState.PUBLISHED and self.published_at is not None and self.published_at < instant
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRun:
    """The row of a run that is not published yet: all that a tick needs to choose what to look at.

    A move that does not change it is a plain write of the record, which costs a third of a transaction. So a
    request that is being sent looks like the submitted run that it is about to be, and the lease of the one who
    publishes an end is left to the record.

    Attributes:
        state: of the record; SUBMITTED also for one that is being sent.
        lease_until: set while it is being sent, and on until that is over or Data Factory shows the run.
        waits_for: as in the record.
        held: as in the record, so that a tick knows without it who is still held.
        held_seconds: as in the record.
        missing_since: as in the record.
        status: as in the record, for who lists runs; None while the record alone can say: before the run is confirmed
            and for as long as its sender has the lease, in rows of earlier versions, and once it has ended.
        started_at: as in the record, where `status` is.
        resubmitted_at: as in the record.
        overdue_after: seconds after its start from which on it is published as overdue; None where it is not, or was.
        cancel_at: when Data Factory is to be asked next to cancel it; None where it need not be.
        places: name of the places among which it waits for one; None where it does not.
        place_number: its number among those who wait there.
        joined_to: the request whose end is to be its end, too; None where there is none, or it has ended.
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
        """Whether createRun may still have to be called, or its outcome to be found out; the record says."""
        if self.state is RunState.ACCEPTED:
            return self.joined_to is None
        return self.state is RunState.SUBMITTED and self.lease_until is not None


def _overdue_after(record: RunRecord) -> int | None:
    if record.overdue is None or record.overdue.told_at is not None or record.ended:
        return None
    return record.overdue.after_seconds
