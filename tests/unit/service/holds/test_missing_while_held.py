"""A deployment that deletes and recreates a pipeline refuses no request while the pipeline is held."""

import pytest

from adf_trigger.contracts import Source
from adf_trigger.errors import InvalidRequest, LedgerError, ResourceNotFound, TryLater
from adf_trigger.ledger.records import RunState
from adf_trigger.service.holds.hold import Scope
from adf_trigger.service.steering.holding import HoldOrder
from tests.support.admitted import policy, with_policy
from tests.support.holding import a_world, hold, record_of, release, started
from tests.support.news import published_names
from tests.support.world import FACTORY_ID, World

CACHED = 120
"""Seconds after which a declaration is read again."""
NUMBER = {"type": "Int"}


def deployed(world: World | None = None, *, held: bool = True) -> World:
    """A service that has seen a pipeline, which is gone now."""
    world = world or a_world()
    world.factory.declare("load", n=NUMBER)
    world.submit("teacher", parameters={"n": 1})
    world.factory.finish(next(iter(world.factory.runs)))
    world.tick(after=CACHED)
    if held:
        hold(world)
    del world.factory.pipelines["load"]
    return world


@pytest.mark.parametrize("source", [Source.HTTP, Source.QUEUE])
def test_a_request_is_accepted_and_starts_once_when_the_pipeline_is_back(source: Source) -> None:
    """It is checked against the last known declaration, also by an instance that has only the ledger."""
    world = deployed()
    world.restart()
    taken = world.submit(source=source, parameters={"N": 7}).record
    assert (taken.status, taken.parameters) == ("Accepted", {"n": 7})
    assert taken.held is not None
    world.tick(after=30)
    assert started(world) == ["load"]
    world.factory.declare("load", n=NUMBER)
    release(world)
    world.tick(after=30)
    world.tick(after=30)
    assert started(world) == ["load", "load"]


@pytest.mark.parametrize("source", [Source.HTTP, Source.QUEUE])
def test_a_request_of_a_deleted_pipeline_is_rejected_once_the_hold_is_over(source: Source) -> None:
    """It has its reason and an event; from then on there is no such pipeline."""
    world = deployed()
    world.submit(source=source, parameters={"n": 7})
    release(world)
    for _ in range(3):
        world.tick(after=30)
    record = record_of(world)
    assert (record.status, record.state) == ("Rejected", RunState.PUBLISHED)
    assert record.message == "Data Factory refused it: no such pipeline"
    assert set(published_names(world.outbox.events, "key-1")) == {"key-1/Rejected"}
    with pytest.raises(ResourceNotFound):
        world.submit("key-2", parameters={"n": 7})
    assert world.declarations.get(FACTORY_ID, "load") is None


def test_a_name_that_was_never_known_is_not_found() -> None:
    """A hold does not turn a mistyped name into a pipeline."""
    world = deployed()
    with pytest.raises(ResourceNotFound):
        world.submit(pipeline="laod", parameters={"n": 7})


def test_without_a_hold_a_missing_pipeline_is_not_found() -> None:
    """It is forgotten as usual: a later hold does not bring it back."""
    world = deployed(held=False)
    with pytest.raises(ResourceNotFound):
        world.submit(parameters={"n": 7})
    hold(world)
    with pytest.raises(ResourceNotFound):
        world.submit(parameters={"n": 7})


def test_a_hold_that_expires_ends_this_too() -> None:
    """An expired hold holds nothing."""
    world = deployed()
    world.clock.forward(25 * 3600)
    with pytest.raises(ResourceNotFound):
        world.submit(parameters={"n": 7})


def test_a_request_that_does_not_match_the_last_known_declaration_is_refused() -> None:
    """A caller gets the fault; a message waits, since the known declaration may be outdated."""
    world = deployed()
    with pytest.raises(InvalidRequest):
        world.submit(parameters={"m": 7})
    with pytest.raises(TryLater, match="missing while it is held"):
        world.submit(source=Source.QUEUE, parameters={"m": 7})
    assert world.submit("right", parameters={"n": 7}).record.held is not None


def test_a_look_during_the_hold_does_not_forget_the_pipeline() -> None:
    """An operator who holds that pipeline, too, is warned that it is missing; its requests are still accepted."""
    world = deployed()
    assert hold(world, "load").warnings
    release(world)
    assert world.submit(parameters={"n": 7}).record.held is not None


def test_another_hold_does_not_apply() -> None:
    """It is of another pipeline or of another key: the request would be sent directly, and so it is refused."""
    world = deployed(held=False)
    hold(world, "other")
    with pytest.raises(ResourceNotFound):
        world.submit(parameters={"n": 7})


def test_a_hold_of_a_key_accepts_the_requests_of_that_key() -> None:
    """No others are accepted; their pipeline is known again once it is back."""
    world = World(settings=with_policy(policy(key="parameters.n")))
    deployed(world, held=False)
    order = HoldOrder(scope=Scope(pipeline="load", key="7"), reason="deploying")
    world.services.holder.hold("default", order)
    with pytest.raises(ResourceNotFound):
        world.submit("of-8", parameters={"n": 8})
    assert world.submit("of-7", parameters={"n": 7}).record.held is not None


def test_where_holds_are_not_known_nothing_is_accepted_or_forgotten() -> None:
    """The caller is asked to come again."""
    world = deployed()
    world.clock.forward(5)
    world.notes.before["named"] = [LedgerError("down")] * 2
    with pytest.raises(LedgerError):
        world.submit(parameters={"n": 7})
    world.notes.before.clear()
    assert world.submit(parameters={"n": 7}).record.held is not None


def test_a_request_with_secrets_waits_for_its_caller_as_any_held_one() -> None:
    """Its values are not kept."""
    world = a_world()
    world.submit("teacher", "secret", parameters={"password": "hunter2"})
    world.tick(after=CACHED)
    hold(world)
    declared = world.factory.pipelines.pop("secret")
    taken = world.submit("key-1", "secret", parameters={"password": "hunter2"})
    assert taken.again_after is not None
    assert "hunter2" not in repr(world.ledger._partitions)
    world.factory.pipelines["secret"] = declared
    release(world)
    world.submit("key-1", "secret", parameters={"password": "hunter2"})
    assert started(world) == ["secret", "secret"]
