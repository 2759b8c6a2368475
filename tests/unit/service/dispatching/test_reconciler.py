"""What the reconciler concludes from the runs that a factory lists, to the very instant and run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest

from adf_trigger.datafactory.models import FieldFilter, InvokedBy, Page, PipelineRun, ReplyHeaders, RunFilter
from adf_trigger.errors import BadRequest, LedgerError, NotSent
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.attribution import CLOCK_SKEW
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.dispatching.reconcile import (
    FEW_CANDIDATES,
    MOST_PAGES,
    RECORDS_A_PAGE,
    Finding,
    Reconciler,
    Sightings,
    Verdict,
)
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.policy import Policies
from adf_trigger.settings.policy import PipelinePolicy, UnknownOutcomePolicy
from tests.support.memory_factory import LOST_REPLY, Ids, MemoryFactory, Run, sifted
from tests.support.world import FACTORY_ID, STARTED, World, settings

GRACE = timedelta(seconds=100)
TRACED = {"load": PipelinePolicy(correlation_parameter="Trace")}


@dataclass
class Listing(MemoryFactory):
    """A factory that lists the test's runs, whatever is asked, and knows no run by its id."""

    listed: Sequence[PipelineRun] = ()
    asked: list[RunFilter] = field(default_factory=list)

    def query_runs(self, run_filter: RunFilter, **sifting: Any) -> Iterator[Page[PipelineRun]]:
        """See PipelineRuns."""
        self.asked.append(run_filter)
        yield from sifted([Page(items=self.listed, more=False, reply=ReplyHeaders())], **sifting)


@dataclass
class Doubt:
    """A request that has been in doubt for a time, and a factory that lists runs."""

    world: World
    factory: Listing
    record: RunRecord

    @property
    def handle(self) -> FactoryHandle:
        """The factory's handle."""
        return FactoryHandle("default", FACTORY_ID, self.factory)

    def reconciler(self, policies: dict[str, PipelinePolicy] | None = None) -> Reconciler:
        """With a grace period of 100 s."""
        seconds = count(0.0, 1e6)
        reconciler = Reconciler(
            self.world.ledger,
            self.world.services.factories,
            self.world.clock,
            Policies(policies),
            GRACE,
            seconds=lambda: next(seconds),
        )
        # This process has seen the request for as long as it is in doubt.
        reconciler._elapsed.unchanged_for(str(self.record.run_id), str(self.record.attempts))
        return reconciler

    def finding(self, policies: dict[str, PipelinePolicy] | None = None) -> Finding:
        """The verdict of the reconciler now."""
        return self.reconciler(policies).reconcile(self.handle, self.record, Budget(10), Sightings())

    def run(self, *, ago: timedelta | None = None, **changes: object) -> PipelineRun:
        """A run of the pipeline that was started by a call some time ago."""
        started = None if ago is None else self.world.clock() - ago
        fields = {
            "run_id": uuid4(),
            "pipeline_name": "load",
            "parameters": {"trace": "key-1"},
            "status": "InProgress",
            "run_start": started,
            "last_updated": started,
            "invoked_by": InvokedBy(invoked_by_type="Manual"),
        }
        return PipelineRun.model_validate(fields | changes)


@pytest.fixture
def doubt() -> Doubt:
    """A request whose createRun left a long time ago."""
    world = World()
    world.factory.declare("load")
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    world.clock.forward(10 * GRACE.total_seconds())
    return Doubt(world, Listing(world.clock), world.services.query.find("key-1"))


A_MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("ago", "verdict"), [(2 * GRACE - A_MOMENT, Verdict.UNDETERMINED), (2 * GRACE, Verdict.PARK)]
)
def test_an_unclaimed_run_decides_after_two_grace_periods(
    doubt: Doubt, ago: timedelta, verdict: Verdict
) -> None:
    """Until then a request that is being sent may claim it."""
    doubt.factory.listed = [doubt.run(ago=ago)]
    finding = doubt.finding()
    assert finding.verdict is verdict
    assert str(doubt.factory.listed[0].run_id) in finding.reason


@pytest.mark.parametrize(
    ("is_known", "unseen", "verdict"),
    [
        (True, GRACE - A_MOMENT, Verdict.ASK_LATER),
        (True, GRACE, Verdict.SEND_AGAIN),
        (False, 2 * GRACE - A_MOMENT, Verdict.ASK_LATER),
        (False, 2 * GRACE, Verdict.SEND_AGAIN),
    ],
)
def test_a_run_that_stays_unseen_for_the_grace_period_is_sent_again(
    doubt: Doubt, unseen: timedelta, verdict: Verdict, *, is_known: bool
) -> None:
    """The period is twice as long where it is unknown whether the factory honours ids."""
    if is_known:
        assert doubt.world.submit("teacher").record.submitted_at is not None
    doubt.record = replace(doubt.record, sent_at=doubt.world.clock() - unseen, lease_until=None)
    assert doubt.finding().verdict is verdict


