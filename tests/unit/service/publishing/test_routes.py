"""Ends are delivered to further consumers, each with its own fate, and none of them delays another."""

import asyncio
import json
import logging
from typing import Any

import pytest

from adf_trigger.errors import BadRequest, LedgerError, PublishError
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.health.health import HealthReader
from adf_trigger.service.publishing.routes import FAILURES_A_TICK, OF_ENDS, OF_OTHERS
from adf_trigger.settings.schedule import Schedule
from tests.support.memory_factory import MemoryFactory
from tests.support.resettled import restarted, submit
from tests.support.script import Crashed, Script
from tests.support.world import FACTORY_ID, World, settings

SECRET = "whsec_" + "A" * 32
ENVIRONMENT = {"URL": "https://hooks.example.com/", "SECRET": SECRET}
QUEUE: dict[str, Any] = {"queue": "finance"}
HOOK: dict[str, Any] = {"webhook": {"url": "URL", "secret": "SECRET"}}
DOWN = PublishError("the webhook answered 503")
DAY = 86_400


def world_of(routes: dict[str, Any], **more: Any) -> World:
    """A service with routes, whose factory has the pipelines `load` and `other`."""
    world = World(settings=settings(ADF_TRIGGER_ROUTES=json.dumps(routes), **ENVIRONMENT), **more)
    world.routes.near |= {name for name, route in routes.items() if "queue" in route}
    world.factory.declare("load")
    world.factory.declare("other")
    return world


def end(world: World, key: str = "key-1", status: str = "Succeeded", pipeline: str = "load") -> str:
    """The id of the event of a run that has ended, and was published."""
    run_id = world.submit(key, pipeline).record.run_id
    world.factory.finish(run_id, status)
    world.tick(after=15)
    return f"{run_id}/{status}"


def in_health(world: World) -> Any:
    """What `GET /health/details` shows of routes."""
    health = HealthReader(world.notes, world.clock, Schedule("*/15 * * * * *"))
    health._read()
    return asyncio.run(health.answer()).details["routes"]


def ticks(world: World, count: int) -> None:
    """A number of ticks."""
    for _ in range(count):
        world.tick(after=15)


def sent(world: World, route: str) -> list[str]:
    """The ids of the events that a route has accepted."""
    return [event.id for event in world.routes.sent.get(route, ())]


def fates(world: World, key: str = "key-1") -> dict[str, tuple[str, int]]:
    """What GET shows of the deliveries: route → status and attempts."""
    return {each.route: (each.status, each.attempts) for each in world.services.query.show(key).routes}


def test_an_end_is_delivered_along_each_route_that_wants_it() -> None:
    """The events queue gets all of them, under the same id and with the same content."""
    world = world_of({"all": QUEUE, "failed": {**QUEUE, "statuses": ["Failed"]}, "hook": HOOK})
    event_id = end(world)
    assert [event.id for event in world.outbox.events] == [event_id]
    world.tick(after=15)
    assert {name: sent(world, name) for name in ("all", "failed", "hook")} == {
        "all": [event_id],
        "failed": [],
        "hook": [event_id],
    }
    assert world.routes.sent["all"] == world.outbox.events
    assert fates(world) == {"all": ("delivered", 1), "hook": ("delivered", 1)}
    assert world.outbox.events[0].data.routes == []


def test_a_rejection_is_delivered_along_routes_too() -> None:
    """It is an end of a request like any other."""
    world = world_of({"all": QUEUE})
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    with pytest.raises(BadRequest):
        world.submit()
    world.tick(after=15)
    assert [event.type.rpartition(".")[2] for event in world.routes.sent["all"]] == ["rejected"]


def test_a_route_that_is_down_delays_no_other_and_repeats_none() -> None:
    """Completed deliveries are not sent again; the rest follows when the route is up."""
    world = world_of({"queue": QUEUE, "up": HOOK, "down": HOOK})
    world.routes.down["down"] = DOWN
    event_id = end(world)
    for _ in range(20):
        world.tick(after=60)
    assert (
        [event.id for event in world.outbox.events] == sent(world, "queue") == sent(world, "up") == [event_id]
    )
    assert fates(world)["down"][0] == "pending"
    assert world.services.query.show("key-1").routes[-1].why == "the webhook answered 503"
    del world.routes.down["down"]
    for _ in range(61):
        world.tick(after=60)
    assert sent(world, "down") == sent(world, "up") == [event_id]
    assert world.notes.named(FACTORY_ID, "delivery|") == []


