"""A call without an answer stays in doubt until Data Factory itself, or the list of runs, has settled it."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from adf_trigger.errors import (
    BadRequest,
    DataFactoryError,
    Forbidden,
    ResourceNotFound,
    ScopeLocked,
    ScopeNotFound,
    SubscriptionUnusable,
    Throttled,
    Unauthorized,
    Unavailable,
    UnknownOutcome,
)
from adf_trigger.ledger.records import RunState
from tests.support.memory_factory import LOST_REPLY, Ids, Run
from tests.support.news import published_names
from tests.support.world import World, settings

pytestmark = pytest.mark.untraced

MINUTE = 60.0

SAYS_NOTHING = [
    ScopeNotFound("Resource group 'rg' could not be found.", status=404, code="ResourceGroupNotFound"),
    ScopeNotFound("The subscription could not be found.", status=404, code="SubscriptionNotFound"),
    ScopeNotFound("The Resource was not found.", status=404, code="ResourceNotFound"),
    Forbidden("no role", status=403, code="AuthorizationFailed"),
    Unauthorized("no token", status=401),
    ScopeLocked("locked", status=409, code="ScopeLocked"),
    SubscriptionUnusable("disabled", status=409, code="ReadOnlyDisabledSubscription"),
    Throttled("slow down", status=429, retry_after=5),
    Unavailable("down", status=503),
]


def a_world(ids: Ids = Ids.HONOURED, *, taught: bool = True, **changes: str) -> World:
    """A service that knows how its factory treats ids; the pipeline has a parameter for our correlation."""
    world = World(settings=settings(**changes))
    world.factory.ids = Ids.HONOURED
    world.factory.declare("load", trace={"type": "String", "defaultValue": ""})
    if taught:
        world.submit("teacher")
    world.factory.ids = ids
    return world


def pass_by(world: World, minutes: float, step: float = 15) -> None:
    """Let the timer fire for some minutes."""
    for _ in range(int(minutes * MINUTE / step)):
        world.tick(after=step)


def started(world: World) -> list[UUID]:
    """The runs that are not the teacher's."""
    known = world.services.query.find("teacher").run_id
    return [run.run_id for run in world.factory.runs.values() if run.run_id != known]


@pytest.mark.parametrize("says", SAYS_NOTHING, ids=lambda error: f"{type(error).__name__}-{error.code}")
def test_trouble_of_the_factory_settles_no_doubt(says: DataFactoryError) -> None:
    """createRun took effect, its answer is lost, and every later call fails with trouble for a minute."""
    world = a_world()
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    run_id = world.submit().record.run_id
    world.factory.always["*"] = says
    pass_by(world, 3)
    assert world.status() == "Accepted"
    assert world.outbox.events == []
    world.factory.always.clear()
    pass_by(world, 8)
    record = world.services.query.find("key-1")
    assert (record.state, record.run_id) == (RunState.SUBMITTED, run_id)
    assert started(world) == [run_id]


@pytest.mark.parametrize("says", SAYS_NOTHING[:6], ids=lambda error: f"{type(error).__name__}-{error.code}")
def test_trouble_of_the_factory_in_the_second_call_rejects_nothing(says: DataFactoryError) -> None:
    """A request in doubt that is sent again and meets a lock or a missing scope stays in doubt, and waits."""
    world = a_world()
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    world.factory.always["create_run"] = says
    pass_by(world, 5)
    assert world.status() == "Accepted"
    world.factory.always.clear()
    pass_by(world, 5)
    assert world.status() in ("Queued", "InProgress")
    assert len(started(world)) == 1


def test_a_factory_that_stops_honouring_ids_does_not_double_a_run() -> None:
    """It is believed to honour ids and no longer does: the list shows a run that no record claims."""
    world = a_world(Ids.IGNORED)
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit()
    pass_by(world, 10)
    (run_id,) = started(world)
    assert world.status() == "Unknown"
    assert str(run_id) in str(world.services.query.find("key-1").message)


def test_with_a_correlation_parameter_the_run_of_such_a_factory_is_adopted() -> None:
    """The run carries the request's id, so that no operator has to decide."""
    world = a_world(Ids.IGNORED, ADF_TRIGGER_POLICY='{"*": {"correlationParameter": "trace"}}')
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit()
    pass_by(world, 10)
    (run_id,) = started(world)
    record = world.services.query.find(str(run_id))
    assert (record.request_id, record.state) == ("key-1", RunState.SUBMITTED)


def test_a_young_run_may_belong_to_a_request_that_is_being_sent() -> None:
    """Where ids are ignored, a run has no owner until its answer is recorded: it parks no request."""
    world = a_world()
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    pass_by(world, 0.75)
    stranger = uuid4()
    world.factory.runs[stranger] = Run(stranger, "load", {}, world.clock(), world.clock())
    world.tick(after=15)
    assert world.status() == "Accepted"
    del world.factory.runs[stranger]
    pass_by(world, 3)
    assert world.status() in ("Queued", "InProgress")


@pytest.mark.parametrize("invoked_by", ["ScheduleTrigger", "PipelineActivity", "BlobEventsTrigger"])
def test_runs_that_no_call_has_started_are_not_taken_for_ours(invoked_by: str) -> None:
    """A trigger or another pipeline may start the same pipeline meanwhile."""
    world = a_world()
    world.factory.fail_next("create_run", LOST_REPLY)
    run_id = world.submit().record.run_id
    for minutes in (0, 1):
        other = uuid4()
        at = world.clock() + timedelta(minutes=minutes)
        world.factory.runs[other] = Run(other, "load", {}, at, at, invoked_by=invoked_by)
    pass_by(world, 5)
    assert world.services.query.find("key-1").run_id == run_id
    assert run_id in started(world)


