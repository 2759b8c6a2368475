"""A call taken of the Resource Manager's allowance is used or given back, whatever happens in between."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adf_trigger.contracts import NO_RERUN, Rerun, Source
from adf_trigger.datafactory.models import CreatedRun, PipelineResource, ReplyHeaders
from adf_trigger.errors import (
    AdfTriggerError,
    BadRequest,
    CredentialError,
    Fault,
    Forbidden,
    InvalidRequest,
    LedgerConflict,
    LedgerError,
    NotSent,
    RequestConflict,
    Throttled,
    TryLater,
    UnknownOutcome,
)
from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.calls.throttling import Bucket
from tests.support.memory_factory import MemoryFactory
from tests.support.world import FACTORY_ID, World

BURST = 200
A_SECOND = 10


class Counted(MemoryFactory):
    """Counts the POSTs that arrive; a call that fails before it is sent is not one."""

    posts = 0

    def create_run(
        self,
        pipeline: str,
        parameters: Mapping[str, Any],
        *,
        client_request_id: UUID,
        rerun: Rerun = NO_RERUN,
        secrets: Collection[str] = (),
        within: float | None = None,
    ) -> CreatedRun:
        """See PipelineRuns."""
        with self._counted():
            return super().create_run(
                pipeline,
                parameters,
                client_request_id=client_request_id,
                rerun=rerun,
                secrets=secrets,
                within=within,
            )

    def cancel_run(self, run_id: UUID, *, recursive: bool = True) -> None:
        """See PipelineRuns."""
        with self._counted():
            super().cancel_run(run_id, recursive=recursive)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.posts += 1
        try:
            yield
        except (NotSent, CredentialError, InvalidRequest):
            self.posts -= 1
            raise


class Interrupted(Exception):  # no error of the project: a bug, or the end of a process
    """Raised at a step."""


class Breaking:
    """Steps that fail where a test says so."""

    def __init__(self) -> None:
        self.next: str | None = None

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Surround an effect."""
        if name == self.next:
            self.next = None
            raise Interrupted(name)
        yield


def a_world() -> World:
    """A service whose factory counts."""
    world = World(steps=Breaking())
    world.factory = Counted(world.clock)
    world.factory.declare("load", n={"type": "String"})
    world.factory.declare("secret", password={"type": "SecureString"})
    world.restart()
    return world


def left(world: World) -> int:
    """The calls that are allowed now. They are counted by taking them."""
    allowance = world.services.tick._allowance
    count = 0
    while allowance.take(FACTORY_ID, Bucket.WRITES):
        count += 1
    for _ in range(count):
        allowance.give_back(FACTORY_ID, Bucket.WRITES)
    return count


@pytest.fixture
def world() -> World:
    """A service whose factory counts."""
    return a_world()


def posts(world: World) -> int:
    """The POSTs that have arrived."""
    assert isinstance(world.factory, Counted)
    return world.factory.posts


def test_a_used_key_costs_no_call(world: World) -> None:
    """Any number of refused repeats leaves a burst its whole allowance."""
    world.submit("used", parameters={"n": "1"})
    for _ in range(50):
        with pytest.raises(RequestConflict):
            world.submit("used", parameters={"n": "2"})
        assert world.submit("used", parameters={"n": "1"}).replayed
    assert left(world) == BURST - 1 == BURST - posts(world)


@pytest.mark.parametrize("error", [LedgerError("no answer"), LedgerConflict("lost"), Interrupted()])
def test_a_claim_that_fails_costs_no_call(world: World, error: Exception) -> None:
    """This holds for every kind of failure."""
    world.ledger.before["claim"] = [error]
    with pytest.raises(type(error)):
        world.submit("key", parameters={"n": "1"})
    assert left(world) == BURST


def test_a_request_that_waits_for_the_factory_costs_no_call(world: World) -> None:
    """Neither its acceptance nor a tick that finds the factory unchanged makes a call."""
    world.factory.always["create_run"] = Forbidden("no role", code="AuthorizationFailed", status=403)
    world.submit("first", parameters={"n": "1"})
    for number in range(20):
        with pytest.raises(TryLater):
            world.submit(f"key-{number}", parameters={"n": "1"})
        world.tick()
    assert posts(world) <= 2
    assert left(world) == BURST - posts(world)


@pytest.mark.parametrize("error", [NotSent("no connection"), CredentialError("no token")])
def test_a_request_that_was_never_sent_costs_no_call(world: World, error: Exception) -> None:
    """The connection or the token could not be obtained."""
    world.factory.fail_next("create_run", error)
    world.submit("key", parameters={"n": "1"})
    world.factory.fail_next("get_factory", error)
    assert left(world) == BURST


