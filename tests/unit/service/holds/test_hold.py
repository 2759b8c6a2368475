"""Requests under a hold are accepted and not started until it is released or over; then they start in order."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import Forbidden, LedgerError, NotSent
from adf_trigger.ledger.records import RunState, Waits
from adf_trigger.service.holds.hold import Scope
from tests.support.holding import HOUR, a_world, hold, record_of, release, started
from tests.support.memory_factory import LOST_REPLY
from tests.support.script import Script
from tests.support.world import World, settings


def test_a_request_is_accepted_and_starts_within_a_tick_of_the_release() -> None:
    """Meanwhile it is Accepted, and shows by whom it is held, until when and why."""
    world = a_world()
    hold(world)
    taken = world.submit().record
    assert (taken.status, taken.attempts) == ("Accepted", 0)
    assert taken.message == ("the factory is held by ann@example.org until 2026-01-06T12:00:00Z: deploying")
    world.tick(after=30)
    assert started(world) == []
    release(world)
    world.tick(after=10)
    assert started(world) == ["load"]
    assert record_of(world).held is None


def test_a_hold_ends_by_itself() -> None:
    """It ends after 24 hours unless an end is given."""
    world = a_world()
    hold(world, until=world.clock() + timedelta(hours=2))
    world.submit()
    world.tick(after=2 * HOUR - 30)
    assert started(world) == []
    world.tick(after=40)
    assert started(world) == ["load"]
    assert hold(world).holds[0].until == world.clock() + timedelta(hours=24)


def test_a_pipeline_is_held_in_any_case_of_letters_and_no_other() -> None:
    """Requests of other pipelines start as usual, by call and by tick."""
    world = a_world()
    hold(world, "LOAD")
    world.submit("held")
    world.submit("free", "other")
    assert started(world) == ["other"]
    world.tick(after=30)
    assert record_of(world, "held").held is not None
    release(world, "loaD")
    world.tick(after=30)
    assert sorted(started(world)) == ["load", "other"]


@pytest.mark.parametrize("source", list(Source))
def test_a_request_is_held_whichever_way_it_comes(source: Source) -> None:
    """Calls, messages and events are held alike."""
    world = a_world()
    hold(world)
    world.submit(source=source)
    world.tick(after=30)
    assert started(world) == []
    assert record_of(world).held is not None


def test_a_batch_a_rerun_and_a_replay_are_held() -> None:
    """Every way to start a run checks the hold."""
    world = a_world()
    world.submit()
    world.factory.finish(next(iter(world.factory.runs)), "Failed")
    world.tick(after=30)
    hold(world)
    assert world.rerun().record.held is not None
    assert record_of(world).ended
    world.tick(after=30)
    assert started(world) == ["load"]
    release(world)
    world.tick(after=10)
    assert started(world) == ["load", "load"]


def test_a_resubmitted_request_is_held() -> None:
    """An operator's decision starts no run past a hold; time held before does not count twice."""
    world = World(settings=settings(ADF_TRIGGER_POLICY='{"load": {"unknownOutcome": "park"}}'))
    world.factory.declare("load")
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    for _ in range(12):
        world.tick(after=30)
    assert record_of(world).status == "Unknown"
    hold(world)
    world.clock.forward(HOUR)
    world.resolve("key-1", "resubmit", force=True)
    world.tick(after=30)
    assert started(world) == []
    assert record_of(world).held is not None
    release(world)
    world.tick(after=30)
    assert started(world) == ["load"]


def test_a_claim_before_the_hold_is_not_sent_after_it() -> None:
    """The last check is right before the call: a claimed or leased request meets the hold there."""
    script = Script()
    world = a_world(script)
    world.submit("warm")
    world.clock.forward(5)

    def operator() -> None:
        hold(world)
        world.clock.forward(2)

    script.meanwhile = ("records.claim", operator)
    held = world.submit().record
    assert held.held is not None
    assert started(world) == ["load"]
    release(world)
    world.tick(after=10)
    assert started(world) == ["load", "load"]


def test_a_hold_between_the_read_of_a_tick_and_the_call_is_seen() -> None:
    """A tick that has read the holds earlier, and leases a request, does not send it."""
    script = Script()
    world = a_world(script)
    hold(world)
    world.submit()
    world.submit("key-2", "other")
    release(world)
    world.clock.forward(5)

    def operator() -> None:
        world.clock.forward(2)
        hold(world, "load")

    script.meanwhile = ("records.lease_to_send", operator)
    world.tick()
    assert started(world) == ["other"]
    assert record_of(world).held is not None