def test_runs_from_before_the_first_call_are_not_taken_for_ours() -> None:
    """A request that waited for hours in an outage is compared with runs since it was sent."""
    world = a_world()
    world.factory.always["create_run"] = Throttled("slow down", retry_after=60)
    world.submit()
    stranger = uuid4()
    world.factory.runs[stranger] = Run(stranger, "load", {}, world.clock(), world.clock())
    pass_by(world, 20, step=60)
    world.factory.always.clear()
    world.factory.fail_next("create_run", LOST_REPLY)
    pass_by(world, 6)
    record = world.services.query.find("key-1")
    assert (record.state, record.attempts >= 2) == (RunState.SUBMITTED, True)


def test_the_runs_of_a_pipeline_are_listed_once_a_tick_for_all_requests_in_doubt() -> None:
    """Two hundred requests in doubt do not cost two hundred lists."""
    world = a_world()
    for number in range(20):
        world.factory.fail_next("create_run", LOST_REPLY)
        world.submit(f"key-{number}")
    world.clock.forward(90)
    world.factory.calls.clear()
    world.services.tick.run()
    assert world.factory.calls.count("get_run") >= 20
    assert world.factory.calls.count("query_runs") <= 2
    pass_by(world, 5)
    assert len(started(world)) == 20


@pytest.mark.parametrize(
    ("refusal", "status"),
    [(BadRequest("wrong", status=400), "Unknown"), (ResourceNotFound("no pipeline", status=404), "Rejected")],
)
def test_a_second_call_that_is_refused_is_settled_by_looking(refusal: DataFactoryError, status: str) -> None:
    """Without a run by id or in the list, a deleted pipeline rejects the request; another refusal is no proof."""
    world = a_world()
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    world.factory.always["create_run"] = refusal
    pass_by(world, 10)
    assert world.status() == status
    assert published_names(world.outbox.events) == [f"key-1/{status}"]


def test_a_doubt_that_cannot_be_settled_ends_with_the_start_deadline() -> None:
    """Every request has a last day: one that could not be settled by then is published as unknown, with the reason."""
    world = a_world(ADF_TRIGGER_START_DEADLINE_SECONDS="600")
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit()
    world.factory.always["*"] = Forbidden("the role is gone", status=403)
    pass_by(world, 9)
    assert world.status() == "Accepted"
    pass_by(world, 3)
    assert world.status() == "Unknown"
    assert "the role is gone" in str(world.outbox.events[0].data.reason)


def test_runs_that_others_keep_starting_leave_no_request_in_doubt_endlessly() -> None:
    """There is always a young run that may be its own: the start deadline ends that, and the runs are named."""
    world = a_world(ADF_TRIGGER_START_DEADLINE_SECONDS="600")
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    foreign = UUID(int=0)
    for _ in range(12):
        world.factory.runs.pop(foreign, None)
        foreign = uuid4()
        world.factory.runs[foreign] = Run(foreign, "load", {}, world.clock(), world.clock())
        world.tick(after=60)
    assert world.status() == "Unknown"
    assert "may be it" in str(world.outbox.events[0].data.reason)


def test_a_list_that_is_too_long_for_a_tick_leaves_no_request_in_doubt_endlessly() -> None:
    """A busy pipeline's list cannot be read whole: it is tried until the deadline, then an operator decides."""
    world = a_world(ADF_TRIGGER_START_DEADLINE_SECONDS="600", ADF_TRIGGER_TICK_CALLS="10")
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    for number in range(1, 1_200):
        run_id = UUID(int=number)
        world.factory.runs[run_id] = Run(run_id, "load", {}, world.clock(), world.clock())
    pass_by(world, 9, step=60)
    assert world.status() == "Accepted"
    pass_by(world, 3, step=60)
    assert world.status() == "Unknown"
    assert "longer than one tick can read" in str(world.outbox.events[0].data.reason)


def test_a_request_that_is_shown_not_to_have_started_is_rejected_at_the_deadline() -> None:
    """Neither the id nor the list shows a run: rejected is its true end."""
    world = a_world(ADF_TRIGGER_START_DEADLINE_SECONDS="100")
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    world.tick(after=15)
    world.tick(after=95)
    world.tick(after=15)
    assert world.status() == "Rejected"
    assert len(started(world)) == 0


@pytest.mark.parametrize("deadline", ["600", "3600"])
def test_a_request_without_a_clear_answer_is_published_with_the_text_of_the_answer(deadline: str) -> None:
    """A firewall's page or an undocumented conflict: it keeps one id, is rarely sent, and its end gives the reason."""
    world = a_world(ADF_TRIGGER_START_DEADLINE_SECONDS=deadline)
    answer = UnknownOutcome("CreateRun: HTTP 409 FactoryIsMoving: by an operator", status=409)
    world.factory.always["create_run"] = answer
    world.submit("other")
    for _ in range(int(deadline) // 15 + 20):
        world.tick(after=15)
        assert "FactoryIsMoving" in str(world.services.query.find("other").message)
    assert world.status("other") == "Rejected"
    assert [str(event.data.reason).count("FactoryIsMoving") for event in world.outbox.events] == [1]
    assert world.factory.calls.count("create_run") <= 2 + int(deadline) / 60


def test_a_request_without_a_clear_answer_delays_no_other() -> None:
    """A firewall rejects one body: the requests behind it are started meanwhile."""
    world = a_world()
    for number in range(3):
        world.factory.fail_next("create_run", UnknownOutcome("HTTP 403: a body that is not JSON", status=403))
        world.submit(f"blocked-{number}")
    world.factory.fail_next("create_run", Throttled("slow down", retry_after=5))
    world.submit("innocent")
    world.tick(after=20)
    assert world.services.query.find("innocent").state is RunState.SUBMITTED
