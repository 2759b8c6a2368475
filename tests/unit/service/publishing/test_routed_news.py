"""Every event of the events queue goes along routes, too: rejected messages, overdue runs, and runs of others."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from adf_trigger.errors import LedgerError, PublishError
from adf_trigger.news import CompletionEvent
from tests.support.memory_factory import MemoryFactory
from tests.support.other_runs import ended
from tests.support.resettled import restarted
from tests.support.script import Crashed, Script
from tests.support.world import FACTORY_ID, World, settings
from tests.unit.functions.conftest import Caller

QUEUE: dict[str, Any] = {"queue": "finance"}
HOOK: dict[str, Any] = {"webhook": {"url": "URL", "secret": "SECRET"}}
ENVIRONMENT = {"URL": "https://hooks.example.com/", "SECRET": "whsec_" + "A" * 32}
DOWN = PublishError("the webhook answered 503")
HOUR, DAY = 3_600, 86_400

WRONG = {"pipeline": "load", "requestId": "k", "parameters": {"undeclared": 1}, "metadata": {"team": "sales"}}
NO_JSON = b"{pipeline: load"


def world_of(routes: dict[str, Any], **more: Any) -> World:
    """A service with routes, whose factory has a pipeline `load`."""
    environment = {"ADF_TRIGGER_ROUTES": json.dumps(routes), **ENVIRONMENT, **more.pop("environment", {})}
    world = World(settings=settings(**environment), **more)
    world.routes.near |= {name for name, route in routes.items() if "queue" in route}
    world.factory.declare("load")
    return world


def sent(world: World, route: str) -> list[CompletionEvent]:
    """The events that a route has accepted."""
    return world.routes.sent.get(route, [])


def kinds(world: World, route: str) -> list[str]:
    """The types of those events."""
    return [event.type.rpartition(".")[2] for event in sent(world, route)]


def deliveries(world: World) -> list[str]:
    """The deliveries that are left."""
    return [note.name for note in world.notes.named(FACTORY_ID, "delivery")]


def ticks(world: World, count: int = 8, *, after: float = 120) -> None:
    """A number of ticks."""
    for _ in range(count):
        world.tick(after=after)


@pytest.mark.parametrize("message", [WRONG, NO_JSON, {"requestId": "k"}], ids=["wrong", "no json", "nowhere"])
def test_a_message_that_can_never_work_is_published_along_routes(message: Any) -> None:
    """It is the same event as in the events queue, also where its factory or pipeline is not known."""
    world = world_of({"queue": QUEUE, "hook": HOOK, "rejected": {**HOOK, "statuses": ["Rejected"]}})
    Caller(world).message(message)
    ticks(world, 2)
    (event,) = world.outbox.events
    assert event.type.endswith(".rejected")
    assert sent(world, "queue") == sent(world, "hook") == sent(world, "rejected") == [event]
    assert deliveries(world) == []


def test_the_filter_of_a_route_applies_to_a_rejected_message_too() -> None:
    """It filters by pipeline, status and requester, which is the queue."""
    world = world_of(
        {
            "other": {**QUEUE, "pipelines": ["other"]},
            "failed": {**QUEUE, "statuses": ["Failed"]},
            "somebody": {**QUEUE, "callers": ["key:finance"]},
            "mine": {
                **QUEUE,
                "pipelines": ["LOAD"],
                "statuses": ["Rejected"],
                "callers": ["queue adf-run-requests"],
            },
        }
    )
    Caller(world).message(WRONG)
    assert {name: kinds(world, name) for name in ("other", "failed", "somebody", "mine")} == {
        "other": [],
        "failed": [],
        "somebody": [],
        "mine": ["rejected"],
    }


@pytest.mark.parametrize("dismissed", [False, True])
def test_a_rejected_message_waits_for_a_route_that_is_down(*, dismissed: bool) -> None:
    """It is delivered once the route is up, unchanged, also where the message has been dismissed since."""
    world = world_of({"hook": HOOK, "queue": QUEUE})
    world.routes.down["hook"] = DOWN
    Caller(world).message(WRONG)
    ticks(world, 3)
    if dismissed:
        assert Caller(world).steer("resolve", "k", {"as": "dismiss"}).status_code == 200
    world.routes.down.clear()
    ticks(world, 3)
    assert kinds(world, "hook") == kinds(world, "queue") == ["rejected"]
    assert dismissed or sent(world, "hook") == world.outbox.events
    assert {event.id for event in sent(world, "hook")} == {event.id for event in world.outbox.events}
    assert sent(world, "hook")[0].data.message == world.outbox.events[0].data.message
    assert deliveries(world) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "step",
    [
        "rejected.keep",
        "notify.event",
        "routes.send",
        "routes.keep",
        "routes.claim",
        "routes.remove",
        "notify.rejected",
    ],
)
def test_wherever_the_process_ends_a_rejected_message_is_published(step: str, *, after: bool) -> None:
    """Every route gets it under one id: the host delivers the message again, or the note exists."""
    script = Script()
    world = world_of({"queue": QUEUE, "hook": HOOK}, steps=script)
    script.crash = (step, after)
    try:
        Caller(world).message(WRONG)
        ticks(world, 2)
    except Crashed:
        world.restart()
        Caller(world).message(WRONG)
    ticks(world)
    (event_id,) = {event.id for event in world.outbox.events}
    for route in ("queue", "hook"):
        assert {event.id for event in sent(world, route)} == {event_id}
    assert deliveries(world) == []


def test_a_rejection_whose_deliveries_cannot_be_kept_is_published_again() -> None:
    """The message comes again, and has one copy in the rejected queue."""
    world = world_of({"hook": HOOK})
    world.notes.before["put"] = [LedgerError("no table")]
    Caller(world).message(WRONG)
    (text, _) = world.outbox.put_back_texts.pop()
    Caller(world).message(text.encode())
    ticks(world, 2)
    assert {event.id for event in world.outbox.events} == {event.id for event in sent(world, "hook")}
    assert len(world.outbox.rejected) == 1


def test_a_message_that_cannot_be_kept_is_sent_along_routes_directly() -> None:
    """Only its copy is left: a delivery that a route refuses is given up, and logged."""
    world = world_of({"queue": QUEUE, "hook": HOOK, "down": HOOK})
    world.routes.down["down"] = DOWN
    world.rejected.before["keep"] = [LedgerError("no table")]
    Caller(world).message({"pipeline": "load", "parameters": {"undeclared": 1}})
    (event,) = world.outbox.events
    assert sent(world, "queue") == sent(world, "hook") == [event]
    assert world.routes.tried.count("down") == 1
    assert deliveries(world) == []


def overdue(world: World) -> Any:
    """The runId of a run that is published as overdue."""
    run_id = world.submit("key-1", overdue_after_seconds=HOUR).record.run_id
    ticks(world, 2, after=HOUR)
    return run_id


@pytest.mark.parametrize("narrowed", [{}, {"statuses": ["Overdue"]}, {"statuses": ["Failed", "Overdue"]}])
def test_an_overdue_run_is_published_along_routes(narrowed: dict[str, Any]) -> None:
    """Routes without a status filter get it, once; its end follows with its own status."""
    world = world_of({"queue": {**QUEUE, **narrowed}, "hook": {**HOOK, **narrowed}})
    overdue(world)
    ticks(world, 3)
    (event,) = world.outbox.events
    assert sent(world, "queue") == sent(world, "hook") == [event]
    assert event.type.endswith(".overdue")


def test_a_route_of_ends_alone_is_not_sent_an_overdue_run() -> None:
    """Its filter does not list that status."""
    world = world_of({"ends": {**QUEUE, "statuses": ["Succeeded"]}})
    run_id = overdue(world)
    world.factory.finish(run_id)
    ticks(world, 2)
    assert kinds(world, "ends") == ["succeeded"]


def test_an_overdue_run_is_published_though_it_has_ended_since() -> None:
    """The route was down meanwhile: it gets the event as it was then, beside the end."""
    world = world_of({"hook": HOOK})
    world.routes.down["hook"] = DOWN
    run_id = overdue(world)
    world.factory.finish(run_id, "Failed")
    ticks(world, 2)
    world.routes.down.clear()
    ticks(world, 6)
    by_type = {event.type.rpartition(".")[2]: event for event in sent(world, "hook")}
    first, _ = world.outbox.events
    assert by_type.keys() == {"overdue", "failed"}
    then = by_type["overdue"].data.model_copy(
        update={"started_at": first.data.started_at}
    )  # now known in more detail
    assert (by_type["overdue"].id, by_type["overdue"].time, then) == (first.id, first.time, first.data)
    assert not by_type["overdue"].data.ended
    assert [each.status for each in world.services.query.show("key-1").routes] == ["delivered"]
    assert deliveries(world) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "step", ["routes.send", "routes.keep", "routes.claim", "records.overdue", "routes.remove"]
)
def test_wherever_the_process_ends_an_overdue_run_is_published(step: str, *, after: bool) -> None:
    """Every route gets it at least once, under one id."""
    script = Script()
    world = world_of({"queue": QUEUE, "hook": HOOK}, steps=script)
    script.crash = (step, after)
    with pytest.raises(Crashed):
        overdue(world)
    world.restart()
    ticks(world)
    for route in ("queue", "hook"):
        assert {event.id.rpartition("/")[2] for event in sent(world, route)} == {"Overdue"}
    assert deliveries(world) == []


def test_a_run_that_others_start_is_published_along_routes() -> None:
    """It goes along routes as ours do."""
    world = world_of({"hook": HOOK}, environment={"ADF_TRIGGER_POLICY": '{"*": {"observe": "topLevel"}}'})
    world.tick()
    ended(world)
    ticks(world, 3)
    assert len(world.outbox.events) == 1
    assert sent(world, "hook") == world.outbox.events


def unconfigured(world: World) -> None:
    """Another factory in the settings, for longer than the former one's requests may wait."""
    other = MemoryFactory(world.clock)
    other.declare("load")
    routes = json.dumps({"queue": QUEUE, "hook": HOOK})
    services = restarted(
        world, {"default": (FACTORY_ID + "-2", other)}, None, ADF_TRIGGER_ROUTES=routes, **ENVIRONMENT
    )
    for seconds in (0, 60, DAY, 60, 3_600, 3_600):
        world.clock.forward(seconds)
        services.tick.run()
        services.unconfigured.attend()


@pytest.mark.parametrize("break_off", [lambda _: None, lambda world: world.routes.down.update(hook=DOWN)])
def test_requests_of_a_factory_that_has_left_the_settings_are_published_along_routes(
    break_off: Callable[[World], None],
) -> None:
    """Their unknown end is delivered like any other, in the turns of other factories, and later if a route is down."""
    world = world_of({"queue": QUEUE, "hook": HOOK})
    world.submit("key-1")
    break_off(world)
    unconfigured(world)
    world.routes.down.clear()
    unconfigured(world)
    (event,) = world.outbox.events
    assert event.type.endswith(".unknown")
    assert sent(world, "queue") == sent(world, "hook") == [event]
