"""Finds the runs that may belong to a request whose outcome is unknown.

They are read from Data Factory: the runs of its pipeline that were started by calls, between its first call and the
time it was given up, and that belong to no other request. A run belongs to another request

- that owns it in the ledger, under any id of the factory;
- whose id it carries in the correlation parameter, whether or not that request has found it yet;
- that may own it: while the outcome of another request's call is open, a run that it may have started is left to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import FieldFilter, PipelineRun, RunFilter
from adf_trigger.errors import ResourceNotFound
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.service.attribution import CLOCK_SKEW, carried, owner_of, was_called
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.policy import Policies

LIST_PAGES = 20
"""Maximum pages of the pipeline's runs that are read for candidates; a run of a longer list is looked up by its id."""

MOST_RIVALS = 200
"""Maximum requests in doubt whose records are read; with more, no run of that time is known to be free."""

ADOPTED = "resolve as adopt"
"""Action in the history of a request to which a person has assigned a run."""


class Claim(Enum):
    """The relation of a run to a request."""

    FREE = "free"
    CONTESTED = "contested"
    UNRELATED = "unrelated"


@dataclass(slots=True)
class Found:
    """The runs that may belong to a request, and whether these are all.

    Attributes:
        runs: those that it may adopt.
        contested: those that may belong to it, but also to another request, or were assigned to one by a person.
    """

    runs: list[PipelineRun] = field(default_factory=list)
    contested: list[PipelineRun] = field(default_factory=list)
    complete: bool = True

    def claim(self, run_id: UUID) -> Claim | None:
        """The relation of a run; None where it was not read and the list was incomplete."""
        for runs, claim in ((self.runs, Claim.FREE), (self.contested, Claim.CONTESTED)):
            if any(run.run_id == run_id for run in runs):
                return claim
        return Claim.UNRELATED if self.complete else None

    @property
    def none(self) -> bool:
        """Whether it is certain that no run belongs to it."""
        return self.complete and not self.runs and not self.contested


@dataclass(frozen=True, slots=True)
class _Rivals:
    """Requests in doubt, whose calls may have started a run that no record has."""

    records: Sequence[RunRecord]
    complete: bool

    def may_have(self, run: PipelineRun, record: RunRecord, *, carries_its_id: bool) -> bool:
        """Whether one of them, other than the record itself, may have started a run."""
        if not self.complete and not carries_its_id:
            return True
        return any(
            _may_have_started(rival, run)
            and (not carries_its_id or rival.rerun.reference_pipeline_run_id is not None)
            for rival in self.records
            if rival.run_id != record.run_id
        )


