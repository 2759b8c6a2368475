"""A factory that cannot be used holds its requests; one probe at a time finds out whether that is over."""

import logging
from typing import Any

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import (
    AdfTriggerError,
    CredentialError,
    Forbidden,
    NotSent,
    PipelineQueueFull,
    QuotaExceeded,
    ScopeLocked,
    ScopeNotFound,
    SubscriptionUnusable,
    TryLater,
    Unauthorized,
    Unavailable,
)
from adf_trigger.ledger.records import RunState
from adf_trigger.service.calls.factory_state import Trouble
from adf_trigger.service.calls.factory_states import FactoryStates
from adf_trigger.service.calls.throttling import Bucket
from adf_trigger.service.steps import logged_steps
from tests.support.memory_factory import LOST_REPLY
from tests.support.news import published_names
from tests.support.world import FACTORY_ID, STARTED, World, settings

pytestmark = pytest.mark.untraced

HOLDS: list[tuple[AdfTriggerError, Trouble]] = [
    (Forbidden("AuthorizationFailed: no role", status=403), Trouble.DENIED),
    (Unauthorized("InvalidAuthenticationToken", status=401), Trouble.UNAUTHORISED),
    (ScopeNotFound("ResourceGroupNotFound", status=404), Trouble.NOT_FOUND),
    (ScopeLocked("ScopeLocked: remove the lock", status=409), Trouble.LOCKED),
    (SubscriptionUnusable("ReadOnlyDisabledSubscription", status=409), Trouble.DISABLED),
    (QuotaExceeded("QuotaExceeded", status=409), Trouble.QUOTA),
]


def a_world(**changes: str) -> World:
    """A service whose factory has a pipeline `load`."""
    world = World(settings=settings(**changes))
    world.factory.declare("load", n={"type": "Int", "defaultValue": 0})
    return world


def state_of(world: World) -> Any:
    """The state of the factory as a new instance sees it."""
    return FactoryStates(world.notes, world.clock, logged_steps).of(FACTORY_ID)


@pytest.mark.parametrize(("error", "kind"), HOLDS, ids=lambda each: str(getattr(each, "value", "")))
def test_trouble_of_the_factory_holds_its_requests_and_rejects_none(
    error: AdfTriggerError, kind: Trouble
) -> None:
    """Accepted requests wait with the service's text as reason; when the trouble is over all are started, in order."""
    world = a_world()
    world.factory.always["create_run"] = error
    record = world.submit("first").record
    assert (record.status, str(error) in str(record.message)) == ("Accepted", True)
    state = state_of(world)
    assert (state.kind, state.because, state.since) == (kind, str(error), world.clock())
    keys = [f"message-{number:02d}" for number in range(20)]
    for key in keys:
        assert world.submit(key, source=Source.QUEUE).record.status == "Accepted"
    for _ in range(240):
        world.tick(after=15)
    assert {world.status(key) for key in ["first", *keys]} == {"Accepted"}
    assert world.factory.calls.count("create_run") <= 1 + 70, (
        "one probe a minute at most, and not every request"
    )
    world.factory.always.clear()
    for _ in range(8):
        world.tick(after=15)
    assert state_of(world) is None
    runs = [world.services.query.find(str(run_id)).request_id for run_id in world.factory.runs]
    assert runs == ["first", *keys]


@pytest.mark.parametrize(("error", "kind"), HOLDS, ids=lambda each: str(getattr(each, "value", "")))
def test_a_caller_without_a_claim_is_asked_to_come_again(error: AdfTriggerError, kind: Trouble) -> None:
    """The known state of the factory answers 503 before a claim: the reason is given, and nothing is kept or called."""
    world = a_world()
    world.factory.always["create_run"] = error
    world.submit("first")
    calls = len(world.factory.calls)
    with pytest.raises(TryLater, match=str(error)[:20]) as caught:
        world.submit("second")
    assert 1 <= caught.value.retry_after <= 60
    assert ("Data Factory Contributor" in str(caught.value)) is (kind is Trouble.DENIED)
    assert len(world.factory.calls) == calls
    assert world.ledger.get(FACTORY_ID, "second") is None
    assert world.submit("first").replayed
    world.restart()
    with pytest.raises(TryLater):
        world.submit("second")


@pytest.mark.parametrize("source", [Source.HTTP, Source.QUEUE])
def test_a_role_that_is_missing_for_reads_holds_too(source: Source) -> None:
    """The pipeline may not be read: a caller is asked to come again; a message that cannot be checked is put back."""
    world = a_world()
    world.factory.always["*"] = Forbidden("no role", status=403)
    for _ in range(3):
        with pytest.raises(TryLater, match="no role"):
            world.submit(parameters={"n": 1}, source=source)
    assert world.factory.calls == ["get_pipeline"]
    assert state_of(world).bucket is Bucket.READS
    world.tick(after=30)
    assert world.factory.calls == ["get_pipeline", "get_factory"]
    world.factory.always.clear()
    world.tick(after=60)
    assert state_of(world) is None
    assert world.submit(parameters={"n": 1}, source=source).record.state is RunState.SUBMITTED


def test_a_message_that_matches_the_known_pipeline_is_accepted_while_nothing_can_be_read() -> None:
    """The last known declaration is enough to accept it; it waits, and is started."""
    world = a_world()
    world.submit("teacher")
    world.factory.always["*"] = ScopeNotFound("no such group", status=404)
    world.tick(after=30)
    assert world.submit(parameters={"n": 1}, source=Source.QUEUE).record.status == "Accepted"
    world.factory.always.clear()
    for _ in range(3):
        world.tick(after=60)
    assert world.status() in STARTED


