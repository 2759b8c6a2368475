"""An operator decides an unknown fate once: the request's run is adopted, it is sent again, or it is dismissed."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from adf_trigger.contracts import RunCandidate
from adf_trigger.errors import (
    Forbidden,
    InvalidRequest,
    LedgerConflict,
    PublishError,
    TryLater,
    Unavailable,
    WrongState,
)
from adf_trigger.ledger.records import RunState, Waits
from adf_trigger.messages.masking import MASK
from tests.support.faulty_ledger import FaultyDeclarations
from tests.support.memory_factory import LOST_REPLY, Ids, Run
from tests.support.news import published_names
from tests.support.world import World, settings


def a_world(**changes: str) -> World:
    """A service whose pipelines are parked as soon as their fate is in doubt."""
    world = World(settings=settings(ADF_TRIGGER_POLICY='{"*": {"unknownOutcome": "park"}}', **changes))
    world.factory.declare("load", n={"type": "Int", "defaultValue": 0})
    world.factory.declare("vault", user={"type": "String"}, password={"type": "SecureString"})
    return world


@pytest.fixture
def world() -> World:
    """Such a service."""
    return a_world()


def park(world: World, key: str = "key-1", *, started: bool = True) -> UUID | None:
    """A request of unknown fate, the answer of createRun being lost; its run, where one was started."""
    world.factory.ids = Ids.IGNORED
    before = set(world.factory.runs)
    world.factory.fail_next("create_run", LOST_REPLY, after=started)
    world.submit(key, parameters={"n": 1})
    for _ in range(8):
        world.tick(after=30)
    assert world.status(key) == "Unknown"
    return next(iter(set(world.factory.runs) - before), None)


def another(world: World, pipeline: str = "load", **changes: object) -> UUID:
    """A run that something else has started."""
    now = world.clock()
    run = Run(uuid4(), pipeline, {"n": 9}, updated=now, created=now)
    for name, value in changes.items():
        setattr(run, name, value)
    world.factory.runs[run.run_id] = run
    return run.run_id


def event_ids(world: World) -> list[str]:
    """The ids of all events that were sent."""
    return published_names(world.outbox.events)


def candidates_of(error: WrongState) -> list[UUID]:
    """The runs that an answer lists."""
    return [each.run_id for each in error.candidates or ()]


def test_an_adopted_run_is_watched_and_published_as_usual(world: World) -> None:
    """Its end has an event id of its own, beside the one that published the unknown fate."""
    run_id = park(world)
    assert event_ids(world) == ["key-1/Unknown"]
    record = world.resolve("key-1", "adopt", run_id=run_id, by="ann", note="seen in the studio")
    assert (record.state, record.confirmed_run_id) == (RunState.SUBMITTED, run_id)
    (entry,) = record.history
    assert (entry.action, entry.by) == ("resolve as adopt", "ann")
    assert entry.note == f"run {run_id}: seen in the studio"
    assert run_id is not None
    world.factory.finish(run_id)
    for _ in range(3):
        world.tick(after=15)
    assert event_ids(world) == ["key-1/Unknown", f"{run_id}/Succeeded"]
    assert world.services.query.find(str(run_id)).request_id == "key-1"


def test_a_run_that_has_ended_before_its_adoption_is_published_directly(world: World) -> None:
    """It waits for no tick, and a repeated call gets the same answer."""
    run_id = park(world)
    assert run_id is not None
    world.factory.finish(run_id, "Failed")
    assert world.resolve("key-1", "adopt", run_id=run_id).status == "Failed"
    assert world.resolve("key-1", "adopt", run_id=run_id).status == "Failed"
    assert event_ids(world) == ["key-1/Unknown", f"{run_id}/Failed"]
    assert len(world.services.query.find("key-1").history) == 1


def test_only_a_run_that_may_be_its_own_is_adopted(world: World) -> None:
    """A run of another pipeline, another request, a trigger, or one that was started long before or after is not."""
    run_id = park(world)
    world.factory.ids = Ids.HONOURED
    claimed = world.submit("other").record.run_id
    elsewhere = another(world, "vault")
    triggered = another(world, invoked_by="ScheduleTrigger")
    world.clock.forward(3_600)
    late = another(world)
    for wrong in (claimed, elsewhere, triggered, late, uuid4()):
        with pytest.raises(WrongState, match="cannot belong to it") as caught:
            world.resolve("key-1", "adopt", run_id=wrong)
        assert candidates_of(caught.value) == [run_id]
    with pytest.raises(WrongState, match="by runId, one of the candidates") as caught:
        world.resolve("key-1", "adopt")
    assert candidates_of(caught.value) == [run_id]
    assert world.status() == "Unknown"


def test_candidates_are_shown_with_their_parameters_except_secrets(world: World) -> None:
    """Where the secure ones are not known, all are masked; there are never more than twenty candidates."""
    world.factory.ids = Ids.IGNORED
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit("key-1", "vault", parameters={"user": "u" * 500, "password": "hunter2"})
    for _ in range(8):
        world.tick(after=30)
    (candidate,) = shown(world)
    assert candidate.parameters["password"] == MASK
    assert len(str(candidate.parameters["user"])) == 200
    world.declarations = FaultyDeclarations()
    world.restart()
    world.factory.fail_next("get_pipeline", Unavailable("down", status=503))
    (candidate,) = shown(world)
    assert set(candidate.parameters.values()) == {MASK}
    park(world, "key-2")
    for _ in range(30):
        another(world, updated=world.clock() - timedelta(minutes=2))
    assert len(shown(world, "key-2")) == 20


def shown(world: World, key: str = "key-1") -> list[RunCandidate]:
    """The candidates that are listed for a request."""
    with pytest.raises(WrongState) as caught:
        world.resolve(key, "adopt")
    return list(caught.value.candidates or ())


def test_two_requests_do_not_share_a_run(world: World) -> None:
    """A run that one of them has adopted is no candidate for the other, even where both decide concurrently."""
    run_id = park(world)
    park(world, "key-2", started=False)
    world.resolve("key-1", "adopt", run_id=run_id)
    with pytest.raises(WrongState, match="may belong to another request"):
        world.resolve("key-2", "adopt", run_id=run_id)


def test_it_is_sent_again_where_the_list_shows_no_run(world: World) -> None:
    """It keeps its record and id; its end, and a second unknown fate, have event ids of their own."""
    park(world, started=False)
    record = world.resolve("key-1", "resubmit", by="ann")
    assert (record.state, record.status) == (RunState.ACCEPTED, "Accepted")
    world.factory.ids = Ids.HONOURED
    world.factory.fail_next("create_run", LOST_REPLY)
    for _ in range(9):
        world.tick(after=30)
    assert event_ids(world) == ["key-1/Unknown", "key-1/Unknown/2"]
    world.resolve("key-1", "resubmit", by="bob")
    world.tick(after=15)
    record = world.services.query.find("key-1")
    assert world.resolve("key-1", "resubmit").state is RunState.SUBMITTED
    world.factory.finish(record.run_id)
    world.tick(after=15)
    assert event_ids(world)[2:] == [f"{record.run_id}/Succeeded"]
    assert len(world.factory.runs) == 1
    assert [each.by for each in world.services.query.find("key-1").history] == ["ann", "bob"]


def test_its_start_deadline_counts_from_the_decision(world: World) -> None:
    """Long after the request, the dispatcher sends it, and gives up as late as for a new one."""
    park(world, started=False)
    world.clock.forward(world.settings.start_deadline * 3)
    world.resolve("key-1", "resubmit")
    world.tick(after=15)
    assert world.status() in ("Queued", "InProgress")


def test_a_run_that_may_be_its_own_is_shown_before_it_is_sent_again(world: World) -> None:
    """Only an operator who confirms the candidates has it sent beside them."""
    run_id = park(world)
    with pytest.raises(WrongState, match="resubmit with force") as caught:
        world.resolve("key-1", "resubmit")
    assert candidates_of(caught.value) == [run_id]
    world.tick(after=60)
    assert len(world.factory.runs) == 1
    world.resolve("key-1", "resubmit", force=True)
    world.tick(after=60)
    assert len(world.factory.runs) == 2


def test_a_run_that_is_certainly_its_own_is_never_sent_again() -> None:
    """A run under its chosen id, which had not been seen for long, is to be adopted."""
    world = a_world()
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    run_id = world.submit().record.run_id
    world.factory.hidden.add(run_id)
    for _ in range(8):
        world.tick(after=30)
    world.factory.hidden.clear()
    with pytest.raises(WrongState, match=f"run {run_id} belongs to it: adopt it") as caught:
        world.resolve("key-1", "resubmit", force=True)
    assert candidates_of(caught.value) == [run_id]
    assert world.resolve("key-1", "adopt", run_id=run_id).confirmed_run_id == run_id


def test_a_request_with_secrets_waits_for_its_caller(world: World) -> None:
    """Their values are not kept: the same request under the same key sends it."""
    world.factory.ids = Ids.IGNORED
    world.factory.fail_next("create_run", LOST_REPLY)
    secret = {"user": "u", "password": "hunter2"}
    world.submit("key-1", "vault", parameters=secret)
    for _ in range(8):
        world.tick(after=30)
    assert world.resolve("key-1", "resubmit").waits_for is Waits.CALLER
    world.tick(after=15)
    assert world.factory.runs == {}
    world.submit("key-1", "vault", parameters=secret)
    assert len(world.factory.runs) == 1


def test_a_dismissed_request_is_over_and_can_be_resumed(world: World) -> None:
    """Its status stays, no event is sent, and a later decision is as good as an early one."""
    run_id = park(world)
    world.resolve("key-1", "dismiss", by="ann", note="known to operations")
    record = world.resolve("key-1", "dismiss", by="ann", note="known to operations")
    assert (record.status, record.dismissed, len(record.history)) == ("Unknown", True, 1)
    assert event_ids(world) == ["key-1/Unknown"]
    assert world.resolve("key-1", "adopt", run_id=run_id).dismissed is False


def test_a_request_of_known_fate_is_not_decided(world: World) -> None:
    """The answer gives its state; a field of another decision is a fault."""
    world.submit("known")
    for decision in ("adopt", "resubmit", "dismiss"):
        with pytest.raises(WrongState, match="there is nothing to decide"):
            world.resolve("known", decision)
    with pytest.raises(InvalidRequest, match="belongs to adopt only"):
        world.resolve("known", "dismiss", run_id=uuid4())
    with pytest.raises(InvalidRequest, match="belongs to resubmit only"):
        world.resolve("known", "adopt", force=True)


def test_without_an_answer_of_data_factory_nothing_is_decided(world: World) -> None:
    """An outage is reported, and changes nothing."""
    run_id = park(world)
    for error, raised in (
        (Unavailable("down", status=503), TryLater),
        (Forbidden("no", status=403), Forbidden),
    ):
        world.factory.fail_next("query_runs", error)
        with pytest.raises(raised):
            world.resolve("key-1", "adopt", run_id=run_id)
        world.clock.forward(60)
    assert world.status() == "Unknown"


def test_the_unknown_fate_is_published_first(world: World) -> None:
    """While the queue is out of reach the decision has to wait: consumers see one event after the other."""
    world.outbox.before = [PublishError("no queue")] * 20
    run_id = park(world)
    with pytest.raises(TryLater, match="must be published first"):
        world.resolve("key-1", "adopt", run_id=run_id)
    world.outbox.before.clear()
    world.clock.forward(200)
    world.resolve("key-1", "adopt", run_id=run_id)
    assert event_ids(world) == ["key-1/Unknown"]


def test_a_record_that_keeps_changing_is_reported(world: World) -> None:
    """No caller waits endlessly."""
    run_id = park(world)
    world.ledger.before["save"] = [LedgerConflict("lost") for _ in range(20)]
    with pytest.raises(TryLater):
        world.resolve("key-1", "adopt", run_id=run_id)


def test_a_run_that_an_operator_has_named_says_nothing_of_ids() -> None:
    """It was started under another id by something else: the factory still counts as honouring ids."""
    world = World()
    world.factory.declare("load")
    world.submit("teacher")
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit("key-1")
    theirs = another(world)
    for _ in range(30):
        world.tick(after=30)
    world.resolve("key-1", "adopt", run_id=theirs)
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit("key-2")
    for _ in range(12):
        world.tick(after=30)
    assert world.status("key-2") in ("Queued", "InProgress")
