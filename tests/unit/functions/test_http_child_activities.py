"""GET /runs/{id}/activities?child=…: the activities of a run that the run has started."""

import json
from typing import Any
from uuid import UUID, uuid4

import azure.functions as func
import pytest

from adf_trigger.service.reading.activities import MOST_GENERATIONS
from tests.support.memory_factory import Run
from tests.support.world import World, settings
from tests.unit.functions.conftest import Caller

WAIT = {
    "activityName": "Wait",
    "activityType": "Wait",
    "activityRunId": "a-1",
    "status": "Succeeded",
    "activityRunStart": "2026-01-05T12:00:01Z",
    "input": {"waitTimeInSeconds": 1},
    "output": {},
}


def asked(caller: Caller, child: object) -> func.HttpResponse:
    """GET /runs/k/activities of a child run."""
    params = {"child": str(child)}
    request = func.HttpRequest(
        "GET", "http://host/api/runs/k/activities", params=params, route_params={"id": "k"}, body=b""
    )
    return caller.ask("list_activities", request)


def shown(caller: Caller, child: UUID) -> Any:
    """The body of the answer."""
    answer = asked(caller, child)
    assert answer.status_code == 200, answer.get_body()
    return json.loads(answer.get_body())


def descendant(world: World, parent: UUID | None, pipeline: str = "load") -> UUID:
    """A run that another has started, with one activity."""
    run = Run(uuid4(), pipeline, {}, world.clock(), world.clock(), "PipelineActivity", parent, failed=[WAIT])
    world.factory.runs[run.run_id] = run
    return run.run_id


@pytest.fixture
def root(caller: Caller, world: World) -> UUID:
    """A run of ours."""
    caller.post({}, Idempotency_Key="k")
    return world.services.query.find("k").run_id


def test_the_activities_of_a_child_and_of_its_child_are_shown(
    caller: Caller, world: World, root: UUID
) -> None:
    """Neither is a run of ours."""
    child = descendant(world, root)
    grandchild = descendant(world, child)
    for each in (child, grandchild):
        answer = shown(caller, each)
        assert (answer["requestId"], answer["runId"], answer["details"]) == ("k", str(each), "full")
        assert [activity["activityName"] for activity in answer["activities"]] == ["Wait"]


def test_an_unrelated_run_is_404(caller: Caller, world: World, root: UUID) -> None:
    """It has another parent or none, is not in Data Factory, is too many levels below, or is the run itself."""
    far = root
    for _ in range(MOST_GENERATIONS + 1):
        far = descendant(world, far)
    for other in (descendant(world, uuid4()), descendant(world, None), uuid4(), far, root):
        assert asked(caller, other).status_code == 404
    endless = descendant(world, None)
    world.factory.runs[endless].invoked_by_run = endless
    assert asked(caller, endless).status_code == 404


def test_an_invalid_runid_is_a_fault(caller: Caller, root: UUID) -> None:
    """It is listed as other faults are."""
    answer = asked(caller, "x")
    assert answer.status_code == 400
    assert json.loads(answer.get_body())["errors"][0]["pointer"] == "child"
    assert isinstance(root, UUID)


@pytest.mark.parametrize("secret", ["root", "between", "child"])
def test_details_are_withheld_where_any_of_the_ancestors_has_secrets(secret: str) -> None:
    """A secret may have been passed on, whatever type the receiving parameter declares."""
    world = World()
    for name in ("root", "between", "child"):
        world.factory.declare(name, **({"password": {"type": "SecureString"}} if name == secret else {}))
    caller = Caller(world)
    caller.post(
        {"parameters": {"password": "p"} if secret == "root" else {}}, pipeline="root", Idempotency_Key="k"
    )
    run_id = world.services.query.find("k").run_id
    child = descendant(world, descendant(world, run_id, "between"), "child")
    answer = shown(caller, child)
    assert (answer["details"], answer["activities"][0]["input"]) == ("withheld", None)


def test_a_policy_shows_details_of_its_own_pipeline_alone() -> None:
    """`details: full` of the run's pipeline shows nothing of the child's."""
    policy = '{"root": {"details": "full"}}'
    world = World(settings=settings(ADF_TRIGGER_POLICY=policy))
    world.factory.declare("root", password={"type": "SecureString"})
    world.factory.declare("child", token={"type": "SecureString"})
    world.factory.declare("plain")
    caller = Caller(world)
    caller.post({"parameters": {"password": "p"}}, pipeline="root", Idempotency_Key="k")
    run_id = world.services.query.find("k").run_id
    assert shown(caller, descendant(world, run_id, "child"))["details"] == "withheld"
    assert shown(caller, descendant(world, run_id, "plain"))["details"] == "full"
