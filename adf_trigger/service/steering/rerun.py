"""Reruns runs: the whole, from the failed activities on, or from a named activity on, as Data Factory groups them.

A rerun is a request like any other, with a record, a key and an event of its own. If the caller gives no key, it is
derived from the run and the number of the rerun: until that rerun is over, asking again returns the same one.
"""

import logging
from dataclasses import dataclass
from itertools import count, islice
from typing import Literal
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.contracts import HistoryEntry, RunRequest, RunStatus
from adf_trigger.datafactory.models import TimeWindow
from adf_trigger.errors import (
    CredentialError,
    DataFactoryError,
    Fault,
    InvalidRequest,
    LedgerError,
    NotFound,
    RequestConflict,
    RunNotFound,
    TryLater,
    WrongState,
)
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import RunRecord
from adf_trigger.messages.limits import shorten
from adf_trigger.service import optimistic
from adf_trigger.service.attribution import CLOCK_SKEW
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.recording.records import Records
from adf_trigger.service.starting.submit import Submitted, Submitter
from adf_trigger.service.submission import Lineage, Submission

logger = logging.getLogger(__name__)

Mode = Literal["whole", "fromFailure", "fromActivity"]

ACTIVITY_PAGES = 10
"""Maximum pages of activity runs that are read to find an activity by its name."""

MOST_NAMES = 800
"""Maximum characters of the list of activities in an error."""

