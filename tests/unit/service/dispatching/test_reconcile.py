"""Calls without an answer, in every mode of a factory's ids."""

import pytest

from adf_trigger.errors import BadRequest, NotSent, Unavailable
from adf_trigger.ledger.records import RunState
from tests.support.memory_factory import LOST_REPLY, Ids
from tests.support.news import published_names
from tests.support.world import World, settings

pytestmark = pytest.mark.untraced

PATIENCE = 12
"""Ticks of half a minute: far past the grace period."""


def world_of(ids: Ids, **changes: str) -> World:
    """A service whose factory treats ids in one way, and has a pipeline with a parameter for our correlation."""
    world = World(settings=settings(**changes))
    world.factory.ids = ids
    world.factory.declare("load", trace={"type": "String", "defaultValue": ""})
    return world


def wait(world: World, ticks: int = PATIENCE) -> None:
    """Let the timer run."""
    for _ in range(ticks):
        world.tick(after=30)


def learn_ids(world: World) -> None:
    """Let one run show how the factory treats ids."""
    world.submit("teacher")
    world.factory.finish(world.services.query.find("teacher").run_id)
    wait(world, 3)


@pytest.mark.parametrize("ids", [Ids.HONOURED, Ids.REPEAT_REFUSED])
@pytest.mark.parametrize("known", [True, False])
def test_a_run_that_started_is_adopted_whatever_is_known_of_ids(ids: Ids, *, known: bool) -> None:
    """Where ids are honoured, a lost reply costs one GET and no second call."""
    world = world_of(ids)
    if known:
        learn_ids(world)
    calls = world.factory.calls.count("create_run")
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    run_id = world.submit().record.run_id
    wait(world)
    record = world.services.query.find("key-1")
    assert (record.state, record.run_id) == (RunState.SUBMITTED, run_id)
    assert world.factory.calls.count("create_run") == calls + 1


@pytest.mark.parametrize("ids", [Ids.HONOURED, Ids.REPEAT_REFUSED])
@pytest.mark.parametrize("known", [True, False])
def test_a_run_that_never_started_is_sent_again_with_the_same_id(ids: Ids, *, known: bool) -> None:
    """Once its absence means something, the request is sent again, and only one run comes of it."""
    world = world_of(ids)
    if known:
        learn_ids(world)
    runs = len(world.factory.runs)
    world.factory.fail_next("create_run", LOST_REPLY)
    run_id = world.submit().record.run_id
    world.tick(after=30)
    assert len(world.factory.runs) == runs, "nothing is sent again within the grace period"
    wait(world)
    assert world.services.query.find("key-1").run_id == run_id
    assert len(world.factory.runs) == runs + 1


def test_a_hidden_run_is_adopted_when_it_shows_within_the_grace_period() -> None:
    """A short 404 after createRun is not taken as absence."""
    world = world_of(Ids.HONOURED)
    learn_ids(world)
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    run_id = world.submit().record.run_id
    world.factory.hidden.add(run_id)
    world.tick(after=30)
    world.factory.hidden.clear()
    wait(world)
    assert world.services.query.find("key-1").state is RunState.SUBMITTED
    assert len(world.factory.runs) == 2


@pytest.mark.parametrize(("shows", "status"), [(True, "InProgress"), (False, "Unknown")])
def test_a_refused_repeat_is_not_taken_for_a_rejection(*, shows: bool, status: str) -> None:
    """Where a second call of an id is refused, the run that it repeats is adopted, or an operator decides."""
    world = world_of(Ids.REPEAT_REFUSED)
    learn_ids(world)
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.factory.hidden.add(world.submit().record.run_id)
    while world.factory.calls.count("create_run") < 3:
        world.tick(after=15)
    assert world.status() == "Accepted"
    if shows:
        world.factory.hidden.clear()
    wait(world)
    assert world.status() == status
    assert len(world.factory.runs) == 2


