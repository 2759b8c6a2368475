"""A factory that has moved: requests under its old id continue, and a repeat starts nothing."""

import json

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import BadRequest, RequestConflict, ScopeNotFound
from adf_trigger.ledger.records import RunState
from adf_trigger.service.factories import placed
from adf_trigger.service.holds.hold import Scope
from adf_trigger.service.steering.holding import HoldOrder
from tests.support.memory_factory import MemoryFactory
from tests.support.resettled import restarted, submit
from tests.support.world import FACTORY_ID, STARTED, World

MOVED = FACTORY_ID.replace("/rg/", "/rg-new/")
AGAIN = HoldOrder(scope=Scope(), reason="again")


@pytest.fixture
def world() -> World:
    """A service whose factory has a pipeline `load` without parameters."""
    world = World()
    world.factory.declare("load")
    return world


def test_a_repeat_after_the_move_is_a_replay_and_the_run_is_watched_at_the_new_address(world: World) -> None:
    """Key and digest stay; the run continues at the new address, and its event has the old source."""
    run_id = world.submit("key-1").record.run_id
    services = restarted(world, {"default": (MOVED, world.factory)}, {FACTORY_ID: "default"})
    assert submit(services, "key-1").replayed
    with pytest.raises(RequestConflict):
        submit(services, "key-1", parameters={}, start_from_failure=True)
    assert len(world.factory.runs) == 1
    world.factory.finish(run_id)
    services.tick.run()
    services.unconfigured.attend()
    (event,) = world.outbox.events
    assert event.id == f"{run_id}/Succeeded"
    assert event.source == f"{FACTORY_ID}/pipelines/load"
    assert event.data.factory == "default"
    assert MOVED.replace("/", "%2F") in str(event.data.links.studio)


def test_hosts_before_and_after_the_move_meet_in_the_same_rows(world: World) -> None:
    """While hosts are replaced, the same new request through either is one run."""
    after = restarted(world, {"default": (MOVED, world.factory)}, {FACTORY_ID: "default"})
    assert not submit(after, "key-1").replayed
    assert world.submit("key-1").replayed
    assert len(world.factory.runs) == 1


def test_requests_from_before_the_move_was_declared_continue(world: World) -> None:
    """The setting comes too late: requests accepted in between are found, watched, published and not repeated."""
    undeclared = restarted(world, {"default": (MOVED, world.factory)})
    run_id = submit(undeclared, "between").record.run_id
    services = restarted(world, {"default": (MOVED, world.factory)}, {FACTORY_ID: "default"})
    assert submit(services, "between").replayed
    world.factory.finish(run_id)
    services.tick.run()
    (event,) = world.outbox.events
    assert (event.source, event.data.factory) == (f"{MOVED}/pipelines/load", "default")
    assert services.query.find("between").status == "Succeeded"
    services.unconfigured.attend()
    assert world.notes.named("app", "stranger|") == []


def test_a_refusal_at_the_old_address_holds_nothing_at_the_new_one(world: World) -> None:
    """Once the factory has left its old group, the next request at its new address is sent directly."""
    for _ in range(3):
        world.factory.fail_next("create_run", ScopeNotFound("gone", status=404, code="ResourceNotFound"))
    world.submit("waits")
    services = restarted(world, {"default": (MOVED, world.factory)}, {FACTORY_ID: "default"})
    world.factory.before.clear()
    assert submit(services, "key-2").record.state is RunState.SUBMITTED
    world.clock.forward(120)
    services.tick.run()
    assert services.query.find("waits").status in STARTED


