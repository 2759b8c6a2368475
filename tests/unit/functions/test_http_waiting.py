"""Prefer: wait=N on POST and GET."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import azure.functions as func
import pytest

from adf_trigger.errors import Unavailable
from adf_trigger.functions_host.worker.context import InvocationContext
from tests.support.waiting import until
from tests.support.world import World
from tests.unit.functions.conftest import Caller

MINUTE = 60


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """Runs a call in another thread."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


def waiting_post(
    caller: Caller, world: World, aside: ThreadPoolExecutor, seconds: int = MINUTE
) -> "Future[func.HttpResponse]":
    """A POST that waits; it is waiting when this returns."""
    answer = aside.submit(caller.post, {}, Prefer=f"wait={seconds}", Idempotency_Key="k")
    until(lambda: world.services.waiter.waiting == 1, MINUTE)
    return answer


def finish(world: World, key: str = "k", status: str = "Succeeded") -> None:
    """End a run in Data Factory."""
    world.factory.finish(world.services.query.find(key).run_id, status)


def test_a_post_is_answered_as_soon_as_its_run_has_ended(
    caller: Caller, world: World, aside: ThreadPoolExecutor
) -> None:
    """It is 200 with the ended run, published, and Preference-Applied."""
    answer = waiting_post(caller, world, aside)
    finish(world)
    ended = answer.result(MINUTE)
    assert (ended.status_code, body_of(ended)["status"], body_of(ended)["ended"]) == (200, "Succeeded", True)
    assert ended.headers["Preference-Applied"] == f"wait={MINUTE}"
    assert "Retry-After" not in ended.headers
    assert [event.type for event in world.outbox.events] == ["dev.adf-trigger.run.succeeded"]
    assert len(world.factory.runs) == 1


def test_a_post_whose_run_stays_active_is_202(caller: Caller) -> None:
    """It has the location of its result, and says that its wait was honoured."""
    began = time.monotonic()
    answer = caller.post({}, Prefer="wait=1", Idempotency_Key="a/b")
    assert 0.9 < time.monotonic() - began < MINUTE
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=1")
    assert answer.headers["Location"] == "/api/runs/a~2Fb/result"
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("header", ["wait=soon", "respond-async", "@"])
def test_an_unsupported_preference_is_ignored(caller: Caller, header: str) -> None:
    """The answer is the same as without it."""
    answer = caller.post({}, Prefer=header)
    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (202, None)


def test_a_get_waits_too(caller: Caller, world: World, aside: ThreadPoolExecutor) -> None:
    """It is 200 in any case: with the ended run, or with its state once the time is over."""
    caller.post({}, Idempotency_Key="k")
    early = caller.call("get_run", "GET", "runs/k", Prefer="wait=1")
    assert (early.status_code, body_of(early)["ended"]) == (200, False)
    assert early.headers["Preference-Applied"] == "wait=1"
    answer = aside.submit(caller.call, "get_run", "GET", "runs/k", Prefer="wait=60")
    until(lambda: world.services.waiter.waiting == 1, MINUTE)
    finish(world, status="Failed")
    ended = answer.result(MINUTE)
    assert (ended.status_code, body_of(ended)["status"]) == (200, "Failed")
    assert ended.headers["Preference-Applied"] == "wait=60"


def test_an_ended_run_is_not_waited_for(caller: Caller, world: World) -> None:
    """A repeat and a GET are answered directly."""
    caller.post({}, Idempotency_Key="k")
    finish(world)
    world.tick(after=15)
    began = time.monotonic()
    for answer in (
        caller.post({}, Idempotency_Key="k", Prefer="wait=60"),
        caller.call("get_run", "GET", "runs/k", Prefer="wait=60"),
    ):
        assert (answer.status_code, body_of(answer)["status"]) == (200, "Succeeded")
        assert answer.headers["Preference-Applied"] == "wait=60"
    assert time.monotonic() - began < MINUTE / 2
    assert world.services.waiter.waiting == 0


def test_an_end_that_another_process_records_is_seen(
    caller: Caller, world: World, aside: ThreadPoolExecutor
) -> None:
    """The timer of another host may be first: its record is read."""
    answer = waiting_post(caller, world, aside)
    world.factory.always["get_run"] = Unavailable("no")
    stored = world.ledger.get(world.services.query.find("k").factory, "k")
    assert stored is not None
    finish(world)
    world.factory.always.clear()
    world.tick(after=15)
    assert body_of(answer.result(MINUTE))["status"] == "Succeeded"


def test_an_outage_does_not_end_a_wait(caller: Caller, world: World, aside: ThreadPoolExecutor) -> None:
    """A failed look is repeated."""
    world.factory.always["get_run"] = Unavailable("no")
    answer = waiting_post(caller, world, aside)
    until(lambda: world.factory.calls.count("get_run") >= 1, MINUTE)
    world.factory.always.clear()
    finish(world)
    assert body_of(answer.result(MINUTE))["status"] == "Succeeded"


def test_hundreds_wait_without_a_thread_and_share_the_looks(caller: Caller, world: World) -> None:
    """Hundreds of callers of as many runs cost a few queries of Data Factory in all, and a few threads."""
    many = 190
    start, threads = caller.function("start_run"), threading.active_count()

    def request(n: int) -> func.HttpRequest:
        headers = {"Idempotency-Key": f"k-{n}", "Prefer": "wait=60"}
        return func.HttpRequest(
            "POST", "http://h/api/x", headers=headers, route_params={"pipeline": "load"}, body=b""
        )

    async def test() -> list[func.HttpResponse]:
        calls: list[asyncio.Future[func.HttpResponse]] = []
        for n in range(many):
            calls.append(
                asyncio.ensure_future(start(request(n), InvocationContext(str(n), "start_run", ".")))
            )
            await asyncio.sleep(0.001)
        async with asyncio.timeout(MINUTE):
            while world.services.waiter.waiting < many:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.05)
        assert threading.active_count() - threads <= 32 + 8 + 1
        world.factory.calls.clear()
        for run_id in list(world.factory.runs):
            world.factory.finish(run_id)
        async with asyncio.timeout(MINUTE):
            return list(await asyncio.gather(*calls))

    answers = asyncio.run(test())
    odd = [body_of(answer) for answer in answers if answer.status_code != 200]
    assert odd == []
    assert len({body_of(answer)["runId"] for answer in answers}) == many == len(world.factory.runs)
    asked = [call for call in world.factory.calls if call != "query_activity_runs"]
    assert len(asked) < many / 4
    assert len(world.outbox.events) == many


def test_beyond_the_limit_of_waiting_calls_none_waits(caller: Caller, world: World) -> None:
    """It is answered directly, without Preference-Applied."""
    world.services.waiter._most = 0
    began = time.monotonic()
    answer = caller.post({}, Prefer="wait=60")
    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (202, None)
    assert time.monotonic() - began < MINUTE / 2
