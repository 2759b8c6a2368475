"""Whatever the events queue gets goes along routes: rejected messages, overdue runs, and runs of others, too."""

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
    """The events that a route has taken."""
    return world.routes.sent.get(route, [])


def kinds(world: World, route: str) -> list[str]:
    """Of which type they are."""
    return [event.type.rpartition(".")[2] for event in sent(world, route)]


def deliveries(world: World) -> list[str]:
    """What is left to be delivered."""
    return [note.name for note in world.notes.named(FACTORY_ID, "delivery")]


def ticks(world: World, count: int = 8, *, after: float = 120) -> None:
    """So many ticks."""
    for _ in range(count):
        world.tick(after=after)


@pytest.mark.parametrize("message", [WRONG, NO_JSON, {"requestId": "k"}], ids=["wrong", "no json", "nowhere"])
def test_a_message_that_can_never_work_is_told_along_routes(message: Any) -> None:
    """The very event that the events queue gets, also where no factory or pipeline can be told of it."""
    world = world_of({"queue": QUEUE, "hook": HOOK, "rejected": {**HOOK, "statuses": ["Rejected"]}})
    Caller(world).message(message)
    ticks(world, 2)
    (event,) = world.outbox.events
    assert event.type.endswith(".rejected")
    assert sent(world, "queue") == sent(world, "hook") == sent(world, "rejected") == [event]
    assert deliveries(world) == []


def test_what_a_route_is_narrowed_to_holds_for_a_rejected_message_too() -> None:
    """By pipeline, status and who asked, which is the queue."""
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
    """It is told once the route is up, in the same words, also where somebody has dismissed the message since."""
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
def test_wherever_the_process_ends_a_rejected_message_is_told(step: str, *, after: bool) -> None:
    """To each route, under one id: the host delivers the message again, or the note is there."""
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


def test_a_rejection_whose_deliveries_cannot_be_kept_is_told_again() -> None:
    """The message comes again, and has one copy in the rejected queue."""
    world = world_of({"hook": HOOK})
    world.notes.before["put"] = [LedgerError("no table")]
    Caller(world).message(WRONG)
    (text, _) = world.outbox.put_back_texts.pop()
    Caller(world).message(text.encode())
    ticks(world, 2)
    assert {event.id for event in world.outbox.events} == {event.id for event in sent(world, "hook")}
    assert len(world.outbox.rejected) == 1


def test_a_message_that_cannot_be_kept_is_told_along_routes_at_once() -> None:
    """All that is left of it is its copy: what a route does not take is given up, and said."""
    world = world_of({"queue": QUEUE, "hook": HOOK, "down": HOOK})
    world.routes.down["down"] = DOWN
    world.rejected.before["keep"] = [LedgerError("no table")]
    Caller(world).message({"pipeline": "load", "parameters": {"undeclared": 1}})
    (event,) = world.outbox.events
    assert sent(world, "queue") == sent(world, "hook") == [event]
    assert world.routes.tried.count("down") == 1
    assert deliveries(world) == []


def overdue(world: World) -> Any:
    """The runId of a run that is told as overdue."""
    run_id = world.submit("key-1", overdue_after_seconds=HOUR).record.run_id
    ticks(world, 2, after=HOUR)
    return run_id


@pytest.mark.parametrize("narrowed", [{}, {"statuses": ["Overdue"]}, {"statuses": ["Failed", "Overdue"]}])
def test_a_run_that_is_overdue_is_told_along_routes(narrowed: dict[str, Any]) -> None:
    """Where they are not narrowed to other words, and once; its end follows as its own status says."""
    world = world_of({"queue": {**QUEUE, **narrowed}, "hook": {**HOOK, **narrowed}})
    overdue(world)
    ticks(world, 3)
    (event,) = world.outbox.events
    assert sent(world, "queue") == sent(world, "hook") == [event]
    assert event.type.endswith(".overdue")


def test_a_route_of_ends_alone_is_not_told_that_a_run_is_overdue() -> None:
    """It is narrowed to words that this is none of."""
    world = world_of({"ends": {**QUEUE, "statuses": ["Succeeded"]}})
    run_id = overdue(world)
    world.factory.finish(run_id)
    ticks(world, 2)
    assert kinds(world, "ends") == ["succeeded"]


def test_that_a_run_was_overdue_is_told_though_it_has_ended_since() -> None:
    """Of a route that was down meanwhile: in the words of then, beside the end."""
    world = world_of({"hook": HOOK})
    world.routes.down["hook"] = DOWN
    run_id = overdue(world)
    world.factory.finish(run_id, "Failed")
    ticks(world, 2)
    world.routes.down.clear()
    ticks(world, 6)
    told = {event.type.rpartition(".")[2]: event for event in sent(world, "hook")}
    first, _ = world.outbox.events
    assert told.keys() == {"overdue", "failed"}
    then = told["overdue"].data.model_copy(
        update={"started_at": first.data.started_at}
    )  # known better by now
    assert (told["overdue"].id, told["overdue"].time, then) == (first.id, first.time, first.data)
    assert not told["overdue"].data.ended
    assert [each.status for each in world.services.query.show("key-1").routes] == ["delivered"]
    assert deliveries(world) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "step", ["routes.send", "routes.keep", "routes.claim", "records.overdue", "routes.remove"]
)
def test_wherever_the_process_ends_an_overdue_run_is_told(step: str, *, after: bool) -> None:
    """To each route at least once, under one id."""
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


def test_a_run_that_others_start_is_told_along_routes() -> None:
    """Like ours."""
    world = world_of({"hook": HOOK}, environment={"ADF_TRIGGER_POLICY": '{"*": {"observe": "topLevel"}}'})
    world.tick()
    ended(world)
    ticks(world, 3)
    assert len(world.outbox.events) == 1
    assert sent(world, "hook") == world.outbox.events


def unconfigured(world: World) -> None:
    """Another factory in the settings, for longer than what is left of the former may wait."""
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
def test_what_a_factory_that_has_left_the_settings_leaves_is_told_along_routes(
    break_off: Callable[[World], None],
) -> None:
    """Its unknown end like any other, in the turns of those that are left, and later where a route is down."""
    world = world_of({"queue": QUEUE, "hook": HOOK})
    world.submit("key-1")
    break_off(world)
    unconfigured(world)
    world.routes.down.clear()
    unconfigured(world)
    (event,) = world.outbox.events
    assert event.type.endswith(".unknown")
    assert sent(world, "queue") == sent(world, "hook") == [event]
