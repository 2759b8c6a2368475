"""Determines the outcome of a createRun that got no clear answer.

First the run is read by the id that was chosen for it; if it exists, it is adopted. Only Data Factory's own answer
about that very run counts as not found. If it is not found after a grace period, the runs of the pipeline since the
first call are listed, even if the factory is known to honour our ids, since it may have stopped doing so:

- a run that carries our correlation parameter is adopted; without such a parameter a run that is not in our ledger,
  and that a call has started, may be ours: the request is parked;
- where there is none, the request is sent again with the same id, unless the factory is known to ignore ids and there
  is no correlation parameter.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from itertools import islice
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.datafactory.models import FieldFilter, PipelineRun, RunFilter, RunGlance
from adf_trigger.errors import ResourceNotFound
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.attribution import CLOCK_SKEW, carried, owner_of, was_called
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.elapsed import Elapsed
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.policy import Policies
from adf_trigger.service.recording import transitions
from adf_trigger.settings.policy import UnknownOutcomePolicy

MOST_PAGES = 60
"""Maximum pages of a pipeline's runs that are read to settle a doubt; beyond that a person decides."""

RECORDS_A_PAGE = 10
MOST_PAGES_OF_RECORDS = 20
"""Maximum pages of the newest records that are read to learn how a factory treats ids."""

FEW_CANDIDATES = 5
"""Maximum candidates that are named; one is enough to park a request."""


