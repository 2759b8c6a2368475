"""Operators who hold and release, and requests that wait for them."""

from typing import Any

from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.holds.hold import Scope
from adf_trigger.service.steering.holding import HoldOrder, HoldsNow
from tests.support.script import Script
from tests.support.world import FACTORY_ID, World, settings

DEADLINE = 24 * 3600
HOUR = 3600


def a_world(steps: Script | None = None) -> World:
    """A service whose factory has pipelines, and one with a secret."""
    world = World(
        steps=steps or Script(), settings=settings(ADF_TRIGGER_START_DEADLINE_SECONDS=str(DEADLINE))
    )
    world.factory.declare("load", n={"type": "Int", "defaultValue": 0})
    world.factory.declare("other")
    world.factory.declare("secret", password={"type": "SecureString"})
    return world


def hold(world: World, pipeline: str | None = None, **order: Any) -> HoldsNow:
    """Hold as an operator does."""
    fields = {"reason": "deploying", "by": "ann@example.org", **order}
    return world.services.holder.hold("default", HoldOrder(scope=Scope(pipeline=pipeline), **fields))


def release(world: World, pipeline: str | None = None) -> HoldsNow:
    """Release as an operator does."""
    return world.services.holder.release("default", Scope(pipeline=pipeline))


def record_of(world: World, key: str = "key-1") -> RunRecord:
    """The record of a request."""
    stored = world.ledger.get(FACTORY_ID, key)
    assert stored is not None
    return stored.record


def started(world: World) -> list[str]:
    """The pipelines of the existing runs."""
    return [run.pipeline for run in world.factory.runs.values()]