def test_a_queue_that_accepts_nothing_delays_no_end() -> None:
    """The events queue has the end, the record notes it, and the route follows later."""
    world = world_of({"queue": QUEUE})
    world.routes.down["queue"] = PublishError("the queue finance cannot be reached")
    event_id = end(world)
    assert [event.id for event in world.outbox.events] == [event_id]
    assert world.ledger.active(FACTORY_ID) == []
    world.routes.down.clear()
    world.tick(after=60)
    assert sent(world, "queue") == [event_id]


def test_a_delivery_is_tried_for_three_days_and_then_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """The log, the health and the record show it; the others' deliveries are unaffected."""
    caplog.set_level(logging.INFO)
    world = world_of({"up": HOOK, "down": HOOK})
    world.routes.down["down"] = DOWN
    end(world)
    for _ in range(3 * 24 - 1):
        world.tick(after=3_600)
    assert fates(world)["down"][0] == "pending"
    tried = world.routes.tried.count("down")
    assert 60 < tried < 100, "about once an hour in the end"
    for _ in range(3):
        world.tick(after=3_600)
    assert fates(world)["up"] == ("delivered", 1)
    assert fates(world)["down"][0] == "givenUp"
    assert world.notes.named(FACTORY_ID, "delivery|") == []
    (given_up,) = (each for each in caplog.records if vars(each).get("action") == "route_given_up")
    assert vars(given_up)["route"] == "down"
    (shown,) = in_health(world)
    assert (shown["route"], shown["down"], shown["givenUp"]) == ("down", True, 1)
    world.tick(after=8 * DAY)
    assert "givenUp" not in in_health(world)[0]


def test_health_shows_which_route_is_down_and_that_it_is_up_again() -> None:
    """It shows its name and the reason, never its address."""
    world = world_of({"hook": HOOK})
    world.routes.down["hook"] = DOWN
    end(world)
    world.tick(after=15)
    (shown,) = in_health(world)
    assert (shown["route"], shown["down"], shown["why"]) == ("hook", True, "the webhook answered 503")
    assert shown["since"].startswith("2026-01-05T")
    world.routes.down.clear()
    world.tick(after=600)
    assert in_health(world) == []


def test_a_route_that_hangs_is_tried_a_few_times_a_tick() -> None:
    """A thousand ends wait behind it without costing a tick its time."""
    world = world_of({"down": HOOK})
    world.routes.down["down"] = DOWN
    for number in range(30):
        end(world, f"key-{number}")
    world.routes.tried.clear()
    world.tick(after=7_200)
    assert len(world.routes.tried) == FAILURES_A_TICK
    world.routes.down.clear()
    world.tick(after=15)
    world.tick(after=7_200)
    assert len(sent(world, "down")) == 30


def test_a_route_that_is_no_longer_configured_waits_for_three_days() -> None:
    """A setting may have been lost by mistake, and another app on the same ledger may have it."""
    world = world_of({"hook": HOOK})
    world.routes.down["hook"] = DOWN
    event_id = end(world)
    routes = world.settings
    world.settings = settings()
    world.restart()
    world.tick(after=3_600)
    assert fates(world)["hook"][0] == "pending"
    world.settings = routes
    world.routes.down.clear()
    world.restart()
    world.tick(after=7_200)
    assert sent(world, "hook") == [event_id]


def test_an_outdated_event_is_not_delivered() -> None:
    """A request that was rejected, and accepted anew under its key, has another event."""
    world = world_of({"hook": HOOK})
    world.routes.down["hook"] = DOWN
    world.factory.fail_next("create_run", BadRequest("it is wrong", status=400))
    with pytest.raises(BadRequest):
        world.submit()
    world.tick(after=15)
    world.submit()
    world.routes.down.clear()
    world.tick(after=3_600)
    assert sent(world, "hook") == []
    assert world.notes.named(FACTORY_ID, "delivery|") == []


