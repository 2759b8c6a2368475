"""A factory with requests under several of its ids has one number of places for all of them, and one order."""

import json
from typing import Any

import pytest

from adf_trigger.errors import AtCapacity
from adf_trigger.functions.services import Services
from adf_trigger.ledger.records import RunRecord, Waits
from tests.support.admitted import declare, policy, under_way
from tests.support.resettled import restarted, submit
from tests.support.world import FACTORY_ID, STARTED, World

MOVED = FACTORY_ID.replace("/rg/", "/rg-new/")


def service(world: World, moved: dict[str, str] | None = None, at: str = FACTORY_ID, **more: Any) -> Services:
    """A service that has `load` counted, with its factory at an address."""
    return restarted(
        world,
        {"default": (at, world.factory)},
        moved,
        ADF_TRIGGER_POLICY=json.dumps({"load": policy(**more)}),
    )


def ask(services: Services, key: str) -> RunRecord:
    """A request of customer A."""
    return submit(services, key, parameters={"customer": "A"}).record


def found(services: Services, key: str) -> RunRecord:
    """The record of a request as it is now."""
    return services.query.find(key)


def moved_late(world: World, **more: Any) -> Services:
    """A service whose factory has moved: a run is active under each id, and a request waits under the new one."""
    declare(world)
    ask(service(world, **more), "old")
    between = service(world, at=MOVED, **more)
    ask(between, "new-1")
    if more.get("overflow") != "refuse":
        assert ask(between, "new-2").waits_for is Waits.ADMISSION
    return service(world, {FACTORY_ID: "default"}, MOVED, **more)


def test_requests_under_both_ids_are_counted_together_and_the_older_line_comes_first() -> None:
    """A request after the move waits behind those from before it, and none is admitted while too many are active."""
    world = World()
    services = moved_late(world)
    assert ask(services, "last").waits_for is Waits.ADMISSION
    order = []
    for _ in range(12):
        goes_on = [run for run in world.factory.runs.values() if run.status in STARTED]
        if goes_on:
            world.factory.finish(goes_on[0].run_id)
        world.clock.forward(100)
        services.tick.run()
        order = [found(services, str(run_id)).request_id for run_id in world.factory.runs]
        assert len(under_way(world)) <= 1 or len(order) == 2
    assert order == ["old", "new-1", "new-2", "last"]
    assert {found(services, key).status for key in order} == {"Succeeded"}


def test_a_refusal_names_the_runs_under_the_other_id() -> None:
    """They count as much as those under its own id."""
    world = World()
    services = moved_late(world, overflow="refuse")
    with pytest.raises(AtCapacity) as refused:
        ask(services, "last")
    assert {each.request_id for each in refused.value.runs} == {"old", "new-1"}
    world.factory.finish(found(services, "old").run_id)
    world.clock.forward(100)
    services.tick.run()
    with pytest.raises(AtCapacity) as refused:
        ask(services, "last")
    assert [each.request_id for each in refused.value.runs] == ["new-1"]


def test_the_first_request_after_the_move_does_not_overtake_into_a_freed_place() -> None:
    """The place belongs to the request that waits at the new id, which the next tick admits."""
    world = World()
    services = moved_late(world)
    for key in ("old", "new-1"):
        world.factory.finish(found(services, key).run_id)
        world.clock.forward(100)
        services.refresher.fresh(found(services, key))
    assert ask(services, "last").waits_for is Waits.ADMISSION
    services.tick.run()
    assert found(services, "new-2").status in STARTED
    assert found(services, "last").waits_for is Waits.ADMISSION