class Verdict(Enum):
    """What to do about a request in doubt."""

    ADOPT = "adopt"
    ASK_LATER = "ask later"
    UNDETERMINED = "undetermined"
    """The outcome may become known later, or never: this service can only wait."""
    SEND_AGAIN = "send again"
    PARK = "park"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with its evidence."""

    verdict: Verdict
    run_id: UUID | None = None
    reason: str = ""


@dataclass(slots=True)
class Sightings:
    """Lists of runs that this tick has read, by pipeline: since when, and what they hold.

    Attributes:
        reading: locked while a list is read, so that other threads wait for it instead of reading it, too.
    """

    lists: dict[str, tuple[datetime, list[PipelineRun]]] = field(default_factory=dict)
    reading: threading.Lock = field(default_factory=threading.Lock)


CLAIMED_REMEMBERED = 25_000
"""Maximum runs that a process remembers as claimed by a record."""


class Reconciler:
    """Determines the outcome of requests in doubt. Reads only.

    Args:
        ledger: distinguishes our runs from others.
        factories: all configured factories.
        clock: returns the current time.
        policies: the policy of each pipeline.
        grace: how long a run may be missing from reads before it counts as absent.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        factories: Factories,
        clock: Clock,
        policies: Policies,
        grace: timedelta,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._elapsed = Elapsed(clock, seconds)
        self._claimed: set[UUID] = set()
        self._looking_up = threading.Lock()
        self._ledger = ledger
        self._factories = factories
        self._clock = clock
        self._policies = policies
        self._grace = grace

    def reconcile(
        self, factory: FactoryHandle, record: RunRecord, budget: Budget, sightings: Sightings
    ) -> Finding:
        """What to do about a request in doubt.

        Raises:
            DataFactoryError, CredentialError: the outcome cannot be determined now; nothing has changed.
        """
        left_by = transitions.left_by(record)
        if left_by is None:
            raise ValueError(f"request {record.request_id} is not in doubt")
        if not budget.spend():
            return Finding(Verdict.ASK_LATER, reason="the calls of this tick are spent")
        if self._exists(factory, record):
            return Finding(Verdict.ADOPT, record.run_id)
        # Our clock may be ahead of the sender's, whose call is under way: the time observed here counts, too.
        watched = self._elapsed.unchanged_for(str(record.run_id), str(record.attempts))
        unseen_for = min(self._clock() - left_by, watched)
        if unseen_for < self._grace:
            return Finding(Verdict.ASK_LATER, reason="the run is not visible yet")
        match self._policies.of(record.pipeline).unknown_outcome:
            case UnknownOutcomePolicy.PARK:
                return Finding(Verdict.PARK, reason="the pipeline's policy is to park it")
            case UnknownOutcomePolicy.RESUBMIT if record.cancellation is None:
                return Finding(Verdict.SEND_AGAIN, reason="the pipeline's policy is to send again")
        return self._search(factory, record, unseen_for, budget, sightings)

    def find(
        self, factory: FactoryHandle, record: RunRecord, budget: Budget, sightings: Sightings
    ) -> UUID | None:
        """The run of a request, found by the id chosen for it or by its correlation parameter; None where not listed.

        Raises:
            DataFactoryError, CredentialError: it cannot be determined now.
        """
        if self._exists(factory, record):
            return record.run_id
        if self._correlation_of(record) is None:
            return None
        return self._ours(factory, record, self._runs_since(factory, record, budget, sightings) or [])

    def _exists(self, factory: FactoryHandle, record: RunRecord) -> bool:
        """Whether the factory has a run of the request's pipeline under the id chosen for it."""
        try:
            run = factory.runs.get_run(record.run_id)
        except ResourceNotFound:
            return False
        return run.pipeline_name.lower() in ("", record.pipeline.lower())

    def _correlation_of(self, record: RunRecord) -> str | None:
        """The parameter that identifies the request's run; a rerun takes the parameters of the run that it reruns."""
        if record.rerun.reference_pipeline_run_id is not None:
            return None
        return self._policies.of(record.pipeline).correlation_parameter

    def _ids_honoured(self, factory: FactoryHandle) -> bool | None:
        """Whether the factory used the id that we chose as the runId, last time; None if that is not known.

        The records show it: where a run has started under another id than the chosen one, that is a former id.
        """
        continuation: str | None = None
        for _ in range(MOST_PAGES_OF_RECORDS):
            page = self._ledger.runs(factory.id, since=None, limit=RECORDS_A_PAGE, continuation=continuation)
            for record in page.records:
                if record.submitted_at is not None and not record.unknowns:  # else a person has named its run
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
        sightings: Sightings,
    ) -> Finding:
        had_most = budget.has_most
        runs = self._runs_since(factory, record, budget, sightings)
        if runs is None:
            verdict = Verdict.UNDETERMINED if had_most and not budget.is_over else Verdict.ASK_LATER
            return Finding(verdict, reason="the list of the pipeline's runs is longer than one tick can read")
        by_parameter = self._correlation_of(record) is not None
        if by_parameter:
            if (run_id := self._ours(factory, record, runs)) is not None:
                return Finding(Verdict.ADOPT, run_id)
        elif candidates := list(islice(self._unclaimed(factory, runs), FEW_CANDIDATES)):
            return self._of_candidates(candidates)
        honoured = self._ids_honoured(factory)
        if honoured is False and not by_parameter:
            return Finding(
                Verdict.PARK, reason="the factory chooses ids of its own, so the run cannot be found"
            )
        if unseen_for < (self._grace if honoured else 2 * self._grace):
            return Finding(Verdict.ASK_LATER, reason="the list of runs does not show it yet")
        return Finding(Verdict.SEND_AGAIN, reason="no run that could be it has appeared")

    def _of_candidates(self, candidates: list[PipelineRun]) -> Finding:
        """Judge runs that no record has: a young one may yet be claimed by a request that is being sent."""
        listed = ", ".join(str(run.run_id) for run in candidates)
        newest = max(run.run_start or run.last_updated or self._clock() for run in candidates)
        if self._clock() - newest < 2 * self._grace:
            return Finding(
                Verdict.UNDETERMINED, reason=f"one of these runs may be it, and may be claimed yet: {listed}"
            )
        return Finding(Verdict.PARK, reason=f"one of these runs may be it, and nothing shows which: {listed}")

    def _ours(self, factory: FactoryHandle, record: RunRecord, runs: list[PipelineRun]) -> UUID | None:
        """The earliest unclaimed run that carries the request's id in its correlation parameter."""
        parameter = self._correlation_of(record)
        if parameter is None:
            return None
        carrying = [run for run in runs if carried(run, parameter) == record.request_id]
        ours = list(self._unclaimed(factory, carrying))
        return _earliest(ours).run_id if ours else None

    def _unclaimed(self, factory: FactoryHandle, runs: list[PipelineRun]) -> Iterator[PipelineRun]:
        """The runs that no record has. A claimed run is looked up once: a claim is never released.

        Otherwise each of many requests in doubt would look up each of many runs at every tick, which would have no time
        left to send requests.
        """
        return (run for run in runs if not self._is_claimed(factory, run.run_id))

    def _may_be_ours(self, run: RunGlance) -> bool:
        """Whether a listed run is decoded: most belong to requests that are settled, and are known as claimed."""
        return was_called(run) and run.run_id not in self._claimed

    def _is_claimed(self, factory: FactoryHandle, run_id: UUID) -> bool:
        if run_id in self._claimed:
            return True
        # One thread at a time: the others look up the same runs, and reuse its results.
        with self._looking_up:
            if run_id in self._claimed:
                return True
            if owner_of(self._ledger, self._factories, factory, run_id) is None:
                return False
            if len(self._claimed) >= CLAIMED_REMEMBERED:
                self._claimed.clear()
            self._claimed.add(run_id)
            return True

    def _runs_since(
        self, factory: FactoryHandle, record: RunRecord, budget: Budget, sightings: Sightings
    ) -> list[PipelineRun] | None:
        """Runs of the pipeline that calls have started since the first one in doubt; None where the budget ran out."""
        since = (record.doubted_from or record.requested_at) - CLOCK_SKEW
        with sightings.reading:
            runs = self._list_since(factory, record.pipeline, since, budget, sightings)
        if runs is None:
            return None
        return [run for run in runs if was_called(run) and (run.run_start is None or run.run_start >= since)]

    def _list_since(
        self, factory: FactoryHandle, pipeline: str, since: datetime, budget: Budget, sightings: Sightings
    ) -> list[PipelineRun] | None:
        known = sightings.lists.get(pipeline.lower())
        if known is not None and known[0] <= since:
            return known[1]
        window = RunFilter(
            last_updated_after=since,
            last_updated_before=self._clock() + CLOCK_SKEW,
            filters=(FieldFilter(operand="PipelineName", operator="Equals", values=(pipeline,)),),
        )
        found, complete = budget.read(
            factory.runs.query_runs(window, wanted=self._may_be_ours), at_most=MOST_PAGES
        )
        if not complete:
            return None
        sightings.lists[pipeline.lower()] = (since, found)
        return found


def _earliest(runs: list[PipelineRun]) -> PipelineRun:
    return min(runs, key=lambda run: (run.run_start is None, run.run_start, str(run.run_id)))
