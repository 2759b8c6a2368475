"""What the reconciler makes of the runs that a factory lists, to the very instant and run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest

from adf_trigger.datafactory.models import InvokedBy, Page, PipelineRun, ReplyHeaders, RunFilter
from adf_trigger.errors import BadRequest, LedgerError
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.budget import Budget
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.policy import Policies
from adf_trigger.service.reconcile import FEW_CANDIDATES, Finding, Reconciler, Sightings, Verdict
from adf_trigger.settings.policy import PipelinePolicy
from tests.support.memory_factory import LOST_REPLY, Ids, MemoryFactory
from tests.support.world import FACTORY_ID, STARTED, World, settings

GRACE = timedelta(seconds=100)
TRACED = {"load": PipelinePolicy(correlation_parameter="Trace")}


@dataclass
class Listing(MemoryFactory):
    """A factory that lists what the test says, whatever is asked, and knows no run by its id."""

    listed: Sequence[PipelineRun] = ()
    asked: list[RunFilter] = field(default_factory=list)

    def query_runs(self, run_filter: RunFilter) -> Iterator[Page[PipelineRun]]:
        """See PipelineRuns."""
        self.asked.append(run_filter)
        yield Page(items=self.listed, more=False, reply=ReplyHeaders())


@dataclass
class Doubt:
    """A request in doubt, for so long, and a factory that lists runs."""

    world: World
    factory: Listing
    record: RunRecord

    @property
    def handle(self) -> FactoryHandle:
        """The factory, as use cases have it."""
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
        """What the reconciler says now."""
        return self.reconciler(policies).reconcile(self.handle, self.record, Budget(10), Sightings())

    def run(self, *, ago: timedelta | None = None, **changes: object) -> PipelineRun:
        """A run of the pipeline that was started by a call so long ago."""
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
    ("ago", "verdict"), [(2 * GRACE - A_MOMENT, Verdict.CANNOT_TELL), (2 * GRACE, Verdict.PARK)]
)
def test_a_run_that_nobody_claims_decides_after_two_grace_periods(
    doubt: Doubt, ago: timedelta, verdict: Verdict
) -> None:
    """Until then a request that is just being sent may claim it."""
    doubt.factory.listed = [doubt.run(ago=ago)]
    finding = doubt.finding()
    assert finding.verdict is verdict
    assert str(doubt.factory.listed[0].run_id) in finding.reason


def test_the_youngest_of_several_candidates_counts(doubt: Doubt) -> None:
    """One that is old decides nothing beside a young one."""
    doubt.factory.listed = [doubt.run(ago=5 * GRACE), doubt.run(ago=GRACE)]
    assert doubt.finding().verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize(("ago", "verdict"), [(GRACE, Verdict.CANNOT_TELL), (3 * GRACE, Verdict.PARK)])
def test_a_queued_run_is_as_old_as_its_last_news(doubt: Doubt, ago: timedelta, verdict: Verdict) -> None:
    """A run that has no start yet is judged by when it was last updated."""
    doubt.factory.listed = [doubt.run(last_updated=doubt.world.clock() - ago)]
    assert doubt.finding().verdict is verdict


def test_a_run_without_any_time_is_young(doubt: Doubt) -> None:
    """What tells no time may have been started just now."""
    doubt.factory.listed = [doubt.run()]
    assert doubt.finding().verdict is Verdict.CANNOT_TELL


def test_a_run_that_has_its_record_is_looked_up_once(doubt: Doubt) -> None:
    """Many requests in doubt look at the same many runs, at every tick: no tick would come as far as to send one."""
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


def test_a_few_candidates_are_named_and_parted(doubt: Doubt) -> None:
    """The reason names the first of them, in order, with a comma between."""
    doubt.factory.listed = [doubt.run(ago=5 * GRACE) for _ in range(FEW_CANDIDATES + 1)]
    named = ", ".join(str(run.run_id) for run in doubt.factory.listed[:FEW_CANDIDATES])
    finding = doubt.finding()
    assert finding.reason == f"one of these runs may be it, and nothing can tell: {named}"


def test_the_earliest_run_with_our_parameter_is_ours(doubt: Doubt) -> None:
    """By its start; one that has none comes last; of equal ones the least id."""
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
    """Whoever asks for the run of a request finds it by the parameter, and nothing without one."""
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
