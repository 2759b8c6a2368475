"""Everything around a request's body: query, headers, paths; how much is answered and logged."""

import json
import logging
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.errors import BadRequest
from tests.support.world import FACTORY_ID, World, settings
from tests.unit.functions.conftest import Caller

SECRET = "host-key-hush"


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


def start(caller: Caller, query: str = "", body: bytes = b"{}", **headers: str) -> func.HttpResponse:
    """POST with a raw query."""
    return caller.call("start_run", "POST", f"pipelines/load/runs{query}", body=body, **headers)


@pytest.mark.parametrize("query", ["?validateonly=true", "?Factory=default", "?wait=5&x=", "?caf%C3%A9=1"])
def test_an_unknown_query_parameter_is_a_fault(caller: Caller, world: World, query: str) -> None:
    """A typing error in the query starts nothing, and the known names are listed."""
    response = start(caller, query)
    assert response.status_code == 400
    assert "factory" in body_of(response)["errors"][0]["message"]
    assert world.factory.runs == {}


@pytest.mark.parametrize("query", ["?code=x", "?CODE=x&clientId=y", "?Code=&ClientID=z", "?factory=default"])
def test_the_platforms_own_parameters_are_accepted_everywhere(caller: Caller, query: str) -> None:
    """A function key may be in the query, in any letter case."""
    assert start(caller, query).status_code == 202
    assert caller.call("get_run", "GET", f"runs/k{query}").status_code == 404