def test_the_youngest_of_several_candidates_counts(doubt: Doubt) -> None:
    """One that is old decides nothing beside a young one."""
    doubt.factory.listed = [doubt.run(ago=5 * GRACE), doubt.run(ago=GRACE)]
    assert doubt.finding().verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize(("ago", "verdict"), [(GRACE, Verdict.UNDETERMINED), (3 * GRACE, Verdict.PARK)])
def test_a_queued_run_is_as_old_as_its_last_update(doubt: Doubt, ago: timedelta, verdict: Verdict) -> None:
    """A run that has no start yet is judged by when it was last updated."""
    doubt.factory.listed = [doubt.run(last_updated=doubt.world.clock() - ago)]
    assert doubt.finding().verdict is verdict


def test_a_run_without_any_time_counts_as_young(doubt: Doubt) -> None:
    """It may have been started just now."""
    doubt.factory.listed = [doubt.run()]
    assert doubt.finding().verdict is Verdict.UNDETERMINED


def test_a_run_that_has_its_record_is_looked_up_once(doubt: Doubt) -> None:
    """Many requests in doubt look at the same many runs at every tick; repeated look-ups would take the whole tick."""
    doubt.world.submit("key-2")
    (run_id,) = (run.run_id for run in doubt.world.factory.runs.values() if run.run_id != doubt.record.run_id)
    doubt.factory.listed = [doubt.run(ago=GRACE, run_id=run_id)]
    reconciler = doubt.reconciler()
    verdicts = set()
    for errors in ([], [LedgerError("it is asked again")]):
        doubt.world.ledger.before["find"] = list(errors)
        verdicts.add(reconciler.reconcile(doubt.handle, doubt.record, Budget(10), Sightings()).verdict)
    assert verdicts == {Verdict.SEND_AGAIN}
    assert doubt.world.ledger.before["find"] != []


def test_a_few_candidates_are_named_and_separated(doubt: Doubt) -> None:
    """The reason names the first of them, in order, separated by commas."""
    doubt.factory.listed = [doubt.run(ago=5 * GRACE) for _ in range(FEW_CANDIDATES + 1)]
    named = ", ".join(str(run.run_id) for run in doubt.factory.listed[:FEW_CANDIDATES])
    finding = doubt.finding()
    assert finding.reason == f"one of these runs may be it, and nothing shows which: {named}"


def test_the_earliest_run_with_our_parameter_is_the_requests(doubt: Doubt) -> None:
    """Runs are ordered by their start; one without a start comes last; among equal ones the least id is taken."""
    early, late = doubt.run(ago=3 * GRACE), doubt.run(ago=GRACE)
    queued = doubt.run()
    doubt.factory.listed = [queued, late, early]
    assert doubt.finding(TRACED) == Finding(Verdict.ADOPT, early.run_id)
    ids = [UUID(int=each) for each in (3, 1, 2)]
    doubt.factory.listed = [doubt.run(ago=GRACE, run_id=each) for each in ids]
    assert doubt.finding(TRACED) == Finding(Verdict.ADOPT, UUID(int=1))
    doubt.factory.listed = [doubt.run(run_id=each) for each in ids]
    assert doubt.finding(TRACED) == Finding(Verdict.ADOPT, UUID(int=1))


def test_a_run_with_our_parameter_is_found_for_a_request_that_was_refused(doubt: Doubt) -> None:
    """The run of a request is found by the parameter, and nothing without one."""
    ours = doubt.run(ago=GRACE)
    doubt.factory.listed = [doubt.run(ago=GRACE, parameters={"trace": "key-2"}), ours]

    def found(policies: dict[str, PipelinePolicy] | None) -> UUID | None:
        reconciler = doubt.reconciler(policies)
        return reconciler.find(doubt.handle, doubt.record, Budget(10), Sightings())

    assert found(TRACED) == ours.run_id
    assert found(None) is None
    doubt.factory.listed = []
    assert found(TRACED) is None