def test_calls_that_need_no_permit_are_counted_too(world: World) -> None:
    """Requests with secrets are sent directly, a caller cancels directly: other calls wait for longer."""
    for number in range(10):
        world.submit(f"key-{number}", "secret", parameters={"password": "hunter2"})
        world.cancel(f"key-{number}")
    assert posts(world) == 20
    assert left(world) == BURST - 20


def test_items_of_one_reply_count_as_one_call(world: World) -> None:
    """A page of pipelines settles the call that returned it, and none that others have in flight."""
    factory, reply = world.factory, ReplyHeaders(remaining_reads=100)
    shown = [PipelineResource(name=f"p{number}").with_reply(reply) for number in range(50)]
    factory.list_pipelines = lambda: iter(shown)  # type: ignore[method-assign]
    world.restart()
    allowance = world.services.tick._allowance
    for _ in range(11):
        assert allowance.take(FACTORY_ID, Bucket.READS)
    assert len(list(world.services.factories.choose(None).runs.list_pipelines())) == 50
    assert sum(allowance.take(FACTORY_ID, Bucket.READS) for _ in range(250)) == 90


KEYS = st.integers(0, 5).map("key-{}".format)
FAULTS = st.sampled_from(
    [
        NotSent("no connection"),
        CredentialError("no token"),
        UnknownOutcome("no answer"),
        Throttled("slow down", retry_after=3),
        BadRequest("no", status=400),
        Forbidden("no role", code="AuthorizationFailed", status=403),
        InvalidRequest([Fault("", "no JSON")]),
    ]
)
STEPS = st.sampled_from(
    ["records.claim", "records.lease_to_send", "records.submit", "send.create_run", "cancel.call"]
)


class Calls(RuleBasedStateMachine):
    """At rest, calls taken less calls given back are calls sent, by a bucket of our own."""

    @initialize()
    def begin(self) -> None:
        """A full bucket."""
        self.world = a_world()
        self.level, self.counted = float(BURST), 0

    @rule(key=KEYS, n=st.integers(0, 1), pipeline=st.sampled_from(["load", "secret"]), queued=st.booleans())
    def submit(self, key: str, n: int, pipeline: str, queued: bool) -> None:  # noqa: FBT001
        """Ask for a run: new, again, or in conflict."""
        given = {"n": str(n)} if pipeline == "load" else {"password": str(n)}
        with suppress(AdfTriggerError, Interrupted):
            self.world.submit(key, pipeline, parameters=given, source=Source.QUEUE if queued else Source.HTTP)

    @rule(key=KEYS)
    def cancel(self, key: str) -> None:
        """Cancel a run."""
        with suppress(AdfTriggerError, Interrupted):
            self.world.cancel(key)

    @rule(seconds=st.sampled_from([0, 0.5, 15, 200]))
    def tick(self, seconds: float) -> None:
        """Let the timer do its work."""
        self.world.clock.forward(seconds)
        self.level = min(BURST, self.level + seconds * A_SECOND)
        with suppress(AdfTriggerError, Interrupted):
            self.world.tick()

    @rule(error=FAULTS, operation=st.sampled_from(["create_run", "cancel_run"]), after=st.booleans())
    def break_call(self, error: AdfTriggerError, operation: str, after: bool) -> None:  # noqa: FBT001
        """Let the next call fail, before or after its effect."""
        self.world.factory.fail_next(operation, error, after=after and isinstance(error, UnknownOutcome))

    @rule(method=st.sampled_from(["claim", "get", "save"]), conflict=st.booleans())
    def break_ledger(self, method: str, conflict: bool) -> None:  # noqa: FBT001
        """Let the next write or read of the ledger fail."""
        error = LedgerConflict("lost") if conflict else LedgerError("no answer")
        self.world.ledger.before[method] = [error]

    @rule(step=STEPS)
    def break_step(self, step: str) -> None:
        """Let the next step of a name break."""
        assert isinstance(self.world.steps, Breaking)
        self.world.steps.next = step

    @invariant()
    def nothing_leaks(self) -> None:
        """The allowance equals what our own bucket holds."""
        made = posts(self.world) - self.counted
        self.counted += made
        self.level -= made
        assert left(self.world) == max(0, int(self.level + 1e-6))


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


def test_a_permit_is_given_back_once() -> None:
    """It is given back once, however many holders leave it; one that was used is not given back."""
    given_back: list[str] = []
    permit = Permit(lambda: given_back.append("unused"))
    with permit, permit:
        pass
    with permit:
        pass
    with Permit(lambda: given_back.append("used")) as used:
        used.use()
    assert given_back == ["unused"]
