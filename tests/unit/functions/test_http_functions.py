"""The HTTP functions: what callers send and the answers that they get."""

import json
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.errors import (
    BadRequest,
    Forbidden,
    LedgerError,
    NotSent,
    ResourceNotFound,
    ScopeNotFound,
    Throttled,
    Unauthorized,
)
from adf_trigger.functions.problems import PROBLEM_ROOT, PROBLEM_TYPES
from tests.support.world import FACTORY_ID, World, settings
from tests.unit.functions.conftest import Caller


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


def test_a_request_is_accepted_with_its_location_and_its_key(caller: Caller) -> None:
    """202 comes with the run, its Location, a Retry-After and the generated key."""
    response = caller.post({"correlationId": "c", "metadata": {"a": "b"}})
    run = body_of(response)
    assert response.status_code == 202
    assert response.headers["Location"] == f"/api/runs/{run['requestId']}/result?by=requestId"
    assert response.headers["Idempotency-Key"] == f'"{run["requestId"]}"'
    assert int(response.headers["Retry-After"]) > 0
    assert (run["status"], run["pipeline"], run["factory"]) == ("Queued", "load", "default")
    assert (run["correlationId"], run["metadata"]) == ("c", {"a": "b"})
    assert run["links"]["studio"].startswith("https://adf.azure.com/monitoring/pipelineruns/" + run["runId"])


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [("*/15 * * * * *", "15"), ("*/2 * * * * *", "2"), ("0 * * * * *", "60"), ("0 0 6 * * *", "300")],
)
def test_retry_after_follows_the_schedule(schedule: str, seconds: str) -> None:
    """Asking more often than the timer looks shows nothing new; with a rare timer, readers' looks count."""
    world = World(settings=settings(ADF_TRIGGER_POLL_SCHEDULE=schedule))
    world.factory.declare("load")
    caller = Caller(world)
    assert caller.post({}, Idempotency_Key="k").headers["Retry-After"] == seconds
    assert caller.get("k").headers["Retry-After"] == seconds
    world.factory.finish(world.services.query.find("k").run_id)
    world.tick(after=15)
    assert "Retry-After" not in caller.get("k").headers


def test_an_empty_body_asks_for_nothing_special(caller: Caller) -> None:
    """Every field of the body is optional, and so is the body."""
    assert caller.post(b"").status_code == 202


@pytest.mark.parametrize("header", ["my-key", '"my-key"', '  "my-key" '])
def test_the_same_key_gets_the_same_run_quoted_or_bare(caller: Caller, world: World, header: str) -> None:
    """A replay answers 200 with the run of the first request."""
    first = caller.post({}, Idempotency_Key="my-key")
    again = caller.post({}, Idempotency_Key=header)
    assert (first.status_code, again.status_code) == (202, 200)
    assert body_of(first)["runId"] == body_of(again)["runId"]
    assert len(world.factory.runs) == 1


def test_another_body_under_the_key_is_422(caller: Caller) -> None:
    """The same key with another request is a problem of its own type."""
    caller.post({"startActivityName": "a"}, Idempotency_Key="k")
    response = caller.post({"startActivityName": "b"}, Idempotency_Key="k")
    assert response.status_code == 422
    assert body_of(response)["type"] == PROBLEM_ROOT + "key-reused"


def test_all_faults_are_listed_together(caller: Caller) -> None:
    """Header, body and path faults come in one answer, each with its place."""
    response = caller.post(
        {"parameters": [], "extra": 1, "metadata": {"a": 2}, "correlationId": ""},
        pipeline="a/b",
        Idempotency_Key="x" * 256,
    )
    problem = body_of(response)
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
    assert {error["pointer"] for error in problem["errors"]} == {
        "Idempotency-Key",
        "pipeline",
        "/parameters",
        "/extra",
        "/metadata/a",
        "/correlationId",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b"{'a': 1}",
        b'{"parameters": {"a": 1}',
        b'{"factory": "nowhere"}',
        b'{"referencePipelineRunId": "no guid"}',
        b'{"isRecovery": "perhaps"}',
        b"{" * 5000,
        b'{"parameters": NaN}',
    ],
)
def test_malformed_bodies_are_problems(caller: Caller, world: World, body: bytes) -> None:
    """A body that cannot be read is a 400 with a reason, and starts nothing."""
    response = caller.post(body)
    assert response.status_code == 400
    assert body_of(response)["errors"]
    assert world.factory.runs == {}