def test_a_refused_repeat_whose_run_carries_our_parameter_is_adopted() -> None:
    """Sent again by policy and refused, it is looked for, and found under the id that the factory chose."""
    policy = '{"load": {"correlationParameter": "trace", "unknownOutcome": "resubmit"}}'
    world = World(settings=settings(ADF_TRIGGER_POLICY=policy))
    world.factory.ids = Ids.IGNORED
    world.factory.declare("load", trace={"type": "String", "defaultValue": ""})
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit()
    world.factory.fail_next("create_run", BadRequest("no more", status=400))
    for _ in range(12):
        world.tick(after=30)
    (run_id,) = world.factory.runs
    record = world.services.query.find("key-1")
    assert (record.run_id, record.status in STARTED) == (run_id, True)
    assert world.factory.calls.count("create_run") == 2


def test_each_verdict_has_its_reason(doubt: Doubt) -> None:
    """With no candidate it is sent again after two grace periods, or one where the factory is known to honour ids."""
    nothing = Finding(Verdict.SEND_AGAIN, reason="no run that could be it has appeared")
    later = Finding(Verdict.ASK_LATER, reason="the list of runs does not show it yet")
    assert doubt.finding() == nothing
    left_by = doubt.record.sent_at
    assert left_by is not None
    doubt.world.clock.now = left_by + 2 * GRACE - A_MOMENT
    assert doubt.finding() == later
    doubt.world.submit("teacher")
    assert doubt.finding() == nothing


def test_a_factory_that_chooses_ids_is_known_by_the_newest_conclusive_record(doubt: Doubt) -> None:
    """Later requests that have not started do not matter, however many there are."""
    doubt.world.factory.ids = Ids.IGNORED
    doubt.world.submit("teacher")
    doubt.world.factory.always["create_run"] = NotSent("down")
    for number in range(2 * RECORDS_A_PAGE + 1):
        doubt.world.clock.forward(1)
        doubt.world.submit(f"waits-{number}")
    reason = "the factory chooses ids of its own, so the run cannot be found"
    assert doubt.finding() == Finding(Verdict.PARK, reason=reason)


@dataclass
class Endless(Listing):
    """A factory whose list has no end; each page takes a second."""

    pages: int = 0

    def query_runs(self, run_filter: RunFilter, **_: object) -> Iterator[Page[PipelineRun]]:
        """See PipelineRuns."""
        self.asked.append(run_filter)
        while True:
            self.pages += 1
            yield Page(items=(), more=True, reply=ReplyHeaders())


@pytest.mark.parametrize(
    ("calls", "spent", "seconds", "verdict"),
    [
        (20, 0, 100.0, Verdict.UNDETERMINED),
        (20, 10, 100.0, Verdict.ASK_LATER),
        (20, 0, 5.0, Verdict.ASK_LATER),
        (20, 10, 5.0, Verdict.ASK_LATER),
    ],
)
def test_a_list_that_no_tick_can_read_is_distinguished_from_one_that_this_tick_cannot(
    doubt: Doubt, calls: int, spent: int, seconds: float, verdict: Verdict
) -> None:
    """It counts as too long only where most of a tick's calls and time were available."""
    doubt.factory = endless = Endless(doubt.world.clock)
    budget = Budget(calls, seconds=lambda: float(endless.pages)).part(seconds)
    for _ in range(spent):
        budget.spend()
    reason = "the list of the pipeline's runs is longer than one tick can read"
    finding = doubt.reconciler().reconcile(doubt.handle, doubt.record, budget, Sightings())
    assert finding == Finding(verdict, reason=reason)


def test_the_part_of_a_list_that_is_read_for_one_doubt_is_bounded(doubt: Doubt) -> None:
    """The bound holds for any budget."""
    doubt.factory = endless = Endless(doubt.world.clock)
    doubt.reconciler().reconcile(doubt.handle, doubt.record, Budget(1_000), Sightings())
    assert endless.pages == MOST_PAGES


def test_the_runs_of_a_pipeline_are_listed_once_for_all_its_requests_in_doubt(doubt: Doubt) -> None:
    """The list starts at the first call, by the pipeline's name in any case; a later list serves no older doubt."""
    reconciler, sightings = doubt.reconciler(), Sightings()

    def look(**changes: Any) -> None:
        record = replace(doubt.record, **changes)
        reconciler.find(doubt.handle, record, Budget(10), sightings)

    reconciler = doubt.reconciler({"*": PipelinePolicy(correlation_parameter="trace")})
    look()
    look()
    look(pipeline="LOAD")
    since = doubt.record.doubted_from
    assert since is not None
    assert doubt.factory.asked == [
        RunFilter(
            last_updated_after=since - CLOCK_SKEW,
            last_updated_before=doubt.world.clock() + CLOCK_SKEW,
            filters=(FieldFilter(operand="PipelineName", operator="Equals", values=("load",)),),
        )
    ]
    look(doubted_from=since - A_MOMENT)
    assert len(doubt.factory.asked) == 2