STEPS = ["routes.keep", "routes.claim", "routes.send", "records.route", "routes.remove"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_wherever_the_process_ends_each_route_gets_the_event(step: str, *, after: bool) -> None:
    """It gets it at least once, under one id; a recorded delivery is not sent again."""
    script = Script()
    world = world_of({"queue": QUEUE, "hook": HOOK}, steps=script)
    run_id = world.submit().record.run_id
    world.factory.finish(run_id)
    script.crash = (step, after)
    with pytest.raises(Crashed):
        ticks(world, 3)
    world.restart()
    for _ in range(10):
        world.tick(after=120)
    assert {*sent(world, "queue")} == {*sent(world, "hook")} == {f"{run_id}/Succeeded"}
    assert {status for status, _ in fates(world).values()} == {"delivered"}
    assert world.notes.named(FACTORY_ID, "delivery|") == []


def test_a_reply_that_was_lost_is_requested_again_under_the_same_id() -> None:
    """Delivery is at least once."""
    world = world_of({"hook": HOOK})
    world.routes.lost["hook"] = PublishError("the webhook gave no answer: TimeoutError")
    event_id = end(world)
    world.tick(after=60)
    world.routes.lost.clear()
    world.tick(after=60)
    assert {*sent(world, "hook")} == {event_id}
    assert fates(world)["hook"][0] == "delivered"


def test_two_concurrent_ticks_deliver_once() -> None:
    """The note is claimed first."""
    script = Script()
    world = world_of({"hook": HOOK}, steps=script)
    script.meanwhile = ("routes.claim", world.services.tick.run)
    event_id = end(world)
    world.tick(after=15)
    assert sent(world, "hook") == [event_id]


def test_trouble_of_the_ledger_loses_no_delivery() -> None:
    """An event that could not be kept is published again; a result that could not be recorded is recorded later."""
    world = world_of({"hook": HOOK})
    run_id = world.submit().record.run_id
    world.factory.finish(run_id)
    world.notes.before["put"] = [LedgerError("no table")]
    for _ in range(10):
        world.tick(after=60)
    assert {*sent(world, "hook")} == {f"{run_id}/Succeeded"}


@pytest.mark.parametrize("value", [{}, {"due": "soon"}, {"due": 3, "routes": []}, {"routes": {"hook": "x"}}])
def test_a_note_of_another_version_is_left_alone(value: dict[str, Any]) -> None:
    """It delays no other delivery."""
    world = world_of({"hook": HOOK})
    world.notes.put(FACTORY_ID, "delivery|odd", value)
    event_id = end(world)
    world.tick(after=15)
    assert sent(world, "hook") == [event_id]


def test_without_routes_nothing_is_kept_and_nothing_read() -> None:
    """Once a process has seen that none is left, no tick reads notes of deliveries."""
    world = world_of({})
    end(world)
    world.tick(after=15)
    planned = LedgerError("asked again")
    world.notes.before["named"] = [planned]
    world.services.tick._parts.router.deliver(world.services.factories.choose(None), Budget(1))
    assert world.notes.before["named"] == [planned]


def test_a_delivery_is_retried_in_the_turn_of_its_own_factory() -> None:
    """Whatever the case of its id: trouble of the first factory does not delay it."""
    routes = {"hook": HOOK}
    world = world_of(routes)
    second = MemoryFactory(world.clock)
    second.declare("load")
    services = restarted(
        world,
        {"one": (FACTORY_ID, world.factory), "two": (FACTORY_ID + "-Two", second)},
        None,
        ADF_TRIGGER_ROUTES=json.dumps(routes),
        **ENVIRONMENT,
    )
    run_id = submit(services, "key-1", "two").record.run_id
    second.finish(run_id)
    world.clock.forward(15)
    world.routes.down["hook"] = DOWN
    services.tick.run()
    assert [len(list(world.notes.named(each, OF_ENDS))) for each in (FACTORY_ID, FACTORY_ID + "-Two")] == [
        0,
        1,
    ]
    assert list(world.notes.named(FACTORY_ID, OF_OTHERS)) == []
