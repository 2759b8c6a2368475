"""A pipeline that is missing while it is held: requests are accepted whichever way they come, and previewed so."""

import json

import pytest

from tests.support.grid_events import blob_created, blob_trigger, setting
from tests.support.holding import hold, release
from tests.support.world import World, settings
from tests.unit.functions.conftest import Caller

TEXT = {"type": "String", "defaultValue": ""}


@pytest.fixture
def world() -> World:
    """A service whose factory is held, and has lost the pipeline that a trigger starts."""
    world = World(settings=settings(ADF_TRIGGER_TRIGGERS=setting(blob_trigger())))
    world.factory.declare("load", file=TEXT, folder=TEXT)
    world.submit("teacher")
    world.factory.finish(next(iter(world.factory.runs)))
    world.tick(after=120)
    hold(world)
    del world.factory.pipelines["load"]
    return world


@pytest.fixture
def caller(world: World) -> Caller:
    """Calls its functions."""
    return Caller(world)


def test_by_call_it_is_accepted_as_previewed(world: World, caller: Caller) -> None:
    """The preview says that it would be held."""
    asked = caller.call("start_run", "POST", "pipelines/load/runs?validateOnly=true", body=b"{}")
    assert json.loads(asked.get_body())["outcome"] == "held"
    answer = caller.post({}, Idempotency_Key="by-call")
    assert (answer.status_code, json.loads(answer.get_body())["waitsFor"]) == (202, "hold")
    assert starts_once_it_is_back(world)


def test_by_message_it_is_accepted(world: World, caller: Caller) -> None:
    """It is not rejected."""
    caller.message({"pipeline": "load", "requestId": "by-message"})
    assert world.kept() == []
    assert starts_once_it_is_back(world)


def test_by_event_it_is_accepted(world: World, caller: Caller) -> None:
    """A file that comes during a deployment is loaded after it."""
    body = json.dumps([blob_created()]).encode()
    answer = caller.call("take_events", "POST", "events", body=body)
    assert answer.status_code == 200
    assert world.kept() == []
    assert starts_once_it_is_back(world)


def test_a_name_that_was_never_known_is_not_found(caller: Caller) -> None:
    """A hold does not turn a mistyped name into a pipeline."""
    assert caller.post({}, pipeline="laod").status_code == 404


def starts_once_it_is_back(world: World) -> bool:
    """Whether the single waiting request is started after the deployment, and not before."""
    before = len(world.factory.runs)
    world.tick(after=30)
    nothing_yet = len(world.factory.runs) == before
    world.factory.declare("load", file=TEXT, folder=TEXT)
    release(world)
    world.tick(after=30)
    world.tick(after=30)
    return nothing_yet and len(world.factory.runs) == before + 1