@given(body=st.binary(max_size=200), key=st.text(max_size=140), pipeline=st.text(max_size=300))
def test_no_input_of_a_caller_raises(body: bytes, key: str, pipeline: str) -> None:
    """Any bytes, key and name get a run or a problem, never an exception."""
    world = World()
    world.factory.declare("load")
    response = Caller(world).post(body, pipeline=pipeline, Idempotency_Key=key)
    assert response.status_code in (202, 400, 404)


def test_a_body_over_the_limit_is_413(caller: Caller) -> None:
    """A limit of our own, far below the host's."""
    assert caller.post(b" " * 65_537).status_code == 413


@pytest.mark.parametrize(
    ("operation", "error", "status", "slug"),
    [
        ("get_pipeline", ResourceNotFound("no", status=404, code="NotFound"), 404, "pipeline-not-found"),
        ("get_pipeline", ScopeNotFound("no", status=404, code="ResourceNotFound"), 503, "try-later"),
        ("get_pipeline", Forbidden("no role", status=403), 503, "try-later"),
        ("create_run", BadRequest("no", status=400), 400, "refused"),
    ],
)
def test_refusals_of_data_factory_are_distinguished(
    caller: Caller, world: World, operation: str, error: Exception, status: int, slug: str
) -> None:
    """A fault of the caller is a 4xx; trouble of the factory is a 503 with its reason."""
    world.factory.fail_next(operation, error)
    response = caller.post({})
    assert (response.status_code, body_of(response)["type"]) == (status, PROBLEM_ROOT + slug)


def test_a_missing_role_is_named_with_the_role_to_grant(caller: Caller, world: World) -> None:
    """The caller is asked to come again, and the operator reads the remedy."""
    world.factory.fail_next("get_pipeline", Forbidden("AuthorizationFailed: no role", status=403))
    response = caller.post({})
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    detail = body_of(response)["detail"]
    assert "AuthorizationFailed" in detail
    assert "Data Factory Contributor" in detail


@pytest.mark.parametrize(
    "error", [NotSent("down"), Throttled("slow", retry_after=9), Unauthorized("no", status=401)]
)
def test_an_outage_of_data_factory_is_accepted(caller: Caller, world: World, error: Exception) -> None:
    """The caller gets 202; the timer starts the run."""
    world.factory.fail_next("create_run", error)
    response = caller.post({})
    assert (response.status_code, body_of(response)["status"]) == (202, "Accepted")
    assert body_of(response)["runId"] is None


def test_an_outage_of_the_ledger_is_503(caller: Caller, world: World) -> None:
    """A request that cannot be kept is not accepted, and may come again."""
    world.ledger.before["claim"] = [LedgerError("the table is away")]
    response = caller.post({})
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


def test_a_run_is_found_by_either_id(caller: Caller) -> None:
    """requestId and runId lead to the same run; another id is 404."""
    run = body_of(caller.post({}, Idempotency_Key="k"))
    assert body_of(caller.get("k"))["runId"] == run["runId"]
    assert body_of(caller.get(run["runId"]))["requestId"] == "k"
    assert caller.get("nothing").status_code == 404
    assert caller.get("00000000-0000-0000-0000-000000000000").status_code == 404
    assert caller.get("k", factory="nowhere").status_code == 400
    assert caller.get("k", factory="default").status_code == 200


def test_one_of_two_factories_must_be_named() -> None:
    """With several factories a request names one, in the body or the query."""
    other = FACTORY_ID.replace("factory-one", "factory-two")
    world = World(settings=settings(ADF_TRIGGER_FACTORIES=json.dumps({"default": FACTORY_ID, "two": other})))
    assert set(world.settings.factories) == {"default", "two"}


def test_every_problem_type_has_its_own_name() -> None:
    """Types are distinct, so that a caller can distinguish them."""
    assert len({each.uri for each in PROBLEM_TYPES}) == len(PROBLEM_TYPES)


@pytest.mark.parametrize(("in_query", "status"), [("default", 202), ("nowhere", 400)])
def test_a_factory_in_the_query_is_never_ignored(
    caller: Caller, world: World, in_query: str, status: int
) -> None:
    """Where the body names one, too, both must be the same; an unknown one is a fault, and starts nothing."""
    request = func.HttpRequest(
        "POST",
        "http://host/api/pipelines/load/runs",
        params={"factory": in_query},
        route_params={"pipeline": "load"},
        body=b'{"factory": "default"}',
    )
    answer = caller.ask("start_run", request)
    assert answer.status_code == status
    assert (len(world.factory.runs) == 1) == (status == 202)
