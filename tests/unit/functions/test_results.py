"""GET /runs/{id}/result, for clients that poll by status."""

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import azure.functions as func
import pytest

from adf_trigger.errors import BadRequest
from tests.support.world import World
from tests.unit.functions.conftest import Caller


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


def start(caller: Caller, query: str = "", **headers: str) -> func.HttpResponse:
    """POST /pipelines/load/runs."""
    url = f"http://host/api/pipelines/load/runs{query}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    params = {name: values[0] for name, values in parse_qs(query.lstrip("?")).items()}
    route = {"pipeline": "load"}
    return caller.ask(
        "start_run", func.HttpRequest("POST", url, headers=named, params=params, route_params=route, body=b"")
    )


def follow(caller: Caller, link: str, **headers: str) -> func.HttpResponse:
    """GET of a link to a result."""
    parts = urlsplit(link)
    key = unquote(parts.path.split("/runs/")[1].removesuffix("/result"))
    params = {name: values[0] for name, values in parse_qs(parts.query).items()}
    request = func.HttpRequest(
        "GET", f"http://h{link}", headers=headers, params=params, route_params={"id": key}, body=b""
    )
    return caller.ask("get_run_result", request)


def ended(world: World, status: str) -> None:
    """End the runs in Data Factory, and have a tick see it."""
    for run_id in world.factory.runs:
        world.factory.finish(run_id, status)
    world.tick(after=20)


def test_it_is_202_until_the_end_and_then_200(caller: Caller, world: World) -> None:
    """Each 202 gives the address and time to ask again; a client that follows it ends with the run."""
    taken = start(caller, Idempotency_Key="a/b")
    assert (taken.status_code, taken.headers["Location"]) == (202, "/api/runs/a~2Fb/result")
    again = follow(caller, taken.headers["Location"])
    assert (again.status_code, again.headers["Location"]) == (202, taken.headers["Location"])
    assert int(again.headers["Retry-After"]) > 0
    assert body_of(again)["links"]["result"] == taken.headers["Location"]
    ended(world, "Failed")
    result = follow(caller, again.headers["Location"])
    assert (result.status_code, body_of(result)["status"]) == (200, "Failed")
    assert "Retry-After" not in result.headers


@pytest.mark.parametrize("status", ["Failed", "Cancelled"])
def test_a_failure_is_an_error_status_on_request(caller: Caller, world: World, status: str) -> None:
    """It is 424 with the reason and the run, by the given link and by one that a caller has built."""
    taken = start(caller, "?onFailure=error", Idempotency_Key="k")
    assert follow(caller, taken.headers["Location"]).status_code == 202
    ended(world, status)
    for link in (taken.headers["Location"], "/api/runs/k/result"):
        result = follow(caller, link)
        problem = body_of(result)
        assert (result.status_code, result.mimetype) == (424, "application/problem+json")
        assert problem["type"].endswith("/run-failed")
        assert status in problem["detail"]
        assert (problem["run"]["requestId"], problem["run"]["status"]) == ("k", status)
    assert caller.get("k").status_code == 200


def test_a_success_is_no_error(caller: Caller, world: World) -> None:
    """It is 200 in either mode."""
    taken = start(caller, "?onFailure=error")
    ended(world, "Succeeded")
    assert follow(caller, taken.headers["Location"]).status_code == 200


def test_a_run_that_was_finally_rejected_is_an_error_too(caller: Caller, world: World) -> None:
    """A polling client learns that no run will come."""
    world.factory.before["create_run"] = [BadRequest("no such thing", status=400)]
    with_error = start(caller, "?onFailure=error", Idempotency_Key="k")
    assert with_error.status_code == 400
    result = follow(caller, "/api/runs/k/result")
    assert (result.status_code, body_of(result)["run"]["status"]) == (424, "Rejected")


def test_a_repeat_may_choose_the_other_mode(caller: Caller, world: World) -> None:
    """The choice is no part of the request: the request keeps the first one, and a repeat's is in its own Location."""
    start(caller, Idempotency_Key="plain")
    repeat = start(caller, "?onFailure=error", Idempotency_Key="plain")
    start(caller, "?onFailure=error", Idempotency_Key="strict")
    loose = start(caller, Idempotency_Key="strict")
    assert (repeat.status_code, loose.status_code) == (202, 202)
    ended(world, "Failed")
    assert follow(caller, "/api/runs/plain/result").status_code == 200
    assert follow(caller, repeat.headers["Location"]).status_code == 424
    assert follow(caller, loose.headers["Location"]).status_code == 424
    assert len(world.factory.runs) == 2


def test_a_repeat_of_a_polling_client_is_answered_by_status(caller: Caller, world: World) -> None:
    """It would take a 200 as the end: it gets 202 until the end, and then the result."""
    start(caller, "?onFailure=error", Idempotency_Key="k")
    assert start(caller, "?onFailure=error", Idempotency_Key="k").status_code == 202
    ended(world, "Failed")
    assert start(caller, "?onFailure=error", Idempotency_Key="k").status_code == 424
    assert start(caller, "?onFailure=error", Idempotency_Key="k", Prefer="wait=5").status_code == 424
    assert len(world.factory.runs) == 1


@pytest.mark.parametrize("query", ["?onFailure=fail", "?onFailure=", "?onFailure", "?onfailure=error"])
def test_an_invalid_parameter_starts_nothing(caller: Caller, world: World, query: str) -> None:
    """It is 400 and names the parameter."""
    answer = start(caller, query)
    assert answer.status_code == 400
    assert "nfailure" in str(body_of(answer)["errors"]).lower()
    assert world.factory.runs == {}


def test_a_result_may_be_waited_for(caller: Caller) -> None:
    """It is 202 once the time is over."""
    taken = start(caller)
    answer = follow(caller, taken.headers["Location"], Prefer="wait=1")
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=1")


def test_a_rejected_messages_result_is_its_rejection(caller: Caller) -> None:
    """It has ended, and errors by status were not requested."""
    caller.message({"pipeline": "nowhere"}, message_id="m-9")
    result = follow(caller, "/api/runs/m-9/result")
    assert (result.status_code, body_of(result)["status"]) == (200, "Rejected")
    assert follow(caller, "/api/runs/none/result").status_code == 404


def test_a_key_that_is_a_runid_is_followed_to_its_own_result(caller: Caller, world: World) -> None:
    """A pipeline that was started here may use its own runId as key of a start, and follow Location."""
    parent = body_of(start(caller, Idempotency_Key="parent"))["runId"]
    taken = start(caller, Idempotency_Key=parent)
    assert taken.headers["Location"] == f"/api/runs/{parent}/result?by=requestId"
    again = follow(caller, taken.headers["Location"])
    assert (again.status_code, again.headers["Location"]) == (202, taken.headers["Location"])
    ended(world, "Succeeded")
    result = follow(caller, again.headers["Location"])
    assert (result.status_code, body_of(result)["requestId"]) == (200, parent)


def test_all_faults_of_a_query_are_listed_together(caller: Caller) -> None:
    """Unknown names and empty known ones are in one answer."""
    start(caller, Idempotency_Key="k")
    answer = follow(caller, "/api/runs/k/result?by=x&onFailure=y&z=1")
    assert answer.status_code == 400
    assert {fault["pointer"] for fault in body_of(answer)["errors"]} == {"by", "onFailure", "z"}
    for function, method, path in (("get_run", "GET", "runs/k"), ("cancel_run", "POST", "runs/k/cancel")):
        answer = caller.call(function, method, f"{path}?by=x&z=1")
        assert {fault["pointer"] for fault in body_of(answer)["errors"]} == {"by", "z"}
