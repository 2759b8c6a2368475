"""POST /runs: many starts in one call, each independent."""

import json
from typing import Any

import azure.functions as func
import pytest

from adf_trigger.errors import LedgerError
from tests.support.memory_factory import MemoryFactory
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, World, settings
from tests.unit.functions.conftest import Caller


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


def post(caller: Caller, *runs: Any, **headers: str) -> list[Any]:
    """The results of a batch."""
    answer = caller.call("start_runs", "POST", "runs", body=json.dumps({"runs": runs}).encode(), **headers)
    assert answer.status_code == 200, answer.get_body()
    results: list[Any] = body_of(answer)["runs"]
    return results


def kinds(results: list[Any]) -> list[tuple[int, str]]:
    """The status of each result, with the key of its run or the kind of its problem."""
    return [
        (
            each["status"],
            each["run"]["requestId"] if "run" in each else each["problem"]["type"].rpartition("/")[2],
        )
        for each in results
    ]


@pytest.fixture
def world() -> World:
    """A service with a pipeline that takes a number, and one that takes a secret."""
    world = World()
    world.factory.declare("load", n={"type": "Int"})
    world.factory.declare("vault", password={"type": "SecureString"})
    return world


def test_all_are_claimed_in_order_and_the_timer_starts_them(caller: Caller, world: World) -> None:
    """A hundred starts are accepted in one call and sent by the next tick, in the order given."""
    runs = [{"pipeline": "load", "requestId": f"k-{n}", "parameters": {"n": n}} for n in range(100)]
    results = post(caller, *runs)
    assert kinds(results) == [(202, f"k-{n}") for n in range(100)]
    assert {each["run"]["status"] for each in results} == {"Accepted"}
    assert world.factory.runs == {}
    for _ in range(4):
        world.tick(after=15)
    assert sorted(run.parameters["n"] for run in world.factory.runs.values()) == list(range(100))


def test_a_faulty_start_never_stops_the_others(caller: Caller, world: World) -> None:
    """Each faulty one has its problem as in the single call, with places relative to itself."""
    post(caller, {"pipeline": "load", "requestId": "used", "parameters": {"n": 0}})
    results = post(
        caller,
        {"pipeline": "load", "requestId": "a", "parameters": {"n": 1}},
        {"pipeline": "load", "requestId": "b", "parameters": {"n": "x", "m": 1}, "surprise": 1},
        {"pipeline": "load", "requestId": "c", "parameters": {"n": "x", "m": 1}},
        {"pipeline": "nowhere", "requestId": "d"},
        {"pipeline": "load", "requestId": "used", "parameters": {"n": 9}},
        {"pipeline": "load", "requestId": "used", "parameters": {"n": 0}},
        "load",
        {"pipeline": "load", "factory": "other"},
        {"pipeline": "load", "parameters": {"n": 1}, "metadata": {"x": "y" * 70_000}},
        {"pipeline": "load", "requestId": "e", "parameters": {"n": 2}},
    )
    assert kinds(results) == [
        (202, "a"),
        (400, "invalid-request"),
        (400, "invalid-request"),
        (404, "pipeline-not-found"),
        (422, "key-reused"),
        (200, "used"),
        (400, "invalid-request"),
        (400, "invalid-request"),
        (413, "too-large"),
        (202, "e"),
    ]
    assert {fault["pointer"] for fault in results[2]["problem"]["errors"]} == {
        "/parameters/n",
        "/parameters/m",
    }
    assert [fault["pointer"] for fault in results[1]["problem"]["errors"]] == ["/surprise"]
    assert [fault["pointer"] for fault in results[7]["problem"]["errors"]] == ["/factory"]
    world.tick(after=15)
    assert len(world.factory.runs) == 3


def test_the_same_start_twice_is_one(caller: Caller) -> None:
    """This holds within a batch and across batches; another start under its key is a conflict; keyless ones differ."""
    one = {"pipeline": "load", "requestId": "k", "parameters": {"n": 1}}
    other = {**one, "parameters": {"n": 2}}
    assert kinds(post(caller, one, one, other)) == [(202, "k"), (200, "k"), (422, "key-reused")]
    assert kinds(post(caller, one)) == [(200, "k")]
    first, second = post(caller, *[{"pipeline": "load", "parameters": {"n": 1}}] * 2)
    assert first["run"]["requestId"] != second["run"]["requestId"]