def test_a_request_past_its_deadline_is_published_with_the_true_reason() -> None:
    """Held for too long, it ends as rejected, and its event names the factory's trouble."""
    world = a_world(ADF_TRIGGER_START_DEADLINE_SECONDS="600")
    world.factory.always["create_run"] = ScopeLocked("remove the lock", status=409)
    world.submit("first")
    world.submit("second", source=Source.QUEUE)
    for _ in range(50):
        world.tick(after=15)
    assert {world.status("first"), world.status("second")} == {"Rejected"}
    events = world.outbox.events
    assert sorted(published_names(events)) == ["first/Rejected", "second/Rejected"]
    assert all("remove the lock" in str(event.data.reason) for event in events)
    assert state_of(world) is None, "no request waits, so that the next one is a probe"


def test_a_missing_role_for_starting_leaves_reads_as_they_are() -> None:
    """Active runs are watched while none can be started."""
    world = a_world()
    run_id = world.submit("going").record.run_id
    world.factory.always["create_run"] = Forbidden("no role", status=403)
    world.submit("waiting")
    world.factory.finish(run_id)
    world.tick(after=15)
    assert [event.subject for event in world.outbox.events] == ["going"]


def test_trouble_while_watching_is_the_factorys_and_ends_no_run() -> None:
    """A lost role stops the monitor and shows as the factory's state."""
    world = a_world()
    run_id = world.submit().record.run_id
    world.factory.always["*"] = Forbidden("no role", status=403)
    for _ in range(10):
        world.tick(after=60)
    assert state_of(world).kind is Trouble.DENIED
    assert len([call for call in world.factory.calls if call not in ("create_run", "get_pipeline")]) <= 14
    world.factory.always.clear()
    world.factory.finish(run_id)
    for _ in range(3):
        world.tick(after=60)
    assert world.status() == "Succeeded"


def test_no_token_is_the_factorys_state_within_a_tick_and_callers_are_asked_to_come_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An expired secret shows in the state and the log immediately; messages wait, callers get 503 before a claim."""
    world = a_world()
    world.submit("going")
    world.factory.always["*"] = CredentialError("AADSTS7000222: the client secret keys are expired")
    with caplog.at_level(logging.WARNING):
        world.tick(after=15)
    state = state_of(world)
    assert (state.kind, "AADSTS7000222" in state.because) == (Trouble.CREDENTIAL, True)
    assert "factory_held" in [getattr(record, "action", "") for record in caplog.records]
    with pytest.raises(TryLater, match="AADSTS7000222"):
        world.submit("refused", parameters={"n": 1})
    assert world.ledger.get(FACTORY_ID, "refused") is None
    waiting = world.submit("waiting", parameters={"n": 1}, source=Source.QUEUE)
    assert waiting.record.status == "Accepted"
    assert "AADSTS7000222" in str(world.services.query.find("waiting").message)
    assert world.submit("going").replayed
    world.factory.always.clear()
    for _ in range(3):
        world.tick(after=60)
    assert world.status("waiting") in STARTED


@pytest.mark.parametrize("operation", ["get_pipeline", "create_run"])
def test_the_first_caller_without_a_token_is_the_last_one_to_be_accepted(operation: str) -> None:
    """Found before the claim the answer is 503; found after it that request waits, and the next caller gets 503."""
    world = a_world()
    world.factory.always[operation] = CredentialError("no token", retry_after=40)
    if operation == "create_run":
        assert "no token" in str(world.submit("first").record.message)
    for _ in range(2):
        with pytest.raises(TryLater, match="no token") as caught:
            world.submit("second")
        assert caught.value.retry_after == 40
    world.factory.always.clear()
    world.tick(after=60)
    assert world.submit("second").record.state is RunState.SUBMITTED


def test_one_call_without_an_answer_is_no_state_of_the_factory() -> None:
    """Callers are accepted in an outage: the next call may succeed, and accepted requests are started then."""
    world = a_world()
    world.submit("teacher")
    for number, error in enumerate((LOST_REPLY, NotSent("no route"), Unavailable("down", status=503))):
        world.factory.fail_next("create_run" if number < 2 else "get_pipeline", error)
        world.clock.forward(90)
        assert world.submit(f"taken-{number}").record.request_id == f"taken-{number}"
        assert state_of(world) is None


def test_a_factory_that_does_not_answer_for_a_minute_is_in_an_outage() -> None:
    """A single failure is no outage; an outage shows in the state and blocks no calls."""
    world = a_world()
    world.submit()
    for error in (Unavailable("down", status=503), NotSent("no route")):
        world.factory.always["*"] = error
        world.tick(after=15)
        assert state_of(world) is None
    for _ in range(5):
        world.tick(after=15)
    assert state_of(world).kind is Trouble.OUTAGE
    assert world.submit("second").record.status == "Accepted"
    world.factory.always.clear()
    world.tick(after=15)
    assert state_of(world) is None


def test_a_pipeline_that_takes_no_more_runs_delays_no_other() -> None:
    """Its requests wait for it, with one call a minute for all of them; those of others are started."""
    world = a_world()
    world.factory.declare("other")
    full = PipelineQueueFull("Pipeline execution throttled", status=400)
    for number in range(30):
        world.factory.fail_next("create_run", full)
        assert world.submit(f"full-{number}").record.status == "Accepted"
    world.factory.before.clear()
    world.factory.fail_next("create_run", NotSent("no route"))
    world.submit("innocent", pipeline="other")
    world.factory.before.clear()
    world.clock.forward(120)
    world.factory.calls.clear()
    world.factory.fail_next("create_run", full)
    world.services.tick.run()
    assert world.status("innocent") in STARTED
    assert world.factory.calls.count("create_run") == 2
    for _ in range(10):
        world.tick(after=30)
    assert {world.status(f"full-{number}") for number in range(30)} <= STARTED
    assert state_of(world) is None
