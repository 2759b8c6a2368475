"""The service as a state machine: in any order of events, each request is started once and published once."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from pydantic import JsonValue

from adf_trigger.contracts import Source
from adf_trigger.errors import (
    AdfTriggerError,
    BadRequest,
    RequestConflict,
    Throttled,
)
from adf_trigger.ledger.records import RunState
from adf_trigger.service.starting.submit import Submitted
from adf_trigger.service.steps import STEPS
from tests.support import one_at_once
from tests.support.memory_factory import LOST_REPLY, Ids
from tests.support.neighbours import ENDED, FaultyNeighbours
from tests.support.news import published_names
from tests.support.operators import Operators
from tests.support.script import Crashed, Script
from tests.support.world import FACTORY_ID, World

LOST = "lost reply"
SETTLE_TICKS, CALM_TICKS = 60, 10
"""Ticks of half a minute: within the first all requests must end after the trouble; during the second, longer than any
lag, lease or grace here, nothing may begin again."""

LEAST_JOINED = 20
"""The number of requests, of a hundred and more, that must join another one for the machines to test joining."""

PIPELINE = one_at_once.PIPELINE
TRACE = {"type": "String", "defaultValue": ""}


class Service(Operators, FaultyNeighbours):
    """Callers, messages, timers and crashes against one factory.

    It honours ids, and may stop doing so where the pipelines have a parameter for our correlation.
    """

    requests = Bundle("requests")
    joined: ClassVar[Counter[str]] = Counter()
    """How many requests of all machines have joined another one, and how they have ended."""

    def __init__(self) -> None:
        super().__init__()
        self.script = Script()
        self.acknowledged: dict[str, int] = {}
        self.sources: dict[str, Source] = {}
        self.secret: set[str] = set()
        self.counted: set[str] = set()
        self.refusals = 0

    @initialize(correlated=st.booleans(), joins=st.booleans())
    def learn_that_ids_are_honoured(self, *, correlated: bool, joins: bool) -> None:
        """One run has shown how this factory treats ids."""
        self.correlated, self.joins = correlated, joins
        self.world = World(
            steps=self.script, settings=one_at_once.settings_of(correlated=correlated, joins=joins)
        )
        number = {"type": "Int", "defaultValue": 0}
        self.world.factory.declare("load", n=number, trace=TRACE)
        self.world.factory.declare("secret", n=number, trace=TRACE, password={"type": "SecureString"})
        self.world.factory.declare(PIPELINE, n=number, trace=TRACE, customer={"type": "String"})
        self.world.submit("teacher")
        self.acknowledged["teacher"] = 0

    @rule(target=requests, number=st.integers(0, 3), source=st.sampled_from(Source), counted=st.booleans())
    def submit(self, number: int, source: Source, *, counted: bool) -> object:
        """A caller or a message asks for a run, sometimes of the pipeline that runs one at a time for each customer."""
        return self.submit_new(number, source, counted=counted)

    def submit_new(self, number: int, source: Source, *, counted: bool) -> tuple[str, int]:
        """Submit under a new key; the request."""
        key = f"key-{len(self.sources)}"
        self.sources[key] = source
        if counted:
            self.counted.add(key)
        self.send(key, number)
        return key, number

    @precondition(lambda self: self.joins)
    @rule(target=requests, number=st.integers(0, 3), sources=st.tuples(*[st.sampled_from(Source)] * 2))
    def two_ask_for_the_same(self, number: int, sources: tuple[Source, Source]) -> object:
        """They come one after the other, for the pipeline whose requests join those that are the same."""
        return multiple(*(self.submit_new(number, source, counted=True) for source in sources))

    @precondition(lambda self: self.joins)
    @rule(target=requests, request=requests, source=st.sampled_from(Source))
    def another_asks_for_the_same(self, request: tuple[str, int], source: Source) -> object:
        """If a run is active, it joins that."""
        key, number = request
        if key not in self.counted:
            return multiple()
        return self.submit_new(number, source, counted=True)

    @rule(request=requests)
    def repeat(self, request: tuple[str, int]) -> None:
        """The same request comes again: a retry, or a message delivered twice."""
        self.send(*request)

    @rule(request=requests)
    def reuse_the_key(self, request: tuple[str, int]) -> None:
        """Another request under the same key never changes the first one."""
        key, number = request
        if key in self.acknowledged:
            before = self.record_of(key)
            try:
                self.ask(key, number + 10)
            except RequestConflict:
                assert self.record_of(key).digest == before.digest
            except (AdfTriggerError, Crashed):
                self.world.restart()
            else:
                self.acknowledged[key] = number + 10

    def ask(self, key: str, number: int) -> Submitted:
        """Submit; a request with a secret has a pipeline of its own."""
        pipeline, parameters = "load", dict[str, JsonValue]({"n": number})
        if key in self.secret:
            pipeline, parameters = "secret", {"n": number, "password": f"hunter2-{key}"}
        if key in self.counted:
            pipeline, parameters = PIPELINE, {"n": number, "customer": "AB"[number % 2]}
        return self.world.submit(key, pipeline, parameters=parameters, source=self.sources[key])

    def send(self, key: str, number: int) -> None:
        """Submit, and remember the acknowledged request."""
        try:
            submitted = self.ask(key, number)
        except Crashed:
            self.world.restart()
        except AdfTriggerError:
            return
        else:
            assert submitted.record.request_id == key
            self.joined["joined"] += submitted.record.joined_to is not None and not submitted.replayed
            self.acknowledged.setdefault(key, number)

    @rule(request=requests, recursive=st.booleans())
    def cancel(self, request: tuple[str, int], *, recursive: bool) -> None:
        """An operator cancels a request in any state."""
        try:
            self.world.cancel(request[0], recursive=recursive)
        except Crashed:
            self.world.restart()
        except AdfTriggerError:
            return

    @rule(request=requests, decision=st.sampled_from(["resubmit", "dismiss"]))
    def decide(self, request: tuple[str, int], decision: str) -> None:
        """An operator decides about a request of unknown fate."""
        try:
            self.world.resolve(request[0], decision)
        except Crashed:
            self.world.restart()
        except AdfTriggerError:
            return

    @rule(request=requests, step=st.sampled_from(sorted(STEPS)))
    def cancel_in_the_middle(self, request: tuple[str, int], step: str) -> None:
        """An operator cancels a request while another process is paused before a step."""

        def other() -> None:
            with suppress(AdfTriggerError):
                self.world.cancel(request[0])

        self.script.meanwhile = (step, other)

    @rule(
        error=st.sampled_from([Throttled("slow", retry_after=20), LOST_REPLY, BadRequest("no", status=400)]),
        after=st.booleans(),
    )
    def cancelling_fails(self, error: Exception, *, after: bool) -> None:
        """Data Factory does not cancel, or cancels without an answer."""
        self.world.factory.fail_next("cancel_run", error, after=after)

    @rule(seconds=st.sampled_from([1, 15, 45, 100, 400]))
    def tick(self, seconds: int) -> None:
        """Time passes and the timer fires."""
        self.world.clock.forward(seconds)
        self.fire()

    def fire(self) -> None:
        """One tick, which may crash."""
        try:
            self.world.services.tick.run()
        except Crashed:
            self.world.restart()

    @rule(step=st.sampled_from(sorted(STEPS)), seconds=st.sampled_from([0, 30, 100, 140]))
    def another_timer_fires_in_the_middle(self, step: str, seconds: int) -> None:
        """A process is paused before a step, perhaps past its lease, while another one ticks."""

        def other() -> None:
            self.world.clock.forward(seconds)
            self.world.services.tick.run()

        self.script.meanwhile = (step, other)

    @rule(step=st.sampled_from(sorted(STEPS)), after=st.booleans())
    def crash_at(self, step: str, *, after: bool) -> None:
        """The next process that reaches a step is killed there, before or after its effect."""
        self.script.crash = (step, after)

    @rule()
    def create_run_is_refused(self) -> None:
        """Data Factory refuses a request."""
        self.refusals += 1
        self.world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))

    @rule(request=requests)
    def a_request_is_refused_while_it_is_repeated(self, request: tuple[str, int]) -> None:
        """Another caller is answered that it is accepted, and afterwards it is refused."""
        self.refusals += 1
        self.world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
        self.script.meanwhile = ("send.create_run", lambda: self.send(*request))
        self.send(*request)

    @precondition(lambda self: self.correlated)
    @rule(ids=st.sampled_from([Ids.HONOURED, Ids.IGNORED]))
    def ids_are_treated_otherwise(self, ids: Ids) -> None:
        """The factory stops honouring ids, or begins to."""
        self.world.factory.ids = ids

    @precondition(lambda self: self.correlated)
    @rule()
    def a_run_starts_under_an_id_of_the_factorys_own(self) -> None:
        """The factory is believed to honour ids and does not, and the answer that would show it is lost."""
        self.world.factory.always.clear()
        self.world.factory.ids = Ids.IGNORED
        self.world.factory.fail_next("create_run", LOST_REPLY, after=True)
        key = f"key-{len(self.sources)}"
        self.sources[key] = Source.HTTP
        self.send(key, 0)
        self.world.clock.forward(70)
        try:
            self.world.services.tick.run()
        except Crashed:
            self.world.restart()

    @invariant()
    def no_request_has_two_runs(self) -> None:
        """Every run that exists is the only one of its request."""
        runs = list(self.world.factory.runs.values())
        ids = [run.run_id for run in runs]
        assert len(ids) == len(set(ids)), "a run was doubled under its id"
        owners = [self.owner_of(run_id) for run_id in ids]
        owned = [owner for owner in owners if owner is not None]
        assert len(owned) == len(set(owned)), "a request has two runs"
        traces = [run.parameters["trace"] for run in runs if run.parameters.get("trace")]
        assert len(traces) == len(set(traces)), "a request has two runs, and the ledger knows one"

    @invariant()
    def events_are_true_and_never_change(self) -> None:
        """Events publish ends alone, and repeats are the same event."""
        status_of: dict[str, str] = {}
        for event in self.world.outbox.events:
            assert status_of.setdefault(event.id, event.data.status) == event.data.status
            if event.data.run_id is not None:
                assert self.world.factory.runs[event.data.run_id].status == event.data.status

    @invariant()
    def no_customer_has_two_runs_at_once(self) -> None:
        """This holds for any caller, tick or crash."""
        one_at_once.judge(self.world)

    def owner_of(self, run_id: UUID) -> str | None:
        """The request that a run belongs to, as the ledger has it."""
        stored = self.world.ledger.find(FACTORY_ID, run_id)
        return stored.record.request_id if stored else None

    def record_of(self, key: str):  # type: ignore[no-untyped-def]  # noqa: ANN201 - the record's type is long
        """The record of an acknowledged request, which must exist."""
        stored = self.world.ledger.get(FACTORY_ID, key)
        assert stored is not None, f"{key} was acknowledged and is lost"
        return stored.record

    def teardown(self) -> None:
        """The trouble ends, runs end, the timer fires: every acknowledged request is started and published once."""
        self.script.crash = self.script.meanwhile = None
        self.world.factory.before.clear()
        self.world.factory.after.clear()
        self.world.factory.always.clear()
        self.world.ledger.before.clear()
        self.world.ledger.after.clear()
        self.world.outbox.before.clear()
        self.world.outbox.after.clear()
        self.world.factory.lag = timedelta()
        self.release_all()
        calm = 0
        for _ in range(SETTLE_TICKS):
            if calm == CALM_TICKS:
                break
            for key in self.secret & self.acknowledged.keys():  # its caller or its message returns
                _ = self.record_of(key).state is RunState.ACCEPTED and self.ask(key, self.acknowledged[key])
            for run in self.world.factory.runs.values():
                if run.status not in ENDED:
                    self.world.factory.finish(run.run_id)
            self.world.tick(after=30)
            calm = 0 if self.world.ledger.active(FACTORY_ID) else calm + 1
            self.no_customer_has_two_runs_at_once()
        self.no_request_has_two_runs()
        self.events_are_true_and_never_change()
        one_at_once.judge_order(self.world)
        for key in self.acknowledged:
            self.has_ended(key)
        assert list(self.world.ledger.active(FACTORY_ID)) == []
        orphans = [run_id for run_id in self.world.factory.runs if self.owner_of(run_id) is None]
        assert orphans == [], "a run was started that the ledger does not know"
        assert "hunter2" not in repr(self.world.ledger._partitions)

    def has_ended(self, key: str) -> None:
        """An acknowledged request has its single end, and the event of it was sent."""
        record = self.record_of(key)
        assert record.state is RunState.PUBLISHED, (
            f"{key} is {record.state} {record.status}: {record.message}"
        )
        self.joined[f"ended {record.status}"] += record.joined_to is not None
        ids = set(published_names(self.world.outbox.events, key))
        told_before = {f"{key}/Rejected" + (f"/{n + 1}" if n else "") for n in range(record.rejections)}
        told_before |= {f"{key}/Unknown" + (f"/{n + 1}" if n else "") for n in range(record.unknowns)}
        if record.submitted_at is None and (record.status == "Cancelled" or record.joined_to is not None):
            assert record.run_id not in self.world.factory.runs, f"{key} was to have no run, and has one"
            assert ids == {f"{key}/{record.status}", *told_before}
            return
        if record.status in ENDED:
            assert record.run_id in self.world.factory.runs
            assert ids == {f"{record.run_id}/{record.status}", *told_before}
            return
        assert self.refusals, f"{key} was never started: {record.status} {record.message}"
        assert record.status in ("Rejected", "Unknown")
        times = record.rejections if record.status == "Rejected" else record.unknowns
        assert ids == {f"{key}/{record.status}" + (f"/{times + 1}" if times else ""), *told_before}


class TestService(Service.TestCase):  # type: ignore[misc,valid-type]
    """All of these machines, and whether they have reached the rare states."""

    settings = settings(
        max_examples=300,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )

    def runTest(self) -> None:  # noqa: N802 - unittest's name
        """Each request is started once and published once; enough have joined other runs, and ended with them."""
        Service.joined.clear()
        super().runTest()
        assert Service.joined["joined"] >= LEAST_JOINED, Service.joined
        assert Service.joined["ended Succeeded"] >= LEAST_JOINED, Service.joined