@pytest.mark.parametrize("known", [True, False])
def test_where_ids_are_ignored_a_correlation_parameter_finds_the_run(*, known: bool) -> None:
    """A run that carries our requestId is adopted under the runId that the factory chose."""
    world = world_of(Ids.IGNORED, ADF_TRIGGER_POLICY='{"load": {"correlationParameter": "trace"}}')
    if known:
        learn_ids(world)
    runs = set(world.factory.runs)
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit()
    wait(world)
    (started,) = set(world.factory.runs) - runs
    record = world.services.query.find(str(started))
    assert (record.request_id, record.state) == ("key-1", RunState.SUBMITTED)


def test_where_ids_are_ignored_a_correlation_parameter_shows_that_nothing_started() -> None:
    """With no run that carries our requestId, the request is sent again."""
    world = world_of(Ids.IGNORED, ADF_TRIGGER_POLICY='{"*": {"correlationParameter": "trace"}}')
    learn_ids(world)
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    wait(world)
    assert world.services.query.find("key-1").state is RunState.SUBMITTED
    assert len(world.factory.runs) == 2


@pytest.mark.parametrize("started", [True, False])
def test_where_ids_are_ignored_and_nothing_identifies_the_run_an_operator_decides(*, started: bool) -> None:
    """Without a correlation parameter the request is parked, published as Unknown, and never sent again."""
    world = world_of(Ids.IGNORED)
    learn_ids(world)
    world.outbox.events.clear()
    world.factory.fail_next("create_run", LOST_REPLY, after=started)
    world.submit()
    wait(world)
    assert world.status() == "Unknown"
    assert published_names(world.outbox.events) == ["key-1/Unknown"]
    assert len(world.factory.runs) == 1 + started


def test_where_the_use_of_ids_is_unknown_a_run_that_may_be_its_own_is_not_doubled() -> None:
    """An unclaimed run of the pipeline since the call parks the request, with that run named."""
    world = world_of(Ids.IGNORED)
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit()
    wait(world)
    (run_id,) = world.factory.runs
    assert world.status() == "Unknown"
    assert str(run_id) in str(world.outbox.events[0].data.message)


@pytest.mark.parametrize(
    ("policy", "runs", "status"), [("park", 1, "Unknown"), ("resubmit", 2, "InProgress")]
)
def test_a_policy_decides_outright(policy: str, runs: int, status: str) -> None:
    """`park` never sends again and `resubmit` always does, whatever could be found out."""
    world = world_of(Ids.IGNORED, ADF_TRIGGER_POLICY=f'{{"LOAD": {{"unknownOutcome": "{policy}"}}}}')
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit()
    wait(world)
    assert world.status() == status
    assert len(world.factory.runs) == runs


def test_an_outage_while_looking_changes_nothing() -> None:
    """A doubt that cannot be looked up stays, and the request is neither sent again nor given up."""
    world = world_of(Ids.HONOURED)
    learn_ids(world)
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit()
    for _ in range(20):
        world.factory.fail_next("get_run", Unavailable("down", status=503))
        world.tick(after=60)
    assert world.status() == "Accepted"
    world.factory.before.clear()
    wait(world)
    assert world.services.query.find("key-1").state is RunState.SUBMITTED
    assert len(world.factory.runs) == 2


def test_a_request_that_waits_past_its_deadline_is_rejected_and_published() -> None:
    """Waiting for an outage to end is bounded."""
    world = world_of(Ids.HONOURED, ADF_TRIGGER_START_DEADLINE_SECONDS="600")
    for _ in range(30):
        world.factory.fail_next("create_run", NotSent("down"))
    world.submit()
    wait(world, 25)
    assert world.status() == "Rejected"
    assert [event.type for event in world.outbox.events] == ["dev.adf-trigger.run.rejected"]


def test_a_refusal_of_a_waiting_request_is_published() -> None:
    """An accepted request that is refused later ends as Rejected, with Data Factory's reason."""
    world = world_of(Ids.HONOURED)
    world.factory.fail_next("create_run", NotSent("down"))
    world.submit()
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    world.tick(after=10)
    assert world.status() == "Rejected"
    assert "it is wrong" in str(world.outbox.events[0].data.message)
    assert world.submit().record.state is RunState.SUBMITTED, "the key is free again"
