"""A request for which there is no place, as its caller sees it."""

import json
from typing import Any

import pytest

from adf_trigger.client.answers import Answer, trouble_in
from adf_trigger.client.errors import AtCapacity
from tests.support.admitted import a_world, finish
from tests.support.world import World
from tests.unit.functions.conftest import Caller

BODY = {"parameters": {"customer": "A"}}


@pytest.fixture
def world() -> World:
    """A service that refuses what has no place."""
    return a_world(overflow="refuse")


def document(answer: Any) -> Any:
    """The JSON of an answer."""
    return json.loads(answer.get_body())


def test_a_request_without_a_place_is_a_problem_with_the_runs_in_the_way(
    caller: Caller, world: World
) -> None:
    """409; each of them has its link, and the Python client raises it with them."""
    first = document(caller.post(BODY, Idempotency_Key="a-1"))
    answer = caller.post(BODY, Idempotency_Key="a-2")
    body = document(answer)
    assert (answer.status_code, body["type"].rpartition("/")[2]) == (409, "at-capacity")
    (in_the_way,) = body["inTheWay"]
    assert in_the_way["runId"] == first["runId"]
    assert document(caller.follow(in_the_way["link"]))["requestId"] == "a-1"
    error = trouble_in(Answer(409, {}, answer.get_body())).error
    assert isinstance(error, AtCapacity)
    assert [each.request_id for each in error.in_the_way] == ["a-1"]
    assert caller.get("a-2").status_code == 404
    finish(world, "a-1")
    world.tick(after=15)
    assert caller.post(BODY, Idempotency_Key="a-2").status_code == 202


def test_a_rerun_without_a_place_is_the_same_problem(caller: Caller, world: World) -> None:
    """Nothing is kept of it."""
    caller.post(BODY, Idempotency_Key="a-1")
    finish(world, "a-1", "Failed")
    world.tick(after=15)
    caller.post(BODY, Idempotency_Key="a-2")
    answer = caller.steer("rerun", "a-1", {})
    assert answer.status_code == 409
    assert [each["requestId"] for each in document(answer)["inTheWay"]] == ["a-2"]


def test_a_request_that_waits_for_a_place_says_so() -> None:
    """In its reason, while its status is Accepted."""
    caller = Caller(a_world())
    caller.post(BODY, Idempotency_Key="a-1")
    assert caller.post(BODY, Idempotency_Key="a-2").status_code == 202
    shown = document(caller.get("a-2"))
    assert (shown["status"], shown["admissionKey"]) == ("Accepted", '"A"')
    assert shown["reason"].startswith("it waits for a place: at most 1 run of load")
