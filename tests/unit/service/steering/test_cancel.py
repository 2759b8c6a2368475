"""A run is cancelled in any state, once and for good; where that is impossible, the answer says so."""

from datetime import timedelta
from uuid import uuid4

import pytest

from adf_trigger.errors import (
    BadRequest,
    CredentialError,
    DataFactoryError,
    Forbidden,
    LedgerConflict,
    LedgerError,
    NotSent,
    PublishError,
    Refused,
    ResourceNotFound,
    ScopeLocked,
    Throttled,
    TryLater,
    WrongState,
)
from adf_trigger.ledger.records import RunState
from tests.support.held_up import HeldUp
from tests.support.memory_factory import LOST_REPLY, Ids, MemoryFactory, Run
from tests.support.news import published_names
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, World, settings


@pytest.fixture
def steps() -> HeldUp:
    """Steps at which a test pauses a process."""
    return HeldUp()


@pytest.fixture
def world(steps: HeldUp) -> World:
    """A service whose factory has a pipeline `load` without parameters."""
    world = World(steps=steps)
    world.factory.declare("load")
    return world


def pass_by(world: World, seconds: float, step: float = 15) -> None:
    """Let the timer fire for a while."""
    for _ in range(int(seconds / step)):
        world.tick(after=step)


def event_ids(world: World) -> list[str]:
    """The ids of all events that were sent."""
    return published_names(world.outbox.events)


def done_by(world: World, key: str = "key-1") -> list[tuple[str, str | None, str | None]]:
    """The history of a request: the action, by whom, and why."""
    return [(each.action, each.by, each.note) for each in world.services.query.find(key).history]


def unstarted(world: World) -> None:
    """A request that waits since Data Factory is throttling."""
    world.factory.fail_next("create_run", Throttled("slow", retry_after=20))
    world.submit()


def test_an_unstarted_request_ends_as_cancelled_with_its_event_and_is_never_sent(world: World) -> None:
    """It has no runId and its event no other id than its key; no timer and no repeat starts it afterwards."""
    unstarted(world)
    record = world.cancel(by="ann", note="wrong day")
    assert (record.state, record.status) == (RunState.PUBLISHED, "Cancelled")
    assert world.services.views.view(record).run_id is None
    assert world.services.views.view(record).reason == "it was cancelled before it was started"
    assert event_ids(world) == ["key-1/Cancelled"]
    assert world.outbox.events[0].type == "dev.adf-trigger.run.cancelled"
    assert world.outbox.events[0].data.run_id is None
    pass_by(world, 120)
    assert world.submit().replayed
    pass_by(world, 30)
    assert (world.factory.runs, event_ids(world)) == ({}, ["key-1/Cancelled"])
    assert done_by(world) == [("cancel", "ann", "wrong day")]


def test_a_request_that_waits_for_its_caller_is_cancelled_too(world: World) -> None:
    """A request whose secrets are lost needs no caller to end."""
    world.factory.declare("vault", password={"type": "SecureString"})
    world.factory.fail_next("create_run", Throttled("slow", retry_after=20))
    world.submit("key-1", "vault", parameters={"password": "hunter2"})
    assert world.cancel().status == "Cancelled"
    assert world.submit("key-1", "vault", parameters={"password": "hunter2"}).record.status == "Cancelled"
    assert world.factory.runs == {}


def test_the_event_of_a_cancelled_request_outlasts_an_outage(world: World) -> None:
    """Where the queue is out of reach the caller is answered, and the timer sends the event once."""
    unstarted(world)
    world.outbox.before.append(PublishError("no queue"))
    assert world.cancel().status == "Cancelled"
    assert event_ids(world) == []
    pass_by(world, 150)
    assert event_ids(world) == ["key-1/Cancelled"]


def test_a_run_is_cancelled_and_published_as_cancelled(world: World) -> None:
    """Data Factory is asked once, with the runs below by default; the history names the requester."""
    run_id = world.submit().record.run_id
    record = world.cancel(by="ann", note="not needed")
    assert record.status == "Cancelled"
    assert world.factory.cancelled == [(run_id, True)]
    assert event_ids(world) == [f"{run_id}/Cancelled"]
    assert done_by(world) == [("cancel", "ann", "not needed")]
    run_id = world.submit("other").record.run_id
    world.cancel("other", recursive=False)
    assert world.factory.cancelled[-1] == (run_id, False)