@pytest.mark.parametrize("query", ["?code=" + SECRET, "?CODE=" + SECRET + "&factory=nowhere"])
def test_a_key_in_the_query_reaches_no_log_and_no_answer(
    caller: Caller, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the record of a refusal nor the problem repeats the query."""
    caplog.set_level(logging.DEBUG)
    response = start(caller, query, b"{")
    assert response.status_code == 400
    assert SECRET not in caplog.text
    assert SECRET.encode() not in response.get_body()
    assert SECRET not in str([vars(record) for record in caplog.records])


def test_a_chunked_body_that_was_lost_is_411(caller: Caller, world: World) -> None:
    """The platform passes nothing of a chunked body: the run would start with its defaults."""
    response = start(caller, body=b"", Transfer_Encoding="chunked")
    assert (response.status_code, body_of(response)["status"]) == (411, 411)
    assert world.factory.runs == {}
    assert start(caller, body=b"{}", Transfer_Encoding="chunked").status_code == 202


def test_the_callers_name_is_trusted_only_behind_app_service_authentication() -> None:
    """Any caller may write the header unless authentication is on; then it is kept within bounds."""
    for enabled, expected in (("", None), ("false", None), ("True", "x" * 256)):
        world = World(settings=settings(WEBSITE_AUTH_ENABLED=enabled))
        world.factory.declare("load")
        response = start(Caller(world), X_MS_CLIENT_PRINCIPAL_NAME="x" * 30_000)
        assert body_of(response)["requestedBy"] == expected


def test_ten_thousand_faults_are_a_short_answer_and_a_short_log(
    caller: Caller, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The known parameters are listed once, the faults are capped, and their number is given."""
    caplog.set_level(logging.INFO)
    world.factory.declare("wide", **{f"known{number:04}": {"type": "String"} for number in range(500)})
    body = {"parameters": {f"p{number}": 1 for number in range(4_000)}}
    response = caller.post(body, pipeline="wide")
    assert response.status_code == 400
    assert len(response.get_body()) < 40_000
    assert sum(len(record.getMessage()) for record in caplog.records) < 20_000
    assert "more faults" in body_of(response)["errors"][-1]["message"]
    assert response.get_body().decode().count("known0499") <= 1


def test_a_long_refusal_of_data_factory_is_cut(
    caller: Caller, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """For any text of the service, the answer and the log entry stay short."""
    caplog.set_level(logging.INFO)
    world.factory.fail_next("create_run", BadRequest("x" * 500_000, status=400))
    response = start(caller)
    assert response.status_code == 400
    assert len(response.get_body()) < 10_000
    assert (
        max(
            len(record.getMessage())
            for record in caplog.records
            if record.name.startswith("adf_trigger.functions")
        )
        < 6_000
    )


def test_null_for_a_parameter_without_a_default_counts_as_missing(caller: Caller, world: World) -> None:
    """createRun would fail at run time; with a default, null is left to Data Factory."""
    world.factory.declare("needs", day={"type": "String"}, hour={"type": "Int", "defaultValue": 1})
    response = caller.post({"parameters": {"day": None}}, pipeline="needs")
    assert [error["pointer"] for error in body_of(response)["errors"]] == ["/parameters/day"]
    assert caller.post({"parameters": {"day": "x", "hour": None}}, pipeline="needs").status_code == 202


def test_validate_only_makes_every_check_and_starts_nothing(caller: Caller, world: World) -> None:
    """The outcome is answered with 200, the key stays free, and nothing is kept."""
    world.factory.declare("load", day={"type": "String"}, token={"type": "SecureString", "defaultValue": ""})
    body = json.dumps({"parameters": {"day": "monday", "token": "hush"}}).encode()
    response = start(caller, "?validateOnly=true", body, Idempotency_Key="k")
    assert response.status_code == 200
    assert b"hush" not in response.get_body()
    assert body_of(response) == {
        "outcome": "start",
        "requestId": "k",
        "factory": "default",
        "pipeline": "load",
        "parameters": {"day": "monday", "token": "**********"},
        "run": None,
        **dict.fromkeys(("message", "hold", "inLine", "joinedTo")),
        "inTheWay": [],
    }
    assert world.factory.runs == {}
    assert world.ledger.get(FACTORY_ID, "k") is None
    assert world.outbox.events == []
    assert "create_run" not in world.factory.calls


def test_validate_only_shows_a_repeat_and_a_conflict(caller: Caller, world: World) -> None:
    """It answers the run of the earlier request, 422 for another body, 400 with all faults, 404 for no pipeline."""
    first = start(caller, body=b'{"correlationId": "c"}', Idempotency_Key="k")
    again = start(caller, "?validateOnly=true", b'{"correlationId": "c"}', Idempotency_Key="k")
    assert (again.status_code, body_of(again)["outcome"]) == (200, "repeat")
    assert body_of(again)["run"]["runId"] == body_of(first)["runId"]
    other = start(caller, "?validateOnly=true", b'{"startActivityName": "d"}', Idempotency_Key="k")
    assert other.status_code == 422
    faulty = start(
        caller, "?validateOnly=perhaps&x=1", b'{"parameters": [], "y": 1}', Idempotency_Key="x" * 256
    )
    assert {error["pointer"] for error in body_of(faulty)["errors"]} == {
        "validateOnly",
        "x",
        "/parameters",
        "/y",
        "Idempotency-Key",
    }
    assert len(world.factory.runs) == 1


@pytest.mark.parametrize(
    "query", ["?validateOnly", "?validateOnly=", "?validateOnly=1", "?validateOnly=TRUE"]
)
def test_validate_only_is_explicit(caller: Caller, world: World, query: str) -> None:
    """Any value but true and false is a fault; the host drops empty values, so the URL is examined."""
    assert start(caller, query).status_code == 400
    assert world.factory.runs == {}
    assert start(caller, "?validateOnly=false").status_code == 202


@given(
    host=st.text(max_size=20),
    query=st.text(max_size=60),
    params=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
    headers=st.dictionaries(
        st.sampled_from(
            ["idempotency-key", "transfer-encoding", "x-ms-client-principal-name", "content-type"]
        ),
        st.text(max_size=30),
    ),
    identifier=st.text(max_size=30),
)
def test_nothing_around_a_body_raises(
    host: str, query: str, params: dict[str, str], headers: dict[str, str], identifier: str
) -> None:
    """Any host, query, headers and ids get an answer of ours, never an exception."""
    world = World()
    world.factory.declare("load")
    caller = Caller(world)
    for function, path in (
        ("start_run", "pipelines/load/runs"),
        ("get_run", "runs/x"),
        ("health_details", "health"),
    ):
        request = func.HttpRequest(
            "POST",
            f"http://{host}/api/{path}?{query}",
            headers=headers,
            params=params,
            route_params={"pipeline": identifier, "id": identifier},
            body=b"{}",
        )
        assert caller.ask(function, request).status_code in {200, 202, 400, 404, 411, 503}


@pytest.mark.parametrize("query", ["", "?validateOnly=true"])
def test_a_request_that_leaves_its_record_no_room_is_400(query: str) -> None:
    """A body within the limit that cannot be kept is answered with its size; nothing is kept of it."""
    world = World(settings=settings(ADF_TRIGGER_MAX_BODY_BYTES="262144"))
    world.factory.declare("load", n={"type": "String"})
    body = json.dumps({"parameters": {"n": "\U0001f600" * 30_000}}, ensure_ascii=False).encode()
    response = start(Caller(world), query, body, Idempotency_Key="k")
    assert (response.status_code, world.factory.runs) == (400, {})
    (error,) = body_of(response)["errors"]
    assert error["pointer"] == "/parameters"
    assert "characters of JSON in ASCII, at most 300000" in error["message"]
    assert world.ledger.get(FACTORY_ID, "k") is None
