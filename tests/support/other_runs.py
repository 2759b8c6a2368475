"""Runs that others start in Data Factory, and a service whose policy publishes them."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

from adf_trigger.datafactory.models import Page, PipelineRun, RunFilter, RunGlance
from adf_trigger.errors import DataFactoryError, Unavailable
from adf_trigger.news import CompletionEvent
from tests.support.memory_factory import Run, sifted
from tests.support.world import FACTORY_ID, World, settings

DAY = 86_400
DOWN = Unavailable("an internal error", status=500)


def world_of(observe: str | None = "topLevel", *, pipeline: str = "load", **changes: Any) -> World:
    """A service that has ticked once, and whose factory has a pipeline `load`."""
    policy = {} if observe is None else {pipeline: {"observe": observe}}
    more = {name: changes.pop(name) for name in [*changes] if name.startswith("ADF_")}
    world = World(settings=settings(ADF_TRIGGER_POLICY=json.dumps(policy), **more), **changes)
    world.factory.declare("load")
    world.tick()
    return world


def with_policy(world: World, policy: dict[str, Any]) -> None:
    """Restart the app with another policy."""
    world.settings = settings(ADF_TRIGGER_POLICY=json.dumps(policy))
    world.restart()


def started(world: World, pipeline: str = "load", by: str = "ScheduleTrigger", **more: Any) -> UUID:
    """A run that something else has started now."""
    run_id = more.pop("run_id", None) or uuid4()
    parameters = more.pop("parameters", {})
    run = Run(run_id, pipeline, parameters, world.clock(), world.clock(), by, **more)
    world.factory.runs[run_id] = run
    return run_id


def ended(world: World, *args: Any, status: str = "Succeeded", **more: Any) -> UUID:
    """A run that something else has started, and which has ended now."""
    run_id = started(world, *args, **more)
    world.factory.finish(run_id, status)
    return run_id


def published_runs(world: World) -> list[UUID | None]:
    """The runs whose ends were published, with repetitions."""
    return [event.data.run_id for event in world.outbox.events]


def event_of(world: World) -> CompletionEvent:
    """The single event."""
    (event,) = world.outbox.events
    return event


def poison(world: World, bad: set[UUID], error: DataFactoryError = DOWN) -> None:
    """Every page that would show one of these runs fails, until they are taken out of the set."""
    as_it_is = world.factory.query_runs

    def query_runs(
        run_filter: RunFilter, *, wanted: Callable[[RunGlance], bool] | None = None
    ) -> Iterator[Page[PipelineRun]]:
        for page in as_it_is(run_filter):
            if any(run.run_id in bad for run in page.items):
                raise error
            yield from sifted([page], wanted)

    world.factory.query_runs = query_runs  # type: ignore[method-assign]


def skipped(world: World) -> list[Any]:
    """The notes of skipped windows."""
    return [note.value for note in world.notes.named(FACTORY_ID, "observe|gap|")]
