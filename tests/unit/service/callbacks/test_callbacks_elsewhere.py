"""Callers are called back wherever the request is kept by then, and whatever has happened to its key."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import BadRequest, PublishError
from adf_trigger.ledger.records import RunState
from adf_trigger.service.callbacks.callbacks import CALLBACKS, MOST_OF_A_REQUEST, Waiting
from adf_trigger.service.callbacks.caller import FAILURES_A_TICK, LONGEST_WAIT, MANY
from adf_trigger.service.threads.tick_threads import TickThreads
from tests.support.memory_factory import LOST_REPLY, MemoryFactory
from tests.support.resettled import restarted, submit
from tests.support.world import FACTORY_ID, World, settings

MOVED = FACTORY_ID.replace("/rg/", "/rg-new/")
OTHER = FACTORY_ID + "-2"
URI = "https://dpeastus.svc.datafactory.azure.com/dataplane/workflow/callback/1"
DAY = 86_400


@pytest.fixture
def world() -> World:
    """A service with a pipeline."""
    world = World()
    world.factory.declare("load")
    return world


def test_callbacks_of_a_moved_factory_are_called(world: World) -> None:
    """They are called before and after the move, whichever host accepts the request and whichever ticks."""
    run_id = world.submit("before", call_back_uri=URI + "1").record.run_id
    services = restarted(world, {"default": (MOVED, world.factory)}, {FACTORY_ID: "default"})
    assert submit(services, "before", call_back_uri=URI + "2").replayed
    after = submit(services, "after", call_back_uri=URI + "3").record.run_id
    world.factory.finish(run_id)
    world.factory.finish(after)
    services.tick.run()
    assert {uri for uri, _ in world.called_back.calls} == {URI + "1", URI + "2", URI + "3"}
    assert world.notes.named(FACTORY_ID, CALLBACKS) == []


def test_callbacks_of_a_factory_that_left_the_settings_are_called(world: World) -> None:
    """They carry the end with which the request is published; no caller waits endlessly."""
    world.submit("key-1", call_back_uri=URI)
    elsewhere = MemoryFactory(world.clock)
    services = restarted(world, {"default": (OTHER, elsewhere)})
    for after in (0, 60, DAY, 60, 60):
        world.clock.forward(after)
        services.tick.run()
        services.unconfigured.attend()
    assert world.called_back.reported == [(URI, "Unknown")]
    assert world.notes.named(FACTORY_ID, CALLBACKS) == []


def test_a_request_of_unknown_fate_is_reported_so_and_a_later_decision_is_another_call(world: World) -> None:
    """The activity fails; a caller that wants the operator's decision asks again under the key, and is called then."""
    world.settings = settings(ADF_TRIGGER_POLICY='{"load": {"unknownOutcome": "park"}}')
    world.restart()
    world.factory.fail_next("create_run", LOST_REPLY)
    world.submit(call_back_uri=URI)
    for _ in range(10):
        world.tick(after=120)
    assert world.called_back.reported == [(URI, "Unknown")]
    world.resolve("key-1", "resubmit", force=True)
    assert world.submit(call_back_uri=URI + "2").replayed
    world.tick(after=15)
    world.factory.finish(world.services.query.find("key-1").run_id)
    world.tick(after=15)
    assert world.called_back.reported == [(URI, "Unknown"), (URI + "2", "Succeeded")]


def test_a_key_that_is_reused_after_a_rejection_calls_back_for_its_own_run(world: World) -> None:
    """Each caller is called with the end of its own request."""
    world.factory.fail_next("create_run", BadRequest("no", status=400))
    world.submit(call_back_uri=URI + "1", source=Source.QUEUE)
    world.tick(after=15)
    world.submit(call_back_uri=URI + "2")
    world.factory.finish(world.services.query.find("key-1").run_id)
    world.tick(after=15)
    assert world.called_back.reported == [(URI + "1", "Rejected"), (URI + "2", "Succeeded")]


def test_an_outage_of_the_events_queue_delays_no_callback(world: World) -> None:
    """Callback and event of one end are sent independently."""
    world.submit(call_back_uri=URI)
    world.factory.finish(world.services.query.find("key-1").run_id)
    world.outbox.before = [ConnectionError("down")] * 50
    for _ in range(3):
        world.tick(after=200)
    stored = world.ledger.get(FACTORY_ID, "key-1")
    assert stored is not None
    assert stored.record.state is RunState.ENDED
    assert world.called_back.reported == [(URI, "Succeeded")]


