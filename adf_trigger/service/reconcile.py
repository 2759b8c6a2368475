"""What became of a createRun that got no clear answer.

First the run is asked for by the id that was chosen for it: found, it is adopted. Not found after a grace period,
it depends on what is known of the factory:

- where it gives our id back as the runId, the run does not exist, and sending again with the same id is safe;
- where it does not, or nobody knows yet, the runs of the pipeline since then are searched: by the correlation
  parameter where the pipeline has one, else for any run that is not in our ledger. Nothing there: sent again
  (unless the factory is known to ignore ids and there is no correlation parameter). Otherwise it is parked.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import FieldFilter, PipelineRun, RunFilter
from adf_trigger.errors import BadRequest, ResourceNotFound
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord
from adf_trigger.policy import UnknownOutcomePolicy
from adf_trigger.service import transitions
from adf_trigger.service.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.policy import Policies

CLOCK_SKEW = timedelta(minutes=5)
"""How far the service's clock and ours may be apart."""

RECORDS_A_PAGE = 10
MOST_PAGES_OF_RECORDS = 20
"""How many of the newest records are looked at to learn how a factory treats ids."""

_UNKNOWN_RUN = "ReferencedPipelineRunNotFound"


class Verdict(Enum):
    """What is to be done about a request in doubt."""

    ADOPT = "adopt"
    ASK_LATER = "ask later"
    SEND_AGAIN = "send again"
    PARK = "park"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with what it rests on."""

    verdict: Verdict
    run_id: UUID | None = None
    reason: str = ""


class Reconciler:
    """Finds out what became of requests in doubt. Reads only.

    Args:
        ledger: knows which runs are ours.
        clock: gives the present instant.
        policies: what may be decided for each pipeline.
        grace: how long a run may stay unseen before its absence means something.
    """

    def __init__(self, ledger: LedgerReader, clock: Clock, policies: Policies, grace: timedelta) -> None:
        self._ledger = ledger
        self._clock = clock
        self._policies = policies
        self._grace = grace

    def reconcile(self, factory: FactoryHandle, record: RunRecord, budget: Budget) -> Finding:
        """What to do about a request in doubt.

        Raises:
            DataFactoryError, CredentialError: it could not be found out now; nothing has changed.
        """
        left_by = transitions.left_by(record)
        if left_by is None:
            raise ValueError(f"request {record.request_id} is not in doubt")
        if not budget.spend():
            return Finding(Verdict.ASK_LATER, reason="the calls of this tick are spent")
        if self.exists(factory, record):
            return Finding(Verdict.ADOPT, record.run_id)
        unseen_for = self._clock() - left_by
        if unseen_for < self._grace:
            return Finding(Verdict.ASK_LATER, reason="the run is not to be seen yet")
        return self._decide(factory, record, unseen_for, budget)

    def exists(self, factory: FactoryHandle, record: RunRecord) -> bool:
        """Whether the factory has a run of the request's pipeline under the id chosen for it."""
        try:
            run = factory.runs.get_run(record.run_id)
        except ResourceNotFound:
            return False
        except BadRequest as exc:
            if exc.code == _UNKNOWN_RUN:
                return False
            raise
        return run.pipeline_name.lower() == record.pipeline.lower()

    def _decide(
        self,
        factory: FactoryHandle,
        record: RunRecord,
        unseen_for: timedelta,
        budget: Budget,
    ) -> Finding:
        policy = self._policies.of(record.pipeline)
        if policy.unknown_outcome is UnknownOutcomePolicy.PARK:
            return Finding(Verdict.PARK, reason="the pipeline's policy is to park it")
        if policy.unknown_outcome is UnknownOutcomePolicy.RESUBMIT:
            return Finding(Verdict.SEND_AGAIN, reason="the pipeline's policy is to send again")
        honoured = self._ids_honoured(factory)
        if honoured:
            return Finding(Verdict.SEND_AGAIN, reason="the factory has no run of the chosen id")
        if policy.correlation_parameter is None and honoured is False:
            return Finding(
                Verdict.PARK, reason="the factory chooses ids of its own, so the run cannot be found"
            )
        return self._search(factory, record, unseen_for, budget, policy.correlation_parameter)

    def _ids_honoured(self, factory: FactoryHandle) -> bool | None:
        """Whether the factory gave the id that we chose back as the runId, last time; None if nobody knows.

        The records show it: one that has started under another id than the one chosen for it had that one before.
        """
        continuation: str | None = None
        for _ in range(MOST_PAGES_OF_RECORDS):
            page = self._ledger.runs(factory.id, since=None, limit=RECORDS_A_PAGE, continuation=continuation)
            for record in page.records:
                if record.submitted_at is not None:
                    return not record.former_run_ids
            if page.continuation is None:
                return None
            continuation = page.continuation
        return None

    def _search(
        self,
        factory: FactoryHandle,
        record: RunRecord,
        unseen_for: timedelta,
        budget: Budget,
        correlation_parameter: str | None,
    ) -> Finding:
        candidates = self._candidates(factory, record, budget)
        if candidates is None:
            return Finding(Verdict.ASK_LATER, reason="the calls of this tick are spent")
        if correlation_parameter is not None:
            ours = [run for run in candidates if _carries(run, correlation_parameter, record.request_id)]
            if ours:
                return Finding(Verdict.ADOPT, _earliest(ours).run_id)
            candidates = []
        if candidates:
            listed = ", ".join(str(run.run_id) for run in candidates[:5])
            return Finding(Verdict.PARK, reason=f"any of these runs may be it: {listed}")
        if unseen_for < 2 * self._grace:
            return Finding(Verdict.ASK_LATER, reason="the list of runs does not show it yet")
        return Finding(Verdict.SEND_AGAIN, reason="no run that could be it has appeared")

    def _candidates(
        self, factory: FactoryHandle, record: RunRecord, budget: Budget
    ) -> list[PipelineRun] | None:
        """Runs of the pipeline since the request came that are nobody else's; None where the budget ran out."""
        since = record.requested_at - CLOCK_SKEW
        window = RunFilter(
            last_updated_after=since,
            last_updated_before=self._clock() + CLOCK_SKEW,
            filters=(FieldFilter(operand="PipelineName", operator="Equals", values=(record.pipeline,)),),
        )
        found, complete = budget.read(factory.runs.query_runs(window))
        if not complete:
            return None
        return [
            run
            for run in found
            if (run.run_start is None or run.run_start >= since)
            and self._ledger.find(factory.id, run.run_id) is None
        ]


def _earliest(runs: list[PipelineRun]) -> PipelineRun:
    return min(runs, key=lambda run: (run.run_start is None, run.run_start, str(run.run_id)))


def _carries(run: PipelineRun, parameter: str, value: str) -> bool:
    given: dict[str, Any] = {name.lower(): each for name, each in run.parameters.items()}
    return given.get(parameter.lower()) == value
