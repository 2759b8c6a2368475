"""Runs that others start in Data Factory, and a service whose policy has them told."""

import json
from typing import Any
from uuid import UUID, uuid4

from adf_trigger.news import CompletionEvent
from tests.support.memory_factory import Run
from tests.support.world import World, settings

DAY = 86_400


def world_of(observe: str | None = "topLevel", *, pipeline: str = "load", **changes: Any) -> World:
    """A service that has ticked once, and whose factory has a pipeline `load`."""
    policy = {} if observe is None else {pipeline: {"observe": observe}}
    more = {name: changes.pop(name) for name in [*changes] if name.startswith("ADF_")}
    world = World(settings=settings(ADF_TRIGGER_POLICY=json.dumps(policy), **more), **changes)
    world.factory.declare("load")
    world.tick()
    return world


def with_policy(world: World, policy: dict[str, Any]) -> None:
    """The app starts anew with another policy."""
    world.settings = settings(ADF_TRIGGER_POLICY=json.dumps(policy))
    world.restart()


def started(world: World, pipeline: str = "load", by: str = "ScheduleTrigger", **more: Any) -> UUID:
    """A run that somebody else has started now."""
    run_id = more.pop("run_id", None) or uuid4()
    parameters = more.pop("parameters", {})
    run = Run(run_id, pipeline, parameters, world.clock(), world.clock(), by, **more)
    world.factory.runs[run_id] = run
    return run_id


def ended(world: World, *args: Any, status: str = "Succeeded", **more: Any) -> UUID:
    """A run that somebody else has started, and which has ended now."""
    run_id = started(world, *args, **more)
    world.factory.finish(run_id, status)
    return run_id


def told(world: World) -> list[UUID | None]:
    """The runs of which an end was told, as often as it was."""
    return [event.data.run_id for event in world.outbox.events]


def event_of(world: World) -> CompletionEvent:
    """The only event."""
    (event,) = world.outbox.events
    return event