class CandidateFinder:
    """Finds the runs that may belong to a request. Reads only.

    Args:
        ledger: the run ledger.
        factories: all configured factories.
        policies: which parameter carries the id of a request.
        clock: returns the current time.
    """

    def __init__(self, ledger: LedgerReader, factories: Factories, policies: Policies, clock: Clock) -> None:
        self._ledger = ledger
        self._factories = factories
        self._policies = policies
        self._clock = clock

    def of(self, factory: FactoryHandle, record: RunRecord) -> Found:
        """The runs that may belong to the request.

        Raises:
            DataFactoryError, CredentialError: Data Factory cannot be read now.
            LedgerError: the ledger is out of reach.
        """
        since, _ = self._window(record)
        window = RunFilter(
            last_updated_after=since,
            last_updated_before=self._clock() + CLOCK_SKEW,
            filters=(FieldFilter(operand="PipelineName", operator="Equals", values=(record.pipeline,)),),
        )
        listed, complete = Budget(LIST_PAGES).read(factory.runs.query_runs(window))
        found = Found(complete=complete)
        # A listed run was created before this: by now its request is either in doubt here or owns it in the ledger.
        rivals = self._rivals(factory, record)
        for run in listed:
            match self._claim(factory, record, run, rivals):
                case Claim.FREE:
                    found.runs.append(run)
                case Claim.CONTESTED:
                    found.contested.append(run)
                case Claim.UNRELATED:
                    pass
        return found

    def claim(self, factory: FactoryHandle, record: RunRecord, run_id: UUID) -> Claim:
        """The relation of one run, which an incomplete list does not contain.

        Raises:
            DataFactoryError, CredentialError: Data Factory cannot be read now.
            LedgerError: the ledger is out of reach.
        """
        try:
            run = factory.runs.get_run(run_id)
        except ResourceNotFound:
            return Claim.UNRELATED
        return self._claim(factory, record, run, self._rivals(factory, record))

    def belongs_to_another(self, factory: FactoryHandle, record: RunRecord, run_id: UUID) -> bool:
        """Whether another request owns a run, under any id of the factory.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        owner = owner_of(self._ledger, self._factories, factory, run_id)
        return owner is not None and not _is_same(owner, record)

    def _claim(self, factory: FactoryHandle, record: RunRecord, run: PipelineRun, rivals: _Rivals) -> Claim:
        if not self._fits(run, record):
            return Claim.UNRELATED
        owner = owner_of(self._ledger, self._factories, factory, run.run_id)
        if owner is not None and not _is_same(owner, record):
            return Claim.CONTESTED if _was_assigned(owner, run.run_id) else Claim.UNRELATED
        carries = self._carries(run, record)
        its_own = carries == record.request_id
        if carries is not None and not its_own and self._is_known(factory, carries):
            if record.rerun.reference_pipeline_run_id is None:
                return Claim.UNRELATED
            if not self._is_settled(factory, carries):
                return Claim.CONTESTED  # a rerun has the parameters of the run that it reruns
        return Claim.CONTESTED if rivals.may_have(run, record, carries_its_id=its_own) else Claim.FREE

    def _window(self, record: RunRecord) -> tuple[datetime, datetime]:
        """The time in which its run was started: from its first call to when it was given up."""
        since = record.doubted_from or record.submitted_at or record.requested_at
        return since - CLOCK_SKEW, (record.ended_at or self._clock()) + CLOCK_SKEW

    def _fits(self, run: PipelineRun, record: RunRecord) -> bool:
        since, until = self._window(record)
        same = run.pipeline_name.lower() in ("", record.pipeline.lower())
        return same and was_called(run) and (run.run_start is None or since <= run.run_start <= until)

    def _carries(self, run: PipelineRun, record: RunRecord) -> str | None:
        """The id that a run carries in the correlation parameter."""
        name = self._policies.of(record.pipeline).correlation_parameter
        value = None if name is None else carried(run, name)
        return value if isinstance(value, str) else None

    def _is_known(self, factory: FactoryHandle, request_id: str) -> bool:
        handles = self._factories.of(factory.alias)
        return any(self._ledger.get(handle.id, request_id) is not None for handle in handles)

    def _is_settled(self, factory: FactoryHandle, request_id: str) -> bool:
        """Whether the run of a request is known."""
        found = (self._ledger.get(handle.id, request_id) for handle in self._factories.of(factory.alias))
        return all(stored is None or stored.record.submitted_at is not None for stored in found)

    def _rivals(self, factory: FactoryHandle, record: RunRecord) -> _Rivals:
        """Other requests of the pipeline for which createRun was called, or is being called, with no answer yet."""
        rivals: list[RunRecord] = []
        left = MOST_RIVALS
        for handle in self._factories.of(factory.alias):
            for row in self._ledger.active(handle.id):
                if not row.may_be_unsent or row.sent_at is None:
                    continue
                if left == 0:
                    return _Rivals(rivals, complete=False)
                left -= 1
                stored = self._ledger.get(handle.id, row.request_id)
                if stored is not None and stored.record.pipeline.lower() == record.pipeline.lower():
                    rivals.append(stored.record)
        return _Rivals(rivals, complete=True)


def _may_have_started(rival: RunRecord, run: PipelineRun) -> bool:
    """Whether a request whose call has no answer yet may have started a run."""
    since = rival.doubted_from or rival.sent_at
    if rival.state is not RunState.ACCEPTED or since is None:
        return False
    return run.run_start is None or run.run_start >= since - CLOCK_SKEW


def _is_same(owner: RunRecord, record: RunRecord) -> bool:
    return owner.factory.lower() == record.factory.lower() and owner.request_id == record.request_id


def _was_assigned(owner: RunRecord, run_id: UUID) -> bool:
    """Whether a person has assigned the run to its owner, which may have been a mistake."""
    return any(entry.action == ADOPTED and str(run_id) in (entry.note or "") for entry in owner.history)