def test_a_duplicate_name_is_the_fault_of_its_start(caller: Caller) -> None:
    """JSON itself does not exclude it; the fault is reported for the entry that has it."""
    text = (
        b'{"runs": [{"pipeline": "load", "pipeline": "load"}, {"pipeline": "load", "parameters": {"n": 1}}]}'
    )
    results = body_of(caller.call("start_runs", "POST", "runs", body=text))["runs"]
    assert [each["status"] for each in results] == [400, 202]
    assert results[0]["problem"]["errors"] == [{"pointer": "/pipeline", "message": "occurs more than once"}]


def test_a_start_with_secrets_is_sent_directly(caller: Caller, world: World) -> None:
    """Its values are not kept for the timer."""
    secret = {"pipeline": "vault", "requestId": "s", "parameters": {"password": "hunter2"}}
    (result,) = post(caller, secret)
    assert (result["status"], result["run"]["status"]) == (202, "Queued")
    assert len(world.factory.runs) == 1
    assert "hunter2" not in json.dumps(result)


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        (b"", 400, {""}),
        (b"[]", 400, {""}),
        (b'{"runs": {}}', 400, {"/runs"}),
        (b'{"runs": []}', 400, {"/runs"}),
        (json.dumps({"runs": [{"pipeline": "load"}] * 101}).encode(), 400, {"/runs"}),
        (b'{"runs": [{}], "factory": "x"}', 400, {"/factory"}),
        (b'{"runs": [{}], "runs": [{}]}', 400, {"/runs"}),
        (b"x" * 262_145, 413, None),
    ],
)
def test_a_malformed_batch_is_refused_whole(
    caller: Caller, world: World, body: bytes, status: int, pointers: set[str] | None
) -> None:
    """No start of it is accepted."""
    answer = caller.call("start_runs", "POST", "runs", body=body)
    assert answer.status_code == status
    if pointers is not None:
        assert {fault["pointer"] for fault in body_of(answer)["errors"]} == pointers
    assert list(world.ledger.active(FACTORY_ID)) == []


def test_keys_are_given_in_the_entries(caller: Caller) -> None:
    """A header would apply to all: it is refused; where keys are required each entry has to have one."""
    body = json.dumps({"runs": [{"pipeline": "load", "parameters": {"n": 1}}]}).encode()
    answer = caller.call("start_runs", "POST", "runs", body=body, Idempotency_Key="k")
    assert (answer.status_code, body_of(answer)["errors"][0]["pointer"]) == (400, "Idempotency-Key")
    world = World(settings=settings(ADF_TRIGGER_REQUIRE_IDEMPOTENCY_KEY="true"))
    world.factory.declare("load")
    results = post(Caller(world), {"pipeline": "load"}, {"pipeline": "load", "requestId": "k"})
    assert kinds(results) == [(400, "invalid-request"), (202, "k")]
    assert results[0]["problem"]["errors"][0]["pointer"] == "/requestId"


def test_the_default_factory_may_be_named_once(caller: Caller, world: World) -> None:
    """The query names it, for the entries that name none."""
    other = MemoryFactory(world.clock)
    other.declare("load", n={"type": "Int"})
    world.services = restarted(world, {"a": (FACTORY_ID, world.factory), "b": (FACTORY_ID + "-2", other)})
    start = {"pipeline": "load", "parameters": {"n": 1}}
    body = json.dumps({"runs": [start, {**start, "factory": "a"}]}).encode()
    results = body_of(caller.call("start_runs", "POST", "runs?factory=b", body=body))["runs"]
    assert [each["run"]["factory"] for each in results] == ["b", "a"]


def test_a_ledger_out_of_reach_is_not_called_a_hundred_times(caller: Caller, world: World) -> None:
    """After three failures the others get the same answer directly; none of them is lost or partly accepted."""
    world.ledger.before["claim"] = [LedgerError("away") for _ in range(100)]
    results = post(
        caller, *[{"pipeline": "load", "requestId": f"k-{n}", "parameters": {"n": n}} for n in range(50)]
    )
    assert {each["status"] for each in results} == {503}
    assert len(world.ledger.before["claim"]) == 97
    assert list(world.ledger.active(FACTORY_ID)) == []


def test_a_batch_has_a_time_limit(caller: Caller, world: World) -> None:
    """A start that is not begun by then is answered 503."""
    now = iter(range(0, 10_000, 25))
    world.services.batch._seconds = lambda: float(next(now))
    results = post(
        caller, *[{"pipeline": "load", "requestId": f"k-{n}", "parameters": {"n": n}} for n in range(4)]
    )
    assert kinds(results) == [(202, "k-0"), (202, "k-1"), (503, "try-later"), (503, "try-later")]
