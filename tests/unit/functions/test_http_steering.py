"""What all calls that steer a run have in common."""

import json
from typing import Any

import azure.functions as func
import pytest

from tests.support.memory_factory import MemoryFactory
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, World, settings
from tests.unit.functions.conftest import Caller

BODIES = {"resolve": {"as": "dismiss"}}
VERBS = ["cancel", "rerun", "resolve", "replay"]


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


def kind_of(response: func.HttpResponse) -> tuple[int, str]:
    """The status and the kind of a problem."""
    return response.status_code, body_of(response)["type"].rpartition("/")[2]


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_id_is_404(caller: Caller, verb: str) -> None:
    """It is neither a key nor a runId of the ledger."""
    for run in ("nothing", "6e2f6bb9-6ee5-4f0b-a6d6-3c0b5a3cdb5a"):
        assert kind_of(caller.steer(verb, run, BODIES.get(verb))) == (404, "run-not-found")


@pytest.mark.parametrize("verb", VERBS)
def test_an_id_of_two_is_409_with_both(caller: Caller, world: World, verb: str) -> None:
    """Nothing is done to either; with the factory named it is unambiguous."""
    other = MemoryFactory(world.clock)
    other.declare("load")
    world.services = restarted(world, {"a": (FACTORY_ID, world.factory), "b": (FACTORY_ID + "-2", other)})
    for each in "ab":
        caller.post({"factory": each}, Idempotency_Key="twin")
    answer = caller.steer(verb, "twin", BODIES.get(verb))
    assert kind_of(answer) == (409, "ambiguous-run")
    assert {each["factory"] for each in body_of(answer)["choices"]} == {"a", "b"}
    assert world.factory.cancelled == other.cancelled == []
    chosen = caller.steer(verb, "twin", BODIES.get(verb), params={"factory": "a"})
    assert not str(body_of(chosen).get("type")).endswith("/ambiguous-run")


def test_the_requester_is_in_the_history_where_the_name_is_trusted() -> None:
    """The platform's name of the caller counts where authentication is on, as for starts."""
    for changes, by in (({}, None), ({"WEBSITE_AUTH_ENABLED": "True"}, "ann@example.org")):
        world = World(settings=settings(**changes))
        world.factory.declare("load")
        caller = Caller(world)
        caller.post({}, Idempotency_Key="key")
        caller.steer("cancel", "key", x_ms_client_principal_name="ann@example.org")
        assert body_of(caller.get("key"))["history"][0]["by"] == by


def test_a_rerun_is_202_and_its_repetition_200(caller: Caller, world: World) -> None:
    """Location and key are those of the new run; new parameters are refused with the reason."""
    caller.post({}, Idempotency_Key="key")
    assert kind_of(caller.steer("rerun", "key")) == (409, "wrong-state")
    world.factory.finish(world.services.query.find("key").run_id, "Failed")
    caller.tick()
    answer = caller.steer("rerun", "key", {"mode": "fromFailure", "note": "again"}, Idempotency_Key="mine")
    view = body_of(answer)
    assert (answer.status_code, answer.headers["Location"]) == (202, "/api/runs/mine/result")
    assert (view["attempt"], view["groupId"], view["rerunOf"]) == (2, view["rerunOf"], view["rerunOf"])
    again = caller.steer("rerun", "key", {"mode": "fromFailure"}, Idempotency_Key="mine")
    assert (again.status_code, body_of(again)["runId"]) == (200, view["runId"])
    assert kind_of(caller.steer("rerun", "key", Idempotency_Key="mine")) == (422, "key-reused")
    faulty = caller.steer(
        "rerun", "key", {"parameters": {"day": 1}, "mode": "half", "activty": "x"}, Idempotency_Key=" "
    )
    faults = {fault["pointer"]: fault["message"] for fault in body_of(faulty)["errors"]}
    assert faults.keys() == {"/parameters", "/mode", "/activty", "Idempotency-Key"}
    assert "would silently drop these" in faults["/parameters"]


@pytest.mark.parametrize("query", ["", "?validateOnly=true"])
def test_a_key_may_be_required(query: str) -> None:
    """If the settings require it a request by HTTP without one is 400; a message uses its id as before."""
    world = World(settings=settings(ADF_TRIGGER_REQUIRE_IDEMPOTENCY_KEY="true"))
    world.factory.declare("load")
    caller = Caller(world)
    answer = caller.call("start_run", "POST", f"pipelines/load/runs{query}", body=b"{}")
    (fault,) = body_of(answer)["errors"]
    assert (answer.status_code, fault["pointer"]) == (400, "Idempotency-Key")
    assert "ADF_TRIGGER_REQUIRE_IDEMPOTENCY_KEY" in fault["message"]
    assert caller.post({}, Idempotency_Key="key").status_code == 202
    caller.message({"pipeline": "load"})
    assert len(world.factory.runs) == 2
