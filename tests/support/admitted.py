"""A service that limits the concurrent runs of its pipeline `load`, and a judge of what Data Factory has seen."""

import json
from typing import Any

from adf_trigger.ledger.records import RunRecord, Waits
from adf_trigger.settings import Settings
from tests.support.faulty_ledger import FaultyLedger
from tests.support.world import World, settings


def policy(at_once: int = 1, key: str | None = "parameters.customer", **more: Any) -> dict[str, Any]:
    """The policy of a pipeline."""
    return {"admission": {"atOnce": at_once, "key": key, **more}}


def with_policy(each: dict[str, Any] | None, **changes: str) -> Settings:
    """Settings with a policy of `load`."""
    return settings(ADF_TRIGGER_POLICY=json.dumps({"load": each} if each else {}), **changes)


def a_world(
    at_once: int = 1,
    key: str | None = "parameters.customer",
    *,
    ledger: FaultyLedger | None = None,
    **more: Any,
) -> World:
    """A service with an admission policy; `secret` is a secure parameter."""
    changes = {name: more.pop(name) for name in tuple(more) if name.isupper()}
    world = World(
        settings=with_policy(policy(at_once, key, **more), **changes), ledger=ledger or FaultyLedger()
    )
    declare(world)
    return world


def declare(world: World) -> None:
    """The pipeline that is counted, and another one."""
    for name in ("load", "other"):
        world.factory.declare(
            name,
            customer={"type": "String", "defaultValue": ""},
            secret={"type": "SecureString", "defaultValue": ""},
        )


def start(world: World, key: str, customer: str | None = "A", **fields: Any) -> RunRecord:
    """The record of a request for a customer."""
    parameters = {**fields.pop("parameters", {}), **({} if customer is None else {"customer": customer})}
    return world.submit(key, parameters=parameters, **fields).record


def found(world: World, key: str) -> RunRecord:
    """The record of a request as it is now."""
    return world.services.query.find(key)


def under_way(world: World) -> list[str]:
    """The customers whose runs are active in Data Factory."""
    return sorted(
        str(run.parameters.get("customer"))
        for run in world.factory.runs.values()
        if run.status in {"Queued", "InProgress", "Canceling"}
    )


def seen_to_end(world: World, key: str) -> None:
    """End the run of a request, and have a reader open it, so that its record shows the end before any tick."""
    finish(world, key)
    world.clock.forward(100)
    assert world.services.refresher.fresh(found(world, key)).status == "Succeeded"


def finish(world: World, key: str, status: str = "Succeeded") -> None:
    """End the run of a request in Data Factory."""
    world.factory.finish(found(world, key).run_id, status)


def waits(world: World, *keys: str) -> bool:
    """Whether requests wait for a place."""
    return all(found(world, key).waits_for is Waits.ADMISSION for key in keys)
