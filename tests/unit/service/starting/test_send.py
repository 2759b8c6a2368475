"""One createRun: the arguments of the call, and what is recorded of its answer."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.contracts import NO_RERUN, Rerun
from adf_trigger.datafactory.models import CreatedRun
from adf_trigger.errors import (
    CredentialError,
    Forbidden,
    LedgerError,
    NotSent,
    PipelineQueueFull,
    ResourceNotFound,
    Throttled,
    UnknownOutcome,
)
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import Held, RunState, Waits
from adf_trigger.service.calls.permits import Permit
from adf_trigger.service.holds.hold import Scope
from adf_trigger.service.starting.send import Sender, back_off
from tests.support.holding import hold
from tests.support.memory_factory import MemoryFactory
from tests.support.world import FACTORY_ID, World, settings

SECOND = timedelta(seconds=1)
FULL = PipelineQueueFull("There are 100 runs waiting.", status=400, code="BadRequest")


@dataclass
class Called(MemoryFactory):
    """Notes the arguments of createRun."""

    given: list[dict[str, Any]] = field(default_factory=list)

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
        self.given.append({"parameters": dict(parameters), "secrets": list(secrets), "within": within})
        return super().create_run(
            pipeline,
            parameters,
            client_request_id=client_request_id,
            rerun=rerun,
            secrets=secrets,
            within=within,
        )


class Sending(World):
    """A request that is leased to its sender."""

    factory: Called
    given_back: int = 0

    def take(self, **changes: Any) -> Stored:
        """The request, leased; its record changed."""
        stored = self.ledger.get(FACTORY_ID, "key-1")
        assert stored is not None
        taken = self.services.tick._parts.dispatcher._records.lease_to_send(stored)
        self.factory.given.clear()
        return replace(taken, record=replace(taken.record, **changes)) if changes else taken

    def send(self, taken: Stored, *, in_doubt_since: datetime | None = None, **parameters: Any) -> Stored:
        """Send it; the permit's source is notified where no call was made."""
        sender: Sender = self.services.tick._parts.dispatcher._sender._sender
        factory = self.services.factories.choose(None)
        with Permit(self._give_back) as permit:
            given = parameters or taken.record.parameters
            return sender.send(factory, taken, given, permit, in_doubt_since=in_doubt_since)

    def _give_back(self) -> None:
        self.given_back += 1


def a_world(policy: str = "{}", **declared: dict[str, Any]) -> Sending:
    """A request that was postponed once, and waits."""
    world = Sending(settings=settings(ADF_TRIGGER_POLICY=policy))
    world.factory = Called(world.clock)
    world.restart()
    world.factory.declare("load", **declared)
    world.factory.fail_next("create_run", NotSent("down"))
    world.submit()
    return world


@pytest.fixture
def world() -> Sending:
    """Its pipeline declares nothing."""
    return a_world()


@pytest.mark.parametrize("ago", [timedelta(), SECOND, None])
def test_a_sender_that_is_delayed_past_its_lease_sends_nothing(world: Sending, ago: timedelta | None) -> None:
    """Another may have the request by now: it is due immediately, in doubt as before, and its call is given back."""
    since = world.clock() - 30 * SECOND
    taken = world.take(lease_until=None if ago is None else world.clock() - ago)
    sent = world.send(taken, in_doubt_since=since).record
    assert (sent.not_before, sent.sent_at, sent.lease_until) == (world.clock(), since, None)
    assert sent.message == "the sender was delayed past its lease"
    assert (world.factory.given, world.given_back) == ([], 1)


def test_a_call_has_the_rest_of_the_lease(world: Sending) -> None:
    """It ends before another process may take the request."""
    sent = world.send(world.take(lease_until=world.clock() + 7 * SECOND)).record
    assert sent.state is RunState.SUBMITTED
    assert [each["within"] for each in world.factory.given] == [7.0]
    assert world.given_back == 0


@pytest.mark.parametrize(
    ("error", "message", "waits_for"),
    [
        (NotSent("no route"), "not sent: no route", None),
        (FULL, f"the pipeline takes no more runs now: {FULL}", Waits.PIPELINE),
    ],
)
@pytest.mark.parametrize("in_doubt", [True, False])
def test_a_request_that_has_started_nothing_is_sent_later(
    world: Sending, error: Exception, message: str, waits_for: Waits | None, *, in_doubt: bool
) -> None:
    """The wait grows with the attempts, here two; an earlier call's doubt remains."""
    since = world.clock() - 30 * SECOND if in_doubt else None
    world.factory.fail_next("create_run", error)
    sent = world.send(world.take(), in_doubt_since=since).record
    assert (sent.message, sent.waits_for, sent.sent_at) == (message, waits_for, since)
    assert sent.not_before == world.clock() + 10 * SECOND
    assert sent.state is RunState.ACCEPTED


@pytest.mark.parametrize("in_doubt", [True, False])
def test_a_request_that_is_held_at_the_last_look_is_not_sent(world: Sending, *, in_doubt: bool) -> None:
    """It is held from now on, in doubt as before, and its call is given back."""
    since = world.clock() - 30 * SECOND if in_doubt else None
    taken = world.take()
    hold(world)
    world.clock.forward(2)
    sent = world.send(taken, in_doubt_since=since).record
    assert sent.held == Held(by=Scope().id, since=world.clock())
    assert (sent.sent_at, sent.lease_until, sent.state) == (since, None, RunState.ACCEPTED)
    assert "deploying" in str(sent.message)
    assert (world.factory.given, world.given_back) == ([], 1)


