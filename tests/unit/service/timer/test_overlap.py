"""Two concurrent hosts: one is paused in the middle of a step, while the other one ticks."""

from uuid import uuid4

import pytest

from adf_trigger.errors import Throttled
from adf_trigger.ledger.records import ActiveRun, RunState
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.watching.monitor import FEW
from tests.support.held_up import HeldUp
from tests.support.memory_factory import Ids
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


def test_a_sender_within_its_lease_keeps_its_request(world: World, steps: HeldUp) -> None:
    """A host that listed the request before another leased it leaves it to that one: the run's id is not lost."""
    world.factory.ids = Ids.IGNORED
    world.factory.fail_next("create_run", Throttled("slow", retry_after=20))
    world.submit()
    world.clock.forward(30)
    listed = world.ledger.active(FACTORY_ID)
    factory, dispatcher = world.services.factories.choose(None), world.services.tick._parts.dispatcher
    steps.hold("send.create_run", lambda: dispatcher.dispatch(factory, listed, Budget(10)))
    world.tick()
    record = world.services.query.find("key-1")
    assert record.state is RunState.SUBMITTED
    assert list(world.factory.runs) == [record.run_id]


@pytest.mark.parametrize(("held_up", "within"), [(0, [90.0]), (60, [30.0]), (100, [])])
def test_a_call_is_given_the_rest_of_its_lease(
    world: World, monkeypatch: pytest.MonkeyPatch, held_up: float, within: list[float]
) -> None:
    """A delayed sender calls with a shorter time-out, and one whose lease is over does not call at all."""

    def hold_up(_factory: object) -> None:
        world.clock.forward(held_up)

    monkeypatch.setattr(world.services.submitter._gate, "wait_to_send", hold_up)
    world.submit()
    assert world.factory.within == within


def test_an_event_that_another_host_is_sending_is_not_sent_too(world: World, steps: HeldUp) -> None:
    """A host that listed the end before another leased it for publishing leaves it to that one."""
    world.submit()
    world.factory.finish(world.services.query.find("key-1").run_id)
    factory, publisher = world.services.factories.choose(None), world.services.tick._parts.publisher
    listed: list[ActiveRun] = []

    def list_and_publish_while_the_other_sends() -> None:
        listed.extend(world.ledger.active(FACTORY_ID))
        publisher.publish(factory, listed, (), Budget(10))

    steps.hold("notify.event", list_and_publish_while_the_other_sends)
    world.tick(after=15)
    assert [row.state for row in listed] == [RunState.ENDED]
    assert [event.subject for event in world.outbox.events] == ["key-1"]


def test_a_poll_with_more_to_read_than_a_tick_may_spend_still_completes() -> None:
    """However much has changed in the factory, ticks with few calls reach every run in the end."""
    world = World(settings=settings(ADF_TRIGGER_TICK_CALLS="3"))
    world.factory.declare("load")
    for _ in range(350):
        world.factory.create_run("load", {}, client_request_id=uuid4())  # of others
    keys = [f"key-{number}" for number in range(FEW + 1)]
    for key in keys:
        world.submit(key)
        world.factory.finish(world.services.query.find(key).run_id)
    for _ in range(100):
        world.tick(after=15)
    assert {event.subject for event in world.outbox.events} == set(keys)