def test_an_ended_run_is_left_as_it_is(world: World) -> None:
    """It is no error, changes nothing, and makes no call of Data Factory."""
    run_id = world.submit().record.run_id
    world.factory.finish(run_id)
    world.tick(after=15)
    assert world.cancel(by="ann").status == "Succeeded"
    assert (world.factory.cancelled, done_by(world)) == ([], [])


def test_a_run_that_has_ended_unseen_is_shown_as_it_ended(world: World) -> None:
    """Data Factory refuses since the run is over, or accepts without effect: the answer shows the run's end."""
    for key, refusal in (("key-1", BadRequest("it has ended", status=400)), ("key-2", None)):
        run_id = world.submit(key).record.run_id
        world.factory.finish(run_id)
        if refusal is not None:
            world.factory.fail_next("cancel_run", refusal)
        assert world.cancel(key).status == "Succeeded"
        assert event_ids(world)[-1] == f"{run_id}/Succeeded"


def test_a_repeated_cancellation_is_one_cancellation(world: World) -> None:
    """Repeated while the run is being cancelled it is sent again, and noted once; a wider one is noted."""
    world.factory.cancels_at_once = False
    run_id = world.submit().record.run_id
    for _ in range(3):
        assert world.cancel(recursive=False, by="ann").status == "Canceling"
    assert done_by(world) == [("cancel", "ann", None)]
    world.cancel(recursive=True, by="bob")
    assert world.factory.cancelled[-1] == (run_id, True)
    assert done_by(world) == [("cancel", "ann", None), ("cancel", "bob", None)]
    world.tick(after=15)
    assert len(world.factory.cancelled) == 4, "the timer asks again although it was confirmed"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        LOST_REPLY,
        NotSent("no connection"),
        Throttled("slow", status=429, retry_after=5),
        CredentialError("no token"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_cancellation_without_a_clear_answer_is_repeated(
    world: World, error: Exception, *, after: bool
) -> None:
    """The answer says that it is to be cancelled, and why it is not yet; the timer asks until Data Factory answers."""
    run_id = world.submit().record.run_id
    world.factory.fail_next("cancel_run", error, after=after)
    record = world.cancel(by="ann")
    view = world.services.views.view(record)
    assert not view.ended
    assert "it is to be cancelled; Data Factory has not confirmed" in str(view.reason)
    assert str(error) in str(view.reason)
    pass_by(world, 60)
    assert event_ids(world) == [f"{run_id}/Cancelled"]
    assert done_by(world) == [("cancel", "ann", None)]


def test_an_outage_of_cancelling_outlasts_a_restart(world: World) -> None:
    """The mark is kept in the record, and the timer asks ever more rarely."""
    run_id = world.submit().record.run_id
    world.factory.always["cancel_run"] = LOST_REPLY
    world.cancel()
    world.restart()
    pass_by(world, 600)
    asked = world.factory.calls.count("cancel_run")
    assert 8 < asked < 20
    world.factory.always.clear()
    pass_by(world, 75)
    assert world.factory.runs[run_id].status == "Cancelled"


@pytest.mark.parametrize(
    "refusal",
    [
        Forbidden("no cancel/action", status=403, code="AuthorizationFailed"),
        ScopeLocked("a lock", status=409),
    ],
)
def test_a_cancellation_without_permission_is_refused_and_the_run_continues(
    world: World, refusal: Refused
) -> None:
    """The cancellation is not kept for later, the history has the refusal, and runs are started as before."""
    world.submit()
    world.factory.fail_next("cancel_run", refusal)
    with pytest.raises(type(refusal)):
        world.cancel(by="ann")
    assert world.status() in ("Queued", "InProgress")
    assert done_by(world) == [("cancel", "ann", None), ("cancel refused", None, str(refusal))]
    pass_by(world, 60)
    assert world.factory.cancelled == []
    assert world.submit("other").record.state is RunState.SUBMITTED


def test_a_successful_cancellation_frees_no_factory_that_may_not_start(world: World) -> None:
    """It needs another role, so a held factory stays held, and a run of it can still be cancelled."""
    world.submit("running")
    world.factory.always["create_run"] = Forbidden("no createrun/action", status=403)
    world.submit("waiting")
    assert world.cancel("running").status == "Cancelled"
    assert world.services.states.of(FACTORY_ID) is not None


def test_a_refusal_of_this_run_is_reported(world: World) -> None:
    """The run has not ended, and Data Factory refuses: the cancellation is not repeated."""
    world.submit()
    world.factory.fail_next("cancel_run", BadRequest("not this one", status=400))
    with pytest.raises(WrongState, match="refuses to cancel it: not this one"):
        world.cancel()
    pass_by(world, 60)
    assert world.factory.cancelled == []


def test_a_run_that_is_not_known_yet_is_cancelled_later(world: World) -> None:
    """Cancelling may lag behind starting: a 404 is final only for an older run."""
    run_id = world.submit().record.run_id
    unknown = ResourceNotFound("does not exist", code="ReferencedPipelineRunNotFound", status=400)
    world.factory.fail_next("cancel_run", unknown)
    assert world.cancel().state is RunState.SUBMITTED
    pass_by(world, 30)
    assert world.factory.runs[run_id].status == "Cancelled"
    world.submit("old")
    world.clock.forward(600)
    world.factory.fail_next("cancel_run", unknown)
    with pytest.raises(WrongState, match="does not exist"):
        world.cancel("old")


def test_a_request_in_doubt_is_cancelled_as_soon_as_it_is_found(world: World) -> None:
    """createRun took effect without an answer: the tick that finds the run cancels it."""
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    run_id = world.submit().record.run_id
    record = world.cancel(by="ann")
    assert (record.state, record.cancellation is not None) == (RunState.ACCEPTED, True)
    assert str(world.services.views.view(record).reason).startswith("it is to be cancelled; ")
    assert world.cancel(by="ann") == record
    pass_by(world, 30)
    assert event_ids(world) == [f"{run_id}/Cancelled"]
    assert list(world.factory.runs) == [run_id]


@pytest.mark.parametrize("policy", ["reconcile", "resubmit"])
def test_a_request_that_was_never_started_is_not_sent_again(steps: HeldUp, policy: str) -> None:
    """Found not to exist, whatever the policy says of others, it ends as Cancelled and makes no other call."""
    world = World(
        steps=steps, settings=settings(ADF_TRIGGER_POLICY=f'{{"*": {{"unknownOutcome": "{policy}"}}}}')
    )
    world.factory.declare("load")
    world.submit("teacher")
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    world.cancel()
    pass_by(world, 300)
    assert world.factory.calls.count("create_run") == 2
    assert event_ids(world) == ["key-1/Cancelled"]


def test_a_run_that_may_be_anothers_is_left_to_an_operator(world: World) -> None:
    """An unclaimed run may be its own or not: it is neither cancelled nor reported as cancelled."""
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    world.cancel()
    now = world.clock()
    theirs = Run(uuid4(), "load", {}, updated=now, created=now)
    world.factory.runs[theirs.run_id] = theirs
    pass_by(world, 900)
    assert (world.status(), world.factory.cancelled) == ("Unknown", [])
    with pytest.raises(WrongState, match="decide about it by resolve"):
        world.cancel()


@pytest.mark.parametrize("ids", [Ids.HONOURED, Ids.IGNORED])
def test_a_cancellation_while_it_is_being_sent_loses_no_run(world: World, steps: HeldUp, ids: Ids) -> None:
    """The sender records its run beside the cancellation, under any id, and the timer cancels that run."""
    world.factory.ids = ids
    steps.hold("send.create_run", lambda: world.cancel(by="ann"))
    record = world.submit().record
    assert (record.state, record.cancellation is not None) == (RunState.SUBMITTED, True)
    world.tick(after=15)
    assert event_ids(world) == [f"{record.run_id}/Cancelled"]
    assert list(world.factory.runs) == [record.run_id]


@pytest.mark.parametrize(
    ("error", "after", "ends"),
    [
        (Throttled("slow", retry_after=5), False, "key-1/Cancelled"),
        (NotSent("no connection"), False, "key-1/Cancelled"),
        (LOST_REPLY, False, "key-1/Cancelled"),
        (LOST_REPLY, True, "{run}/Cancelled"),
    ],
)
def test_a_cancellation_while_it_is_being_sent_ends_it_whatever_the_answer_is(
    world: World, steps: HeldUp, error: DataFactoryError, ends: str, *, after: bool
) -> None:
    """Not sent it is not sent again; sent it is cancelled; in doubt it is looked up first."""
    world.submit("teacher")
    steps.hold("send.create_run", world.cancel)
    world.factory.fail_next("create_run", error, after=after)
    run_id = world.submit().record.run_id
    calls = world.factory.calls.count("create_run")
    pass_by(world, 600)
    assert event_ids(world) == [ends.format(run=run_id)]
    assert world.factory.calls.count("create_run") == calls


def test_a_cancellation_while_it_is_being_refused_ends_it_as_rejected(world: World, steps: HeldUp) -> None:
    """Data Factory's refusal is its end."""
    steps.hold("send.create_run", world.cancel)
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    with pytest.raises(BadRequest):
        world.submit()
    world.tick(after=15)
    assert event_ids(world) == ["key-1/Rejected"]


def test_a_timer_that_comes_to_send_meanwhile_does_not_send(world: World, steps: HeldUp) -> None:
    """A tick that has listed the request before it was cancelled loses the write that would have leased it."""
    unstarted(world)
    steps.hold("records.lease_to_send", world.cancel)
    world.tick(after=30)
    pass_by(world, 60)
    assert (world.factory.runs, event_ids(world)) == ({}, ["key-1/Cancelled"])


def test_a_caller_that_loses_a_race_tries_again(world: World, steps: HeldUp) -> None:
    """The timer sends it between the look and the write: then the run is cancelled, or the cancellation is kept."""
    unstarted(world)
    world.clock.forward(30)
    steps.hold("records.cancel", world.tick)
    record = world.cancel()
    assert record.status == "Cancelled"
    assert event_ids(world) == [f"{record.run_id}/Cancelled"]
    assert len(world.factory.cancelled) == 1


def test_a_record_that_keeps_changing_is_reported(world: World) -> None:
    """No caller waits endlessly."""
    world.submit()
    world.ledger.before["save"] = [LedgerConflict("lost") for _ in range(20)]
    with pytest.raises(TryLater):
        world.cancel()


def test_a_ledger_out_of_reach_is_reported(world: World) -> None:
    """An unrecorded cancellation is not reported as one."""
    world.submit()
    world.ledger.before["save"] = [LedgerError("away")]
    with pytest.raises(LedgerError, match="away"):
        world.cancel()
    assert world.factory.cancelled == []


def test_an_unconfigured_factorys_request_is_cancelled_where_nothing_was_started(world: World) -> None:
    """Its runs cannot be cancelled any more, but an unsent request is not sent."""
    world.submit("running")
    world.clock.forward(30)
    unstarted(world)
    other = MemoryFactory(world.clock)
    world.services = restarted(world, {"default": (FACTORY_ID + "-2", other)})
    assert world.cancel().status == "Cancelled"
    with pytest.raises(WrongState, match="is not configured any more"):
        world.cancel("running")


def test_the_timer_continues_where_it_may_not_cancel_yet(world: World) -> None:
    """A cancellation that no caller waits for is kept until the role is assigned."""
    run_id = world.submit().record.run_id
    world.factory.fail_next("cancel_run", LOST_REPLY)
    world.cancel()
    world.factory.always["cancel_run"] = Forbidden("no cancel/action", status=403)
    pass_by(world, 120)
    world.factory.always.clear()
    pass_by(world, 120)
    assert world.factory.runs[run_id].status == "Cancelled"
    assert timedelta() < world.clock() - world.factory.runs[run_id].updated