def test_another_instance_knows_within_a_second() -> None:
    """The holds that it has read are used for a second, and no longer."""
    one = a_world()
    other = a_world()
    for name in ("clock", "ledger", "notes", "outbox", "rejected", "declarations", "factory"):
        setattr(other, name, getattr(one, name))
    one.restart()
    other.restart()
    other.submit("before")
    hold(one)
    other.submit("at once")
    assert len(started(one)) == 2
    one.clock.forward(1.0)
    assert other.submit("a second later").record.held is not None
    assert len(started(one)) == 2


def test_where_holds_cannot_be_read_nothing_is_sent_and_nothing_lost() -> None:
    """Before a claim nothing is kept; after it the timer continues."""
    world = a_world()
    world.notes.before["named"] = [LedgerError("away")]
    with pytest.raises(LedgerError):
        world.submit()
    assert started(world) == []
    script = Script()
    world = a_world(script)

    def away() -> None:
        world.clock.forward(2)
        world.notes.before["named"] = [LedgerError("away")]

    script.meanwhile = ("records.claim", away)
    assert world.submit().record.state is RunState.ACCEPTED
    assert started(world) == []
    world.tick(after=30)
    assert started(world) == ["load"]


def test_deadlines_stand_still() -> None:
    """Held for 30 hours with a start deadline of 24, it starts; the waits before and after the hold are added."""
    world = a_world()
    hold(world, until=world.clock() + timedelta(hours=30))
    world.submit()
    for _ in range(30):
        world.tick(after=HOUR - 1)
    assert started(world) == []
    world.tick(after=HOUR)
    assert started(world) == ["load"]
    assert record_of(world).held_seconds >= 29 * HOUR


@pytest.mark.parametrize("hours", [22, 25])
def test_the_deadline_continues_after_the_hold(hours: int) -> None:
    """It continues from the hold's end, whenever the next tick is: time in which a request was not held counts."""
    world = a_world()
    hold(world, until=world.clock() + timedelta(hours=48))
    world.submit()
    world.clock.forward((48 + hours) * HOUR)  # no timer ticks
    world.tick()
    assert started(world) == (["load"] if hours < 24 else [])
    assert record_of(world).rejected == (hours > 24)


def test_one_that_was_late_before_the_hold_is_rejected() -> None:
    """A hold gives no time back; a request that was in time when it began stays in time, though it is met late."""
    world = a_world()
    world.factory.always["create_run"] = Forbidden("no role", status=403)
    world.submit("late")
    world.clock.forward(23 * HOUR)
    world.submit("in time", "other")
    world.clock.forward(2 * HOUR)
    hold(world, until=world.clock() + timedelta(days=20))
    world.clock.forward(10 * 24 * HOUR)  # no timer ticks
    world.tick()
    assert record_of(world, "late").rejected
    assert record_of(world, "in time").held is not None
    world.factory.always.clear()
    release(world)
    for _ in range(5):
        world.tick(after=300)
    assert started(world) == ["other"]


def test_held_requests_cost_a_tick_no_record() -> None:
    """While they are held a tick neither reads nor writes them; after the release they start in order of arrival."""
    world = a_world()
    hold(world)
    many = [f"key-{number:04}" for number in range(400)]
    for number, key in enumerate(many):
        world.submit(key, parameters={"n": number})
        world.clock.forward(0.001)
    world.tick(after=30)
    count = counted(world)
    world.tick(after=30)
    assert count["get"] == count["save"] == 0
    release(world)
    for _ in range(60):
        world.tick(after=30)
        if len(world.factory.runs) == len(many):
            break
    order = [run.parameters["n"] for run in world.factory.runs.values()]
    assert order == sorted(order, key=int)
    assert len(order) == len(many)