MOST_UNRECORDED = 20
"""Maximum reruns that were not recorded with their run and are searched for; each crash may leave one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunOrder:
    """An order to rerun a run.

    Attributes:
        mode: where to start.
        activity: the activity to start from, with `fromActivity` only.
        key: the new request's idempotency key; None to derive one.
        by: who gave the order, where known.
        note: why.
        traceparent: the trace that the call is part of.
    """

    mode: Mode = "whole"
    activity: str | None = None
    key: str | None = None
    by: str | None = None
    note: str | None = None
    traceparent: str | None = None

    def faults(self) -> list[Fault]:
        """The faults of the order."""
        if self.activity is not None and self.mode != "fromActivity":
            return [Fault("/activity", "belongs to the mode fromActivity only")]
        if self.activity is None and self.mode == "fromActivity":
            return [Fault("/activity", "is required where the mode is fromActivity")]
        return []


class Rerunner:
    """Reruns runs.

    Args:
        ledger: the run ledger.
        records: writes it.
        factories: all configured factories.
        gate: says whether a factory may be called now.
        submitter: submits the new request.
        clock: returns the current time.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        factories: Factories,
        gate: Gate,
        submitter: Submitter,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._factories = factories
        self._gate = gate
        self._submitter = submitter
        self._clock = clock

    def rerun(self, record: RunRecord, order: RerunOrder) -> Submitted:
        """Rerun a run with its own parameters; returns the new request, or the one that was requested before.

        Raises:
            WrongState: the run has not ended, was never started, or is unknown here or to Data Factory; or another
                rerun of it is under way.
            InvalidRequest: there is no such activity.
            RequestConflict: the key names another request.
            Refused, TryLater, LedgerError: see `Submitter.submit`.
        """
        if faults := order.faults():
            raise InvalidRequest(faults)
        factory = self._factory_of(record)
        activity = self._activity(factory, record, order)
        number = record.reruns + 1 if order.key else self._next(record)
        key = order.key or _derived(record, number)
        note = f"request {key} reruns it ({order.mode}{f' {activity}' if activity else ''})"
        # A request that an earlier version accepted may be invalid by now.
        request = RunRequest.model_construct(
            parameters=record.parameters,
            correlation_id=record.correlation_id,
            metadata=record.metadata,
            reference_pipeline_run_id=record.run_id,
            is_recovery=True,
            start_activity_name=activity,
            start_from_failure=True if order.mode == "fromFailure" else None,
            overdue_after_seconds=record.overdue and record.overdue.after_seconds,
            cancel_when_overdue=record.overdue and record.overdue.cancel,
        )
        submission = Submission(
            factory=factory,
            pipeline=record.pipeline,
            request=request,
            request_id=key,
            requested_by=order.by,
            traceparent=order.traceparent,
            lineage=Lineage(
                group_id=record.group_id or record.run_id,
                attempt=record.attempt + number,
                entry=HistoryEntry(at=self._clock(), by=order.by, action="rerun", note=order.note),
            ),
        )
        submitted = self._submitted(submission, order, record.run_id)
        self._note(record, submitted.record, order, note, number)
        return submitted

    def _submitted(self, submission: Submission, order: RerunOrder, run_id: UUID) -> Submitted:
        try:
            return self._submitter.submit(submission)
        except RequestConflict as exc:
            if order.key is not None:
                raise
            raise WrongState(
                f"it is being rerun in another way, as request {submission.request_id}: wait for its end"
            ) from exc
        except RunNotFound as exc:
            raise WrongState(
                f"Data Factory has no run {run_id} any more, which it keeps for 45 days: start a new one ({exc})"
            ) from exc

    def _factory_of(self, record: RunRecord) -> FactoryHandle:
        if not record.ended:
            raise WrongState(f"it has not ended: its status is {record.status}")
        if record.status == RunStatus.UNKNOWN:
            unknown = "it is not known whether it was started, or how it ended"
            raise WrongState(
                f"{unknown}; decide about it by resolve"
                if record.undecided
                else f"{unknown}, and that was dismissed: start a new one"
            )
        if record.joined_to is not None:
            other = record.joined_to.request_id
            raise WrongState(f"it had no run of its own: rerun request {other}, whose run it had joined")
        if record.confirmed_run_id is None:
            raise WrongState(
                f"it is {record.status} and was never started: there is no run to rerun, start a new one"
            )
        factory = self._factories.kept_under(record.factory)
        if factory is None:
            raise WrongState(f"its factory {record.factory} is not configured any more")
        return factory

    def _next(self, record: RunRecord) -> int:
        """The number of the rerun that is not over, or else the next number."""
        for number in islice(count(max(1, record.reruns)), MOST_UNRECORDED):
            stored = self._ledger.get(record.factory, _derived(record, number))
            if stored is None or not stored.record.over:
                return number
        raise TryLater(f"request {record.request_id} is being rerun by others", retry_after=2.0)

    def _activity(self, factory: FactoryHandle, record: RunRecord, order: RerunOrder) -> str | None:
        """The activity to start from, as the pipeline spells it; as given where its activities cannot be read."""
        if order.activity is None or not self._gate.may_read(factory):
            return order.activity
        try:
            ran, complete = self._names_of(factory, record)
            known = {name.lower(): name for name in ran}
            if order.activity.lower() not in known:
                defined = factory.runs.get_pipeline(record.pipeline).activity_names
                known = {**{name.lower(): name for name in defined}, **known}
        except (DataFactoryError, CredentialError) as exc:
            logger.info(
                "The activities of run %s cannot be read, so %s is not checked: %s",
                record.run_id,
                order.activity,
                exc,
                extra={"action": "activity_not_checked", "request_id": record.request_id},
            )
            return order.activity
        if order.activity.lower() in known:
            return known[order.activity.lower()]
        if not complete:
            return order.activity
        there_are = shorten(", ".join(sorted(known.values())), MOST_NAMES) or "none"
        raise InvalidRequest([Fault("/activity", f"the run has no such activity; it has: {there_are}")])

    def _names_of(self, factory: FactoryHandle, record: RunRecord) -> tuple[list[str], bool]:
        """The names of the activities that ran, and whether these are all."""
        since = record.started_at or record.submitted_at or record.requested_at
        until = max(self._clock(), record.ended_at or since)
        window = TimeWindow(after=since - CLOCK_SKEW, before=until + CLOCK_SKEW)
        pages = factory.runs.query_activity_runs(record.run_id, window=window)
        found, complete = Budget(ACTIVITY_PAGES).read(pages)
        return [each.activity_name for each in found], complete

    def _note(self, record: RunRecord, new: RunRecord, order: RerunOrder, note: str, number: int) -> None:
        """Add the rerun to the history of its run, once. Where that fails, the rerun continues."""
        entry = HistoryEntry(
            at=new.requested_at,
            by=order.by,
            action="rerun",
            note=f"{note}: {order.note}" if order.note else note,
        )

        def add(stored: Stored) -> None:
            if not any((each.note or "").startswith(note) for each in stored.record.history):
                self._records.note(stored, entry, reruns=number)

        try:
            optimistic.update(self._ledger, record, add)
        except NotFound:
            return  # it has been purged
        except (LedgerError, TryLater) as exc:
            logger.warning(
                "The rerun of request %s could not be written into its history: %s",
                record.request_id,
                exc,
                extra={"action": "rerun_not_noted", "request_id": record.request_id},
            )


def _derived(record: RunRecord, number: int) -> str:
    return f"rerun-{record.run_id}-{number}"