def test_a_factory_may_move_twice_and_back(world: World) -> None:
    """Each former id leads to the present factory, in whatever order they are named."""
    third = FACTORY_ID.replace("/rg/", "/third/")
    world.submit("key-1")
    submit(restarted(world, {"default": (MOVED, world.factory)}), "key-2")
    for factory, moved in (
        (third, [FACTORY_ID, MOVED]),
        (third, [MOVED, FACTORY_ID]),
        (FACTORY_ID, [MOVED]),
        (FACTORY_ID, [FACTORY_ID, MOVED]),
    ):
        services = restarted(world, {"default": (factory, world.factory)}, dict.fromkeys(moved, "default"))
        assert submit(services, "key-1").replayed
        assert submit(services, "key-2").replayed
    assert len(world.factory.runs) == 2


@pytest.mark.parametrize("spelled", [FACTORY_ID.upper(), FACTORY_ID.replace("/rg/", "/RG/")])
def test_another_letter_case_changes_nothing(world: World, spelled: str) -> None:
    """Names of Azure compare case-insensitively: the same rows, a replay, and one source for old and new events."""
    run_id = world.submit("key-1").record.run_id
    services = restarted(world, {"default": (spelled, world.factory)})
    assert submit(services, "key-1").replayed
    world.factory.finish(run_id)
    world.factory.finish(submit(services, "key-2").record.run_id)
    services.tick.run()
    services.unconfigured.attend()
    assert [event.source for event in world.outbox.events] == [f"{FACTORY_ID}/pipelines/load"] * 2
    assert {event.data.factory for event in world.outbox.events} == {"default"}
    assert services.query.find("key-1", factory=FACTORY_ID.lower()).run_id == run_id
    assert world.notes.named("app", "stranger|") == []


def test_a_rejected_key_is_used_again_in_another_letter_case(world: World) -> None:
    """The record that replaces the rejected one is of the same request, in whatever case its factory is spelled."""
    world.factory.fail_next("create_run", BadRequest("no", status=400, code="BadRequest"))
    world.submit("key-1", source=Source.QUEUE)
    world.tick()
    assert world.status() == "Rejected"
    services = restarted(world, {"default": (FACTORY_ID.upper(), world.factory)})
    assert not submit(services, "key-1").replayed
    assert services.query.find("key-1").factory == FACTORY_ID


def test_the_settings_name_the_moved_factories() -> None:
    """Every id an alias ever had leads to its client; new requests are kept where the first of them were."""
    factory = MemoryFactory(lambda: World().clock())
    factories = placed({"a": MOVED}, json.loads(json.dumps({FACTORY_ID: "a"})), {"a": factory})
    assert [(each.id, each.present_id) for each in factories] == [(FACTORY_ID, MOVED), (MOVED, MOVED)]
    assert factories.choose(None).id == FACTORY_ID


def test_a_hold_moves_with_its_factory(world: World) -> None:
    """Held before the move it is held after it, and by hosts with the old settings; one release ends it."""
    order = HoldOrder(scope=Scope(pipeline="load"), reason="moving")
    world.services.holder.hold("default", order)
    submit(world.services, "before")
    after = restarted(world, {"default": (MOVED, world.factory)}, {FACTORY_ID: "default"})
    submit(after, "after")
    for services in (world.services, after):
        world.clock.forward(10)
        services.tick.run()
    assert world.factory.runs == {}
    assert after.holder.release("default", Scope(pipeline="LOAD")).holds == []
    world.clock.forward(10)
    after.tick.run()
    assert len(world.factory.runs) == 2


def test_a_hold_of_the_new_address_is_known_once_the_move_is_declared(world: World) -> None:
    """The setting comes too late: a hold from in between applies, and can be released."""
    undeclared = restarted(world, {"default": (MOVED, world.factory)})
    undeclared.holder.hold("default", HoldOrder(scope=Scope(), reason="moving"))
    services = restarted(world, {"default": (MOVED, world.factory)}, {FACTORY_ID: "default"})
    assert submit(services, "key-1").record.held is not None
    assert [each.reason for each in services.holder.hold("default", AGAIN).holds] == ["again"]
    assert services.holder.release("default", Scope()).holds == []
    services.tick.run()
    assert len(world.factory.runs) == 1
