"""By HTTP: an id of several runs, and runs of factories that are no longer configured."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func

from tests.support.memory_factory import MemoryFactory
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, World
from tests.unit.functions.conftest import Caller

OTHER = FACTORY_ID + "-2"


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


def followed(caller: Caller, link: str) -> Any:
    """The content behind a link."""
    url = urlsplit(link)
    run, _, result = url.path.partition("/runs/")[2].partition("/")
    request = func.HttpRequest(
        "GET", f"http://h{link}", params=dict(parse_qsl(url.query)), route_params={"id": run}, body=b""
    )
    answer = caller.ask("get_run_result" if result else "get_run", request)
    assert answer.status_code in {200, 202}, answer.get_body()
    return body_of(answer)


def with_two(world: World) -> None:
    """Two factories, configured as a and b."""
    other = MemoryFactory(world.clock)
    other.declare("load")
    world.services = restarted(world, {"a": (FACTORY_ID, world.factory), "b": (OTHER, other)})


def test_an_id_of_two_runs_is_answered_with_a_link_to_each(caller: Caller, world: World) -> None:
    """It is 409, a problem, and each link leads to one run; with the factory named it is unambiguous."""
    with_two(world)
    runs = {each: body_of(caller.post({"factory": each}, Idempotency_Key="twin"))["runId"] for each in "ab"}
    answer = caller.get("twin")
    problem = body_of(answer)
    assert (answer.status_code, answer.mimetype) == (409, "application/problem+json")
    assert problem["type"].endswith("/ambiguous-run")
    assert {each["factory"]: each["runId"] for each in problem["choices"]} == runs
    for each in problem["choices"]:
        assert followed(caller, each["link"])["runId"] == each["runId"]
    assert body_of(caller.get("twin", factory="b"))["runId"] == runs["b"]


def test_a_key_that_is_a_run_id_is_answered_with_a_link_to_each(caller: Caller) -> None:
    """Even where each of two keys is the other's runId, every link leads to its own run."""
    run_id = body_of(caller.post({}, Idempotency_Key="first"))["runId"]
    caller.post({}, Idempotency_Key=run_id)
    problem = body_of(caller.get(run_id))
    assert problem["status"] == 409
    assert {followed(caller, each["link"])["requestId"] for each in problem["choices"]} == {"first", run_id}


def test_with_several_factories_a_location_names_its_own(caller: Caller, world: World) -> None:
    """The Location leads to that run, whichever other run has its key."""
    with_two(world)
    for each in "ab":
        answer = caller.post({"factory": each}, Idempotency_Key="twin")
        assert followed(caller, answer.headers["Location"])["runId"] == body_of(answer)["runId"]


def test_a_location_outlives_the_names_of_the_settings(caller: Caller, world: World) -> None:
    """Aliases that are renamed, swapped or dropped lead no caller to another run, or to none."""
    with_two(world)
    a, b = (caller.post({"factory": each}, Idempotency_Key="twin") for each in "ab")
    here, other = (FACTORY_ID, world.factory), (OTHER, MemoryFactory(world.clock))
    for factories in ({"a": other, "b": here}, {"c": here, "d": other}, {"b": other}, {"x": here}):
        world.services = restarted(world, factories)
        world.clock.forward(60)
        for answer in (a, b):
            found = followed(caller, answer.headers["Location"])
            assert found["runId"] == body_of(answer)["runId"]


def test_by_selects_the_kind_of_id(caller: Caller) -> None:
    """An unknown value is a fault."""
    caller.post({}, Idempotency_Key="key")
    assert caller.get("key", by="requestId").status_code == 200
    assert caller.get("key", by="runId").status_code == 404
    answer = caller.get("key", by="name")
    assert (answer.status_code, body_of(answer)["errors"][0]["pointer"]) == (400, "by")


def test_unfinished_requests_of_unconfigured_factories_are_in_the_health_details(
    caller: Caller, world: World
) -> None:
    """They show which factory is missing, how many wait, since when, and when they are published; health stays ok."""
    caller.post({}, Idempotency_Key="key")
    other = MemoryFactory(world.clock)
    world.services = restarted(world, {"default": (OTHER, other)})
    caller.tick()
    details = caller.call("health_details", "GET", "health/details")
    assert details.status_code == 200
    (stranger,) = body_of(details)["unfinishedStrangers"]
    assert (stranger["factory"], stranger["unfinished"]) == (FACTORY_ID, 1)
    assert stranger["since"] < stranger["publishedAsUnknownAt"]
    assert body_of(caller.get("key"))["factory"] == FACTORY_ID


def test_a_query_that_names_another_factory_than_the_body_is_a_fault(caller: Caller, world: World) -> None:
    """Neither is silently ignored; naming the same one twice is allowed."""
    with_two(world)

    def asked(in_query: str) -> func.HttpResponse:
        request = func.HttpRequest(
            "POST",
            "http://h/api/pipelines/load/runs",
            params={"factory": in_query},
            route_params={"pipeline": "load"},
            body=b'{"factory": "a"}',
        )
        return caller.ask("start_run", request)

    refused = asked("b")
    assert refused.status_code == 400
    assert body_of(refused)["errors"][0]["message"] == "the query names another factory than the body"
    assert world.factory.runs == {}
    assert asked("a").status_code == 202