@pytest.mark.parametrize(
    ("earlier", "verdict"), [(timedelta(), Verdict.PARK), (A_MOMENT, Verdict.SEND_AGAIN)]
)
def test_a_run_counts_from_the_earliest_instant_at_which_it_may_be_ours(
    doubt: Doubt, earlier: timedelta, verdict: Verdict
) -> None:
    """That is the first call less the tolerance of clocks; a run that started before is another's."""
    since = doubt.record.doubted_from
    assert since is not None
    doubt.factory.listed = [doubt.run(ago=doubt.world.clock() - since + CLOCK_SKEW + earlier)]
    assert doubt.finding().verdict is verdict


def test_a_run_whose_starter_is_unknown_may_be_ours(doubt: Doubt) -> None:
    """It is not skipped."""
    doubt.factory.listed = [doubt.run(ago=3 * GRACE, invoked_by=None)]
    assert doubt.finding().verdict is Verdict.PARK


def test_a_run_that_another_thread_has_found_meanwhile_is_claimed(doubt: Doubt) -> None:
    """A thread that waited for that look takes its answer, and looks up nothing."""
    reconciler = doubt.reconciler()
    doubt.factory.listed = [doubt.run(ago=3 * GRACE)]

    @contextmanager
    def found_meanwhile() -> Iterator[None]:
        reconciler._claimed.add(doubt.factory.listed[0].run_id)
        yield

    reconciler._looking_up = found_meanwhile()  # type: ignore[assignment] # entered once
    finding = reconciler.reconcile(doubt.handle, doubt.record, Budget(10), Sightings())
    assert finding.verdict is Verdict.SEND_AGAIN


def test_of_a_list_only_runs_that_may_be_ours_are_kept(doubt: Doubt) -> None:
    """Runs that others start by other means, and runs whose claim is known from an earlier look, are left out."""
    triggered = InvokedBy(invoked_by_type="ScheduleTrigger")
    known, ours, others = doubt.run(), doubt.run(ago=3 * GRACE), doubt.run(invoked_by=triggered)
    doubt.factory.listed = [known, others, ours]
    reconciler, sightings = doubt.reconciler(), Sightings()
    reconciler._claimed.add(known.run_id)
    assert reconciler.reconcile(doubt.handle, doubt.record, Budget(10), sightings).verdict is Verdict.PARK
    assert sightings.lists["load"][1] == [ours]


def test_open_and_policy_verdicts_have_their_reasons(doubt: Doubt) -> None:
    """Each verdict is given with its reason, from first to last."""
    with pytest.raises(ValueError, match="request key-1 is not in doubt"):
        Doubt(doubt.world, doubt.factory, replace(doubt.record, sent_at=None)).finding()
    spent = doubt.reconciler().reconcile(doubt.handle, doubt.record, Budget(0), Sightings())
    assert spent == Finding(Verdict.ASK_LATER, reason="the calls of this tick are spent")
    park, resubmit = (
        PipelinePolicy(unknown_outcome=UnknownOutcomePolicy.PARK),
        PipelinePolicy(unknown_outcome=UnknownOutcomePolicy.RESUBMIT),
    )
    assert doubt.finding({"load": park}) == Finding(
        Verdict.PARK, reason="the pipeline's policy is to park it"
    )
    assert doubt.finding({"load": resubmit}) == Finding(
        Verdict.SEND_AGAIN, reason="the pipeline's policy is to send again"
    )
    left_by = doubt.record.sent_at
    assert left_by is not None
    doubt.world.clock.now = left_by + GRACE - A_MOMENT
    assert doubt.finding() == Finding(Verdict.ASK_LATER, reason="the run is not visible yet")


def test_a_run_that_names_no_pipeline_is_still_the_requests(doubt: Doubt) -> None:
    """It has the id that was chosen for it; a run of another pipeline is another's."""
    run_id, now = doubt.record.run_id, doubt.world.clock()
    doubt.factory.runs[run_id] = Run(run_id, "", {}, now, now)
    assert doubt.finding() == Finding(Verdict.ADOPT, run_id)
    doubt.factory.runs[run_id] = Run(run_id, "other", {}, now, now)
    assert doubt.finding().verdict is Verdict.SEND_AGAIN
