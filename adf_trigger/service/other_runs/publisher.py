"""Publishes runs that others start (the Studio, Data Factory's triggers, scripts), where a pipeline's policy says so.

An ended run that no record has is claimed in the ledger, and published like ours. Data Factory
publishes no event when a run ends, so each tick lists what has ended since the last one; where the monitor has listed
it just now, that list is used. A run that is listed again is recognised by its record, which is created once.

A run that may belong to a request in doubt is held until that is settled: see `contested`.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from adf_trigger.clock import Clock
from adf_trigger.contracts import ENDED_IN_DATA_FACTORY
from adf_trigger.datafactory.models import PipelineRun, RunGlance
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import ActiveRun
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.other_runs.claims import OtherRunClaimer
from adf_trigger.service.other_runs.contested import Contested, ContestFinder, may_be_of
from adf_trigger.service.other_runs.gaps import GapSkipper
from adf_trigger.service.other_runs.lists import OtherRunLister
from adf_trigger.service.other_runs.observing import Held, ObservationKeeper, Observed
from adf_trigger.service.other_runs.record import request_id_of
from adf_trigger.service.policy import Policies
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.service.troubles import Troubles
from adf_trigger.service.watching.monitor import Listed
from adf_trigger.settings.policy import Observe

logger = logging.getLogger(__name__)

CHILD = "pipelineactivity"
"""invokedByType of a run that an activity of another run has started, in lower case."""

CAUGHT_UP_A_TICK = 5
"""Maximum pipelines per tick whose held runs are listed again."""


@dataclass(slots=True)
class _Outcome:
    """The outcome of the runs of a list.

    Attributes:
        left: runs that a later tick has to publish.
        held: runs that may belong to requests in doubt.
        contested: the requests in doubt, and since when runs may belong to them.
    """

    left: list[PipelineRun] = field(default_factory=list)
    held: list[PipelineRun] = field(default_factory=list)
    contested: Contested = field(default_factory=lambda: Contested([]))


class OtherRunPublisher:
    """Publishes the runs of others. Thread-safe.

    Args:
        factories: all configured factories.
        policies: of which pipelines runs of others are published.
        lists: lists ended runs.
        claims: claims them.
        contests: knows which runs may belong to requests in doubt.
        observing: keeps the progress.
        gate: says whether a factory may be called now.
        clock: returns the current time.
        tick_threads: publishes several concurrently.
    """

    def __init__(
        self,
        factories: Factories,
        policies: Policies,
        lists: OtherRunLister,
        claims: OtherRunClaimer,
        contests: ContestFinder,
        observing: ObservationKeeper,
        gate: Gate,
        clock: Clock,
        tick_threads: TickThreads,
    ) -> None:
        self._factories = factories
        self._policies = policies
        self._lists = lists
        self._claims = claims
        self._contests = contests
        self._observing = observing
        self._gate = gate
        self._clock = clock
        self._tick_threads = tick_threads
        self._gaps = GapSkipper(lists, observing, clock)
        self._cleared: set[str] = set()

    def note_doubts(self, factory: FactoryHandle, active: Iterable[ActiveRun]) -> None:
        """Note which requests are in doubt, before this tick decides about them.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        if self._policies.observed:
            self._contests.note(factory, active)

    def may_want(self, run: RunGlance) -> bool:
        """Whether an ended run may have to be published, judged by the fields of a `RunGlance`."""
        kind = self._policies.observed.get(self._policies.name_for(run.pipeline_name))
        if kind is None or (kind is Observe.TOP_LEVEL and run.invoked_by_type.lower() == CHILD):
            return False
        return bool(run.pipeline_name) and not self._claims.is_known(run.run_id)

    def publish(self, factory: FactoryHandle, listed: Listed | None, budget: Budget) -> None:
        """Claim and publish ended runs while there is time and calls are left.

        A failure of one does not affect the others.

        Args:
            factory: whose runs.
            listed: the list that the monitor has just read of it.
            budget: bounds calls and time; the next tick publishes the rest.

        Raises:
            DataFactoryError, CredentialError: listing failed; the next tick continues.
            LedgerError, PublishError: storage is out of reach; the next tick continues.
        """
        observed = self._prepared(factory)
        if observed is None or observed.place is None or not self._gate.may_read(factory):
            return
        place = observed.place
        since = min(place.until, self._clock())
        passed = [gap for gap in observed.gaps if gap.pipeline is None and gap.before <= place.until]
        window = self._lists.shown(listed, since) or self._lists.list(
            factory, since, budget, self.may_want, gaps=passed
        )
        outcome = self._take(factory, observed, window.runs, budget)
        if self._hold(factory, observed, outcome) and window.complete:
            until = self._lists.next_since(window, since, outcome.left)
            if not outcome.left:
                until = self._gaps.skip(factory, window, observed.gaps) or until
            place = replace(place, until=max(place.until, until))
        claimed = self._claims.uncounted(factory)
        if claimed or place != observed.place:
            self._observing.move_on(factory.id, replace(place, published=place.published + claimed))
            self._claims.are_counted(factory, claimed)
        self._catch_up(factory, observed, budget)
        self._fill_gaps(factory, observed, budget)

    def _prepared(self, factory: FactoryHandle) -> Observed | None:
        """The notes of a factory; None where there is nothing to list, or not yet."""
        wanted = self._policies.observed
        if not wanted and factory.id in self._cleared:
            return None
        before = self._observing.read(factory.id)
        observed = self._observing.keep_policies(factory.id, before, wanted, self._clock())
        for name in sorted(observed.since.keys() - before.since.keys()):
            logger.info(
                "Runs of %s that others start in %s are published from now on",
                name,
                factory.alias,
                extra={"action": "observing_began", "pipeline": name, "factory": factory.id},
            )
        if not wanted:
            self._cleared.add(factory.id)
            return None
        if observed.place is not None and observed.place.search is not None:
            place = self._contests.search(factory, observed.place)
            self._observing.move_on(factory.id, place)
            if place.search is not None:
                return None
            observed = self._observing.read(factory.id)
        # Records under former ids of a factory count; its runs are listed once.
        first, *beside = self._factories.of(factory.alias)
        if first.id != factory.id:
            return None
        others = [self._observing.read(each.id) for each in beside]
        if any(each.place is None or each.place.search is not None for each in others):
            return None
        return replace(
            observed, beside={each.id: its.doubts for each, its in zip(beside, others, strict=True)}
        )

    def _take(
        self, factory: FactoryHandle, observed: Observed, runs: Iterable[PipelineRun], budget: Budget
    ) -> _Outcome:
        """Publish the runs that are due, the oldest first."""
        wanted = {run.run_id: run for run in runs if self._is_wanted(run, observed.since)}
        if not wanted:
            return _Outcome()
        # Read before the owners are looked up: the createRun of a listed run came earlier, so that its request is in
        # doubt here, or has the run in the ledger by then.
        outcome = _Outcome(contested=self._contests.of(factory, observed))
        troubles, done = Troubles("observe"), set[UUID]()
        oldest_first = sorted(
            wanted.values(), key=lambda run: (run.last_updated or self._clock(), run.run_id)
        )

        def take(run: PipelineRun) -> None:
            with troubles.of(request_id_of(run.run_id)):
                if self._claims.is_recorded(factory, run):
                    done.add(run.run_id)
                elif outcome.contested.has(run):
                    outcome.held.append(run)
                    done.add(run.run_id)
                elif self._claims.claim(factory, run, budget):
                    done.add(run.run_id)

        try:
            self._tick_threads.each(take, budget.while_it_lasts(oldest_first))
        finally:
            outcome.left = [run for run in oldest_first if run.run_id not in done]
        return outcome

    def _is_wanted(self, run: PipelineRun, since: Mapping[str, datetime]) -> bool:
        """Whether a run has to be published, judged by the run alone."""
        if (
            run.status not in ENDED_IN_DATA_FACTORY
            or not run.pipeline_name
            or self._claims.is_known(run.run_id)
        ):
            return False
        policy = self._policies.name_for(run.pipeline_name)
        kind, began = self._policies.observed.get(policy), since.get(policy)
        if kind is None or began is None:
            return False
        invoked_by = "" if run.invoked_by is None else run.invoked_by.invoked_by_type or ""
        if kind is Observe.TOP_LEVEL and invoked_by.lower() == CHILD:
            return False
        ended = run.run_end or run.last_updated
        return ended is None or ended >= began

    def _hold(self, factory: FactoryHandle, observed: Observed, outcome: _Outcome) -> bool:
        """Note held runs, so that they are listed again once the doubt is settled; False where that has to wait.

        They are noted each time: another host, which lists earlier held runs again, must not forget these.
        """
        noted = True
        held = {each.pipeline.lower(): each for each in observed.held}
        for name in {run.pipeline_name for run in outcome.held}:
            runs = [run for run in outcome.held if run.pipeline_name == name]
            earlier = held.get(name.lower())
            since = min(self._updated(run) for run in runs)
            doubted = outcome.contested.since(name) or since
            if earlier is not None:
                # An earlier doubt, settled or not, has runs of its own to be listed again.
                since, doubted = min(since, earlier.since), min(doubted, earlier.doubted)
            etag = "" if earlier is None else earlier.etag
            noted &= self._observing.hold(factory.id, Held(name, since, doubted, etag=etag))
            if earlier is not None:
                continue
            logger.info(
                "%d ended runs of %s are held, since a request of it is in doubt since %s",
                len(runs),
                name,
                doubted,
                extra={"action": "runs_held", "pipeline": name, "factory": factory.id},
            )
        return noted

    def _catch_up(self, factory: FactoryHandle, observed: Observed, budget: Budget) -> None:
        """List held runs again where the doubt about them is settled."""
        if not observed.held:
            return
        contested = self._contests.of(factory, observed)
        due = [each for each in observed.held if _is_settled(each, contested.since(each.pipeline))]
        for held in sorted(due, key=lambda each: each.since)[:CAUGHT_UP_A_TICK]:
            if not budget.left:
                return
            window = self._lists.list(factory, held.since, budget, self.may_want, held.pipeline)
            # Runs that began before the doubt were published at their end, and their records may be purged by now.
            runs = [run for run in window.runs if may_be_of(run, held.doubted)]
            outcome = self._take(factory, observed, runs, budget)
            if not window.complete:
                continue
            waiting = [self._updated(run) for run in (*outcome.left, *outcome.held)]
            if not waiting and (skipped := self._gaps.skip(factory, window, observed.gaps, held)) is not None:
                onward = max(held.since, self._lists.since_after(skipped))
                self._observing.hold(factory.id, replace(held, since=onward))
                continue
            later_ones = [each for each in (window.until, window.left_out) if each is not None]
            since = min([*waiting, *later_ones], default=None)
            if since is None:
                self._observing.release(factory.id, held)
                continue
            # Runs that are left or not yet listed are due again; those held again, once this doubt is settled.
            doubted = outcome.contested.since(held.pipeline)
            again = held.doubted if doubted is None or outcome.left or later_ones else doubted
            later = replace(held, since=max(since, held.since), doubted=again)
            self._observing.hold(
                factory.id, later
            )  # unless more is held meanwhile: then all of it is due again

    def _fill_gaps(self, factory: FactoryHandle, observed: Observed, budget: Budget) -> None:
        """Publish the runs of a skipped window, if it is time to try again."""
        if not budget.left or not any(gap.is_due(self._clock()) for gap in observed.gaps):
            return
        fresh = self._observing.read(factory.id)  # this tick may have noted more
        due = [gap for gap in fresh.gaps if gap.is_due(self._clock())]
        if not due:
            return
        gap = min(due, key=lambda each: (each.before - each.after, each.tried))
        found = self._lists.list_gap(factory, gap, budget, self.may_want)
        observed = replace(observed, held=fresh.held, gaps=fresh.gaps)
        runs = [run for run in found.others if gap.doubted is None or may_be_of(run, gap.doubted)]
        outcome = self._take(factory, observed, runs, budget)
        are_held = self._hold(factory, observed, outcome)
        is_whole = found.complete and found.others_left_out is None and not outcome.left and are_held
        self._gaps.tried(factory, gap, observed.gaps, found, is_whole=is_whole)

    def _updated(self, run: PipelineRun) -> datetime:
        now = self._clock()
        return min(run.last_updated or run.run_end or now, now)


def _is_settled(held: Held, doubted: datetime | None) -> bool:
    """Whether the doubt for which runs are held is over, though there may be a later one."""
    return doubted is None or doubted > held.doubted


def wire_others(
    claims: OtherRunClaimer,
    observing: ObservationKeeper,
    ledger: LedgerReader,
    factories: Factories,
    policies: Policies,
    gate: Gate,
    clock: Clock,
    tick_threads: TickThreads,
    overlap: float,
) -> OtherRunPublisher:
    """Wire an `OtherRunPublisher` with its parts; `overlap` in seconds, see `OtherRunLister`."""
    lists = OtherRunLister(clock, overlap=timedelta(seconds=overlap))
    contests = ContestFinder(ledger, factories, observing, clock, tick_threads)
    return OtherRunPublisher(
        factories, policies, lists, claims, contests, observing, gate, clock, tick_threads
    )