def test_a_callback_that_a_wrong_clock_has_postponed_is_called_in_time(world: World) -> None:
    """A host a year ahead claims a callback and is killed: the caller does not wait a year."""
    world.submit(call_back_uri=URI)
    world.factory.finish(world.services.query.find("key-1").run_id)
    world.tick(after=15)
    assert len(world.called_back.calls) == 1
    world.submit("key-2", call_back_uri=URI + "2")
    (note,) = world.notes.named(FACTORY_ID, CALLBACKS)
    ahead = (world.clock() + 400 * LONGEST_WAIT * 100).isoformat()
    world.notes.put(FACTORY_ID, note.name, {**note.value, "due": ahead}, secret=note.secret)
    world.factory.finish(world.services.query.find("key-2").run_id)
    world.tick(after=15)
    assert world.called_back.reported[-1] == (URI + "2", "Succeeded")


def test_a_clock_that_is_ahead_removes_no_callback_whose_claim_is_pending(world: World) -> None:
    """A tick of a host that is hours ahead runs between the write of the row and the claim."""

    @contextmanager
    def steps(name: str) -> Iterator[None]:
        yield
        if name == "callbacks.keep":
            world.clock.jump(7_200)
            world.services.tick.run()
            world.clock.jump(-7_200)

    world.services.submitter._callbacks._steps = steps
    world.submit(call_back_uri=URI)
    world.factory.finish(world.services.query.find("key-1").run_id)
    world.tick(after=15)
    assert world.called_back.reported == [(URI, "Succeeded")]


def test_with_threads_every_callback_is_called_once() -> None:
    """As on a host, several run in parallel."""
    world = World(tick_threads=TickThreads(16))
    world.factory.declare("load")
    for number in range(60):
        world.submit(f"key-{number}", call_back_uri=f"{URI}{number}")
        world.clock.forward(1)
        world.factory.finish(world.services.query.find(f"key-{number}").run_id)
    for _ in range(3):
        world.tick(after=15)
    assert sorted(world.called_back.reported) == sorted(
        (f"{URI}{number}", "Succeeded") for number in range(60)
    )
    assert world.notes.named(FACTORY_ID, CALLBACKS) == []


def test_callbacks_that_exceed_a_tick_are_called_by_the_next_one(world: World) -> None:
    """Where a tick has made all its calls, the next one reads them again directly, however many wait."""
    for number in range(MANY):
        uri = f"{URI}{number}"
        world.submit(f"key-{number // MOST_OF_A_REQUEST}", call_back_uri=uri)
        world.called_back.answers[uri] = [PublishError("no answer")]
    world.factory.finish(world.services.query.find("key-0").run_id)
    for tick in (1, 2, 3):
        world.tick(after=15)
        assert len(world.called_back.calls) == tick * FAILURES_A_TICK


def test_a_callback_whose_message_was_never_kept_is_removed_after_a_while(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Its host ended between the two writes, and the message came again under another id."""
    now = world.clock()
    waiting = Waiting("m-1", "", "dpeastus.svc.datafactory.azure.com", now, now, message="m-1")
    world.notes.put(FACTORY_ID, f"{CALLBACKS}x", waiting.as_value(), "", secret=URI)
    world.tick(after=1_800)
    assert len(world.notes.named(FACTORY_ID, CALLBACKS)) == 1
    world.tick(after=1_801)
    assert world.notes.named(FACTORY_ID, CALLBACKS) == []
    assert world.called_back.calls == []
    (said,) = (each for each in caplog.records if vars(each)["action"] == "callback_dropped")
    assert said.getMessage().endswith("is not called back for request m-1: there is no such message")


def test_a_callback_that_was_rewritten_during_its_call_stays(caplog: pytest.LogCaptureFixture) -> None:
    """The later writer has its own call to make."""

    @contextmanager
    def steps(name: str) -> Iterator[None]:
        if name == "callbacks.remove" and len(service.called_back.calls) == 1:
            (note,) = service.notes.named(FACTORY_ID, CALLBACKS)
            service.notes.put(FACTORY_ID, note.name, note.value, note.etag, secret=note.secret)
        yield

    service = World(steps=steps)
    service.factory.declare("load")
    service.submit(call_back_uri=URI)
    service.factory.finish(service.services.query.find("key-1").run_id)
    service.tick(after=15)
    assert "callback_lost_race" in {vars(each)["action"] for each in caplog.records}
    assert len(service.notes.named(FACTORY_ID, CALLBACKS)) == 1
    service.tick(after=200)
    assert service.called_back.reported == [(URI, "Succeeded")] * 2
    assert service.notes.named(FACTORY_ID, CALLBACKS) == []
