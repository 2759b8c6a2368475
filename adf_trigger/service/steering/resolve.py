"""Decisions of a person about requests whose outcome is unknown."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from pydantic import JsonValue

from adf_trigger.clock import Clock
from adf_trigger.contracts import HistoryEntry, RunCandidate, RunStatus
from adf_trigger.datafactory.models import PipelineRun
from adf_trigger.errors import (
    CredentialError,
    DataFactoryError,
    Fault,
    InvalidRequest,
    LedgerError,
    NotSent,
    PublishError,
    Throttled,
    TryLater,
    Unavailable,
    WrongState,
)
from adf_trigger.ledger.notes import Notes
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.messages.limits import shorten
from adf_trigger.messages.masking import MASK
from adf_trigger.service import optimistic
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.dispatching.reconcile import FEW_CANDIDATES, Reconciler, Sightings
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.policy import Policies
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.recording.records import Records
from adf_trigger.service.starting.definitions import Definitions
from adf_trigger.service.steering.adoptions import Adoptions
from adf_trigger.service.steering.candidates import LIST_PAGES, CandidateFinder, Claim, Found
from adf_trigger.service.steps import Steps
from adf_trigger.service.watching.monitor import Monitor
from adf_trigger.service.watching.refresh import CALLS

logger = logging.getLogger(__name__)

PUBLISH_WAIT = 5.0
OUTAGE_WAIT = 30.0
MOST_CANDIDATES = 20
MOST_PARAMETERS = 20
LONGEST_VALUE = 200
"""Maximum candidates that are listed, and what is shown of each."""

Decision = Literal["adopt", "resubmit", "dismiss"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveOrder:
    """A person's decision.

    Attributes:
        decision: adopt, resubmit or dismiss.
        run_id: the run to assign, with `adopt` only.
        force: send again although a run may belong to it, with `resubmit` only.
        by: who decides, where known.
        note: why.
    """

    decision: Decision
    run_id: UUID | None = None
    force: bool = False
    by: str | None = None
    note: str | None = None

    @property
    def action(self) -> str:
        """The action in the history."""
        return f"resolve as {self.decision}"

    def faults(self) -> list[Fault]:
        """The faults: fields that belong to another decision."""
        found = []
        if self.run_id is not None and self.decision != "adopt":
            found.append(Fault("/runId", "belongs to adopt only"))
        if self.force and self.decision != "resubmit":
            found.append(Fault("/force", "belongs to resubmit only"))
        return found


class Resolver:
    """Carries out decisions.

    Args:
        ledger: the run ledger.
        records: writes it.
        factories: all configured factories.
        gate: says whether a factory may be called now.
        reconciler: finds the run that certainly belongs to a request.
        candidates: finds the runs that may belong to it.
        adoptions: ensures that a run is assigned to one request at a time.
        definitions: what pipelines declare, so that secrets are masked.
        monitor: records what Data Factory shows of a run.
        publisher: publishes the unknown outcome before a decision changes it.
        clock: returns the current time.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        records: Records,
        factories: Factories,
        gate: Gate,
        reconciler: Reconciler,
        candidates: CandidateFinder,
        adoptions: Adoptions,
        definitions: Definitions,
        monitor: Monitor,
        publisher: Publisher,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._factories = factories
        self._gate = gate
        self._reconciler = reconciler
        self._candidates = candidates
        self._adoptions = adoptions
        self._definitions = definitions
        self._monitor = monitor
        self._publisher = publisher
        self._clock = clock

    def resolve(self, record: RunRecord, order: ResolveOrder) -> RunRecord:
        """Carry out a decision about a request whose outcome is unknown; returns its record.

        The same decision again changes nothing.

        Raises:
            WrongState: its outcome is known; the run to adopt cannot belong to it; or a run may belong to it, and it
                was to be sent again. The latter two have the candidates.
            InvalidRequest: a field does not belong to the decision.
            TryLater: Data Factory cannot be read now, or others keep changing the record.
            FactoryUnusable: Data Factory does not let this service read.
            NotFound: the record is gone.
            LedgerError: the ledger is out of reach.
        """
        if faults := order.faults():
            raise InvalidRequest(faults)
        return optimistic.update(self._ledger, record, lambda stored: self._resolve(stored, order))

    def _resolve(self, stored: Stored, order: ResolveOrder) -> RunRecord:
        record = stored.record
        if _is_done(record, order):
            return record
        if not record.ended or record.status != RunStatus.UNKNOWN:
            raise WrongState(f"there is nothing to decide: its status is {record.status}")
        if record.joined_to is not None and order.decision != "dismiss":
            other = record.joined_to.request_id
            raise WrongState(
                f"nothing was sent for it, since it had joined the run of request {other}: decide about that one; "
                "this one can be dismissed, and requested again under another key"
            )
        stored = self._published(stored)
        entry = HistoryEntry(at=self._clock(), by=order.by, action=order.action, note=order.note)
        if order.decision == "dismiss":
            return self._records.dismiss(stored, entry).record
        factory = self._factories.kept_under(record.factory)
        if factory is None:
            raise WrongState(f"its factory {record.factory} is not configured any more; it can be dismissed")
        if not self._gate.may_read(factory):
            raise TryLater("its factory cannot be read now", retry_after=OUTAGE_WAIT)
        try:
            if order.decision == "adopt":
                return self._adopt(factory, stored, order, entry)
            return self._resubmit(factory, stored, order, entry)
        except (Throttled, Unavailable, NotSent, CredentialError) as exc:
            raise TryLater(f"its factory cannot be read now: {exc}", retry_after=OUTAGE_WAIT) from exc

    def _published(self, stored: Stored) -> Stored:
        """The record after its unknown outcome was published, before a decision changes it."""
        record = stored.record
        if record.state is RunState.PUBLISHED:
            return stored
        handle = self._factories.kept_under(record.factory)
        reason = "the event of its unknown outcome must be published first"
        if handle is not None:
            try:
                self._publisher.publish_one(handle, record.request_id)
            except PublishError as exc:
                raise TryLater(f"{reason}: {exc}", retry_after=PUBLISH_WAIT) from exc
        now = self._ledger.get(record.factory, record.request_id)
        if now is None or now.record.state is not RunState.PUBLISHED:
            raise TryLater(reason, retry_after=PUBLISH_WAIT)
        return now

    def _adopt(
        self, factory: FactoryHandle, stored: Stored, order: ResolveOrder, entry: HistoryEntry
    ) -> RunRecord:
        found = self._candidates.of(factory, stored.record)
        if order.run_id is None:
            raise WrongState(
                f"name the run that belongs to it by runId, one of the candidates{_contested_in_words(found)}",
                candidates=self._shown(stored, found),
            )
        claim = found.claim(order.run_id) or self._candidates.claim(factory, stored.record, order.run_id)
        if claim is Claim.CONTESTED:
            raise self._contested(stored, order.run_id, found)
        if claim is Claim.UNRELATED:
            raise WrongState(
                f"run {order.run_id} cannot belong to it: a candidate is a run of its pipeline, started by a call in "
                "its time, that belongs to no other request",
                candidates=self._shown(stored, found),
            )
        with self._adoptions.reserved(factory, stored.record, order.run_id) as is_free:
            if not is_free or self._candidates.belongs_to_another(factory, stored.record, order.run_id):
                raise self._contested(stored, order.run_id, found)
            adopted = self._records.take_over(
                stored,
                order.run_id,
                entry.model_copy(update={"note": _joined(f"run {order.run_id}", entry.note)}),
            )
        try:
            self._monitor.look(factory, ActiveRun.of(adopted.record), Budget(CALLS))
        except (LedgerError, PublishError, DataFactoryError, CredentialError) as exc:
            logger.info(
                "Run %s was adopted and could not be refreshed: %s",
                order.run_id,
                exc,
                extra={"action": "look_failed", "request_id": adopted.record.request_id},
            )
        return (self._ledger.get(adopted.record.factory, adopted.record.request_id) or adopted).record

    def _contested(self, stored: Stored, run_id: UUID, found: Found) -> WrongState:
        return WrongState(
            f"run {run_id} may belong to another request, whose outcome is open or to which it was assigned: settle "
            "that one first",
            candidates=self._shown(stored, found),
        )

    def _resubmit(
        self, factory: FactoryHandle, stored: Stored, order: ResolveOrder, entry: HistoryEntry
    ) -> RunRecord:
        """Send a request again, if no run may belong to it, or a person has ruled out those that may."""
        record = stored.record
        found = self._candidates.of(factory, record)
        own = self._reconciler.find(factory, record, Budget(LIST_PAGES), Sightings())
        if own is not None:
            raise WrongState(f"run {own} belongs to it: adopt it", candidates=self._shown(stored, found))
        if not order.force and not found.none:
            raise WrongState(
                "one of the candidates may belong to it: adopt it, or resubmit with force if none does"
                f"{_contested_in_words(found)}",
                candidates=self._shown(stored, found),
            )
        return self._records.resubmit(stored, entry).record

    def _shown(self, stored: Stored, found: Found) -> Sequence[RunCandidate]:
        secure = self._secure(stored.record)
        newest = sorted(found.runs, key=lambda run: (run.run_start is None, run.run_start, str(run.run_id)))
        return [
            RunCandidate(
                run_id=run.run_id,
                status=run.status,
                started_at=run.run_start,
                updated_at=run.last_updated,
                parameters=_shown_parameters(run, secure),
            )
            for run in newest[:MOST_CANDIDATES]
        ]

    def _secure(self, record: RunRecord) -> frozenset[str] | None:
        """The names of secure parameters, in lower case; None where they are not known."""
        factory = self._factories.kept_under(record.factory)
        if factory is None:
            return None
        try:
            declared = self._definitions.get(factory, record.pipeline)
        except (DataFactoryError, CredentialError):
            known = self._definitions.remembered(factory, record.pipeline)
            if known is None:
                return None
            declared = known
        return frozenset(name.lower() for name in (*declared.secure_names, *record.secure_parameters))