@pytest.mark.parametrize("in_doubt", [True, False])
def test_where_holds_are_not_known_nothing_is_sent(world: Sending, *, in_doubt: bool) -> None:
    """It is tried again soon, in doubt as before."""
    since = world.clock() - 30 * SECOND if in_doubt else None
    taken = world.take()
    world.clock.forward(2)
    world.notes.before["named"] = [LedgerError("away")]
    sent = world.send(taken, in_doubt_since=since).record
    assert (sent.held, sent.sent_at) == (None, since)
    assert "away" in str(sent.message)
    assert sent.not_before == world.clock() + 5 * SECOND
    assert (world.factory.given, world.given_back) == ([], 1)


def test_a_throttled_request_is_sent_when_the_wait_is_over(world: Sending) -> None:
    """It is sent at the instant that Data Factory asked for."""
    world.factory.fail_next("create_run", Throttled("slow down", retry_after=47, status=429))
    sent = world.send(world.take()).record
    assert sent.message == "Data Factory is throttling: slow down"
    assert (sent.not_before, sent.waits_for) == (world.clock() + 47 * SECOND, None)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Forbidden("no role", status=403), "Data Factory cannot be used now: no role"),
        (CredentialError("no token"), "not sent: no token"),
    ],
)
def test_a_request_for_an_unusable_factory_is_sent_at_its_next_probe(
    world: Sending, error: Exception, message: str
) -> None:
    """It has no wait of its own."""
    world.factory.fail_next("create_run", error)
    sent = world.send(world.take()).record
    assert sent.message == message
    state = world.services.states.of(FACTORY_ID)
    assert state is not None
    assert sent.not_before == state.next_probe_at


def test_a_request_without_a_clear_answer_is_looked_up_soon(world: Sending) -> None:
    """The reason quotes the answer."""
    world.factory.fail_next("create_run", UnknownOutcome("the reply was lost"))
    sent = world.send(world.take()).record
    assert sent.not_before == world.clock() + 5 * SECOND
    assert sent.message == "no clear answer yet: the reply was lost"
    assert (sent.last_answer, sent.sent_at) == ("the reply was lost", world.clock())


def test_the_values_of_secure_parameters_are_passed_as_secrets(world: Sending) -> None:
    """They are passed as they may appear in a text: other types as JSON; a missing one is left out."""
    taken = world.take(secure_parameters=("password", "key", "absent"))
    world.send(taken, password="hunter2", key={"a": 1}, day="Monday")
    (given,) = world.factory.given
    assert given["secrets"] == ["hunter2", '{"a": 1}']
    assert given["parameters"] == {"password": "hunter2", "key": {"a": 1}, "day": "Monday"}


@pytest.mark.parametrize(
    ("declared", "given", "sent"),
    [
        ("Trace", {"day": "Monday"}, {"day": "Monday", "Trace": "key-1"}),
        ("Trace", {"TRACE": "mine"}, {"TRACE": "key-1"}),
    ],
)
def test_the_correlation_parameter_is_spelled_as_in_the_request_else_as_declared(
    declared: str, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    """Data Factory matches its parameters in any case, and refuses two spellings of one."""
    declaration = {"type": "String", "defaultValue": ""}
    world = a_world('{"*": {"correlationParameter": "trace"}}', **{declared: declaration})
    world.send(world.take(), **given)
    (call,) = world.factory.given
    assert call["parameters"] == sent


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 60), (10_000, 60)]
)
def test_a_wait_doubles_up_to_a_minute(attempts: int, seconds: int) -> None:
    """The limit holds for any number of attempts."""
    assert back_off(attempts) == timedelta(seconds=seconds)


def test_the_parameter_of_an_unknown_pipeline_is_spelled_as_in_the_policy() -> None:
    """The declaration may have been forgotten."""
    world = a_world('{"ghost": {"correlationParameter": "trace"}}')
    with pytest.raises(ResourceNotFound):
        world.send(world.take(pipeline="ghost"), day="Monday")
    (call,) = world.factory.given
    assert call["parameters"] == {"day": "Monday", "trace": "key-1"}


def test_a_rerun_passes_every_field_of_its_origin(world: Sending) -> None:
    """All of it."""
    rerun = Rerun(reference_pipeline_run_id=UUID(int=7), start_activity_name="Copy", is_recovery=True)
    sent = world.send(world.take(rerun=rerun)).record
    assert world.factory.reruns == [(sent.run_id, rerun)]


def test_the_call_is_a_step_of_its_own() -> None:
    """The crash tests end the process there, before and after it."""
    world = a_world()
    steps: list[str] = []

    @contextmanager
    def noted(name: str) -> Iterator[None]:
        steps.append(name)
        yield
        steps.append(f"{name} done")

    world.steps = noted
    world.restart()
    world.send(world.take())
    assert steps[-4:] == ["send.create_run", "send.create_run done", "records.submit", "records.submit done"]