def counted(world: World) -> Counter[str]:
    """Counts reads and writes of records from now on."""
    count = Counter[str]()

    def counting(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counts(*args: Any) -> Any:
            count[name] += 1
            return call(*args)

        return counts

    for name in ("get", "save"):
        setattr(world.ledger, name, counting(name, getattr(world.ledger, name)))
    return count


def test_a_request_after_the_release_waits_behind_held_ones() -> None:
    """It waits until the tick that starts them."""
    world = a_world()
    hold(world)
    world.submit("first", parameters={"n": 1})
    world.clock.forward(5)
    release(world)
    assert world.submit("second", parameters={"n": 2}).record.state is RunState.ACCEPTED
    world.tick(after=5)
    assert [run.parameters["n"] for run in world.factory.runs.values()] == [1, 2]
    world.clock.forward(5)
    assert world.submit("third").record.state is RunState.SUBMITTED


def test_a_doubt_is_looked_up_while_held_and_sent_again_only_after_the_release() -> None:
    """Once it is known that nothing was started it is held like any other, and looked up no more."""
    world = a_world()
    world.submit("teacher")
    world.factory.finish(next(iter(world.factory.runs)))
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit()
    hold(world)
    for _ in range(10):
        world.tick(after=30)
    assert record_of(world).held is not None
    assert record_of(world).sent_at is not None
    world.factory.calls.clear()
    world.tick(after=30)
    assert "get_run" not in world.factory.calls
    release(world)
    for _ in range(3):
        world.tick(after=60)
    assert started(world) == ["load", "load"]


def test_a_run_in_doubt_is_found_while_it_is_held() -> None:
    """A hold stops no run."""
    world = a_world()
    world.submit("teacher")
    world.factory.fail_next("create_run", LOST_REPLY, after=True)
    world.submit()
    hold(world)
    world.tick(after=30)
    assert record_of(world).state is RunState.SUBMITTED


@pytest.mark.parametrize("doubtful", [False, True])
def test_a_held_request_can_be_cancelled(*, doubtful: bool) -> None:
    """It ends directly, or once it is known that nothing was started, and is never sent."""
    world = a_world()
    world.submit("teacher")
    if doubtful:
        world.factory.fail_next("create_run", LOST_REPLY)
        world.submit()
    hold(world)
    if not doubtful:
        world.submit()
    for _ in range(10):
        world.tick(after=30)
    assert record_of(world).held is not None
    world.cancel()
    for _ in range(3):
        world.tick(after=30)
    assert record_of(world).status == "Cancelled"
    release(world)
    world.tick(after=30)
    assert started(world) == ["load"]


def test_a_request_with_secrets_is_repeated_until_the_release() -> None:
    """It waits for its caller, and its deadline stands still, too."""
    world = a_world()
    hold(world)
    secret: dict[str, Any] = {"parameters": {"password": "hunter2-hunter2"}}
    first = world.submit(pipeline="secret", source=Source.QUEUE, **secret)
    assert (first.record.waits_for, first.again_after) == (Waits.CALLER, 60.0)
    for _ in range(3):
        world.tick(after=10 * HOUR)
        hold(world)
        again = world.submit(pipeline="secret", source=Source.QUEUE, **secret)
        assert (again.record.state, again.again_after) == (RunState.ACCEPTED, 60.0)
    assert record_of(world).attempts == 0
    release(world)
    world.tick(after=10)
    assert (record_of(world).held, started(world)) == (None, [])
    world.submit(pipeline="secret", source=Source.QUEUE, **secret)
    assert started(world) == ["secret"]


def test_a_request_with_secrets_that_waited_before_is_held_when_it_comes() -> None:
    """Its deadline stands still from then on."""
    world = a_world()
    secret: dict[str, Any] = {"parameters": {"password": "hunter2-hunter2"}}
    world.factory.fail_next("create_run", NotSent("down"))
    assert world.submit(pipeline="secret", **secret).record.held is None
    world.clock.forward(60)
    hold(world, "secret")
    again = world.submit(pipeline="secret", **secret).record
    assert (again.held is not None, again.waits_for) == (True, Waits.CALLER)
    assert started(world) == []


def test_two_overlapping_holds_hold_until_both_are_over() -> None:
    """Released from one, a request is held by the other, without having been started in between."""
    world = a_world()
    hold(world)
    hold(world, "load")
    world.submit()
    release(world)
    world.tick(after=10)
    assert started(world) == []
    held = record_of(world).held
    assert held is not None
    assert held.by == Scope(pipeline="load").id
    release(world, "load")
    world.tick(after=10)
    assert started(world) == ["load"]