def _is_done(record: RunRecord, order: ResolveOrder) -> bool:
    """Whether the same decision was made before, and the outcome has not become unknown since."""
    if order.decision == "dismiss":
        return record.dismissed
    if record.status == RunStatus.UNKNOWN:
        return False
    decided = any(entry.action == order.action for entry in record.history)
    return decided and (order.decision == "resubmit" or order.run_id == record.run_id)


def _contested_in_words(found: Found) -> str:
    """The runs that are not candidates, since they may belong to another request, in words."""
    contested = ", ".join(str(run.run_id) for run in found.contested[:FEW_CANDIDATES])
    return (
        f"; {contested} may belong to it, too, or to another request, which must be settled first"
        if contested
        else ""
    )


def _shown_parameters(run: PipelineRun, secure: frozenset[str] | None) -> dict[str, JsonValue]:
    shown: dict[str, JsonValue] = {}
    for name, value in list(run.parameters.items())[:MOST_PARAMETERS]:
        secret = secure is None or name.lower() in secure
        shown[shorten(name, LONGEST_VALUE)] = MASK if secret else _cut(value)
    return shown


def _cut(value: JsonValue) -> JsonValue:
    text = value if isinstance(value, str) else repr(value)
    return value if len(text) <= LONGEST_VALUE else shorten(text, LONGEST_VALUE)


def _joined(first: str, note: str | None) -> str:
    return f"{first}: {note}" if note else first


def wire_resolver(
    ledger: LedgerReader,
    records: Records,
    factories: Factories,
    gate: Gate,
    reconciler: Reconciler,
    policies: Policies,
    definitions: Definitions,
    monitor: Monitor,
    publisher: Publisher,
    clock: Clock,
    notes: Notes,
    steps: Steps,
) -> Resolver:
    """A `Resolver` with the finder of its candidates; see `Resolver`, `CandidateFinder` and `Adoptions`."""
    candidates = CandidateFinder(ledger, factories, policies, clock)
    return Resolver(
        ledger,
        records,
        factories,
        gate,
        reconciler,
        candidates,
        Adoptions(notes, factories, clock, steps),
        definitions,
        monitor,
        publisher,
        clock,
    )
