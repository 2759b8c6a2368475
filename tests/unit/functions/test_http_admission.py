"""The answers to a request for which there is no place."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from adf_trigger.client.answers import Answer, trouble_in
from adf_trigger.client.errors import AtCapacity
from tests.support.admitted import a_world, finish
from tests.support.waiting import until
from tests.support.world import STARTED, World
from tests.unit.functions.conftest import Caller

BODY = {"parameters": {"customer": "A"}}


@pytest.fixture
def world() -> World:
    """A service that refuses requests without a place."""
    return a_world(overflow="refuse")


def document(answer: Any) -> Any:
    """The JSON of an answer."""
    return json.loads(answer.get_body())


def test_a_request_without_a_place_is_a_problem_with_the_blocking_runs(caller: Caller, world: World) -> None:
    """It is 409; each run has its link, and the Python client raises it with them."""
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
    """The rerun is not kept."""
    caller.post(BODY, Idempotency_Key="a-1")
    finish(world, "a-1", "Failed")
    world.tick(after=15)
    caller.post(BODY, Idempotency_Key="a-2")
    answer = caller.steer("rerun", "a-1", {})
    assert answer.status_code == 409
    assert [each["requestId"] for each in document(answer)["inTheWay"]] == ["a-2"]


def test_a_request_that_waits_for_a_place_shows_that() -> None:
    """Its reason says so, while its status is Accepted."""
    caller = Caller(a_world())
    caller.post(BODY, Idempotency_Key="a-1")
    assert caller.post(BODY, Idempotency_Key="a-2").status_code == 202
    shown = document(caller.get("a-2"))
    assert (shown["status"], shown["admissionKey"]) == ("Accepted", '"A"')
    assert shown["reason"].startswith("it waits for a place: at most 1 run of load")


def test_a_call_that_waits_is_answered_with_the_present_state() -> None:
    """The run may have been started since the call came."""
    world = a_world()
    caller = Caller(world)
    caller.post(BODY, Idempotency_Key="a-1")
    with ThreadPoolExecutor(1) as aside:
        answer = aside.submit(caller.post, BODY, Idempotency_Key="a-2", Prefer="wait=3")
        until(lambda: world.services.waiter.waiting == 1, 60)
        finish(world, "a-1")
        world.tick(after=15)
        shown = document(answer.result(60))
    assert shown["status"] in STARTED


def test_a_call_with_secrets_does_not_wait_for_a_place() -> None:
    """It is answered immediately: it has to come again for its run to be started."""
    world = a_world()
    caller = Caller(world)
    caller.post(BODY, Idempotency_Key="a-1")
    secret = {"parameters": {"customer": "A", "secret": "hunter2"}}
    began = time.monotonic()
    answer = caller.post(secret, Idempotency_Key="a-2", Prefer="wait=200")
    assert time.monotonic() - began < 100
    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (202, None)
    assert document(answer)["reason"].startswith("it waits for its caller")
    finish(world, "a-1")
    world.tick(after=15)
    again = caller.post(secret, Idempotency_Key="a-2")
    assert document(again)["status"] in STARTED
