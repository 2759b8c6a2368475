"""A factory, a pipeline or a key is held and released by call."""

import json
import logging
from typing import Any

import azure.functions as func
import pytest

from adf_trigger.errors import LedgerError
from tests.support.resettled import restarted
from tests.support.world import FACTORY_ID, World, settings
from tests.unit.functions.conftest import Caller

REASON = {"reason": "deploying release 41"}
KEYED = '{"load": {"admission": {"atOnce": 50, "key": "parameters.customer"}}}'


def ask(
    caller: Caller, verb: str, body: Any = None, *, alias: str = "default", **headers: str
) -> func.HttpResponse:
    """POST /factories/{alias}/{verb}; header names are given with underscores."""
    request = func.HttpRequest(
        "POST",
        f"http://host/api/factories/{alias}/{verb}",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        route_params={"alias": alias},
        body=b"" if body is None else json.dumps(body).encode(),
    )
    return caller.ask(f"{verb}_factory", request)


def body_of(answer: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(answer.get_body())


def faults_of(answer: func.HttpResponse) -> set[str]:
    """The faults of a request."""
    assert answer.status_code == 400
    return {each["pointer"] for each in body_of(answer)["errors"]}


def test_held_requests_are_accepted_shown_and_started_on_release(caller: Caller) -> None:
    """They get 202 as usual, with the reason; within a tick of the release they run."""
    held = ask(caller, "hold", REASON)
    assert held.status_code == 200
    assert body_of(held) == {
        "factory": "default",
        "holds": [
            {
                "pipeline": None,
                "admissionKey": None,
                "reason": "deploying release 41",
                "since": "2026-01-05T12:00:00Z",
                "until": "2026-01-06T12:00:00Z",
                "by": None,
            }
        ],
        "warnings": [],
    }
    taken = caller.post({}, Idempotency_Key="k")
    assert taken.status_code == 202
    assert body_of(taken)["reason"] == (
        "the factory is held until 2026-01-06T12:00:00Z: deploying release 41"
    )
    assert body_of(ask(caller, "release")) == {"factory": "default", "holds": [], "warnings": []}
    caller.tick()
    assert body_of(caller.get("k"))["runId"] is not None


def test_the_operator_of_a_hold_is_shown_where_the_name_is_trusted(caplog: pytest.LogCaptureFixture) -> None:
    """The answer, waiting requests and the log show the name."""
    world = World(settings=settings(WEBSITE_AUTH_ENABLED="True"))
    world.factory.declare("load")
    caller = Caller(world)
    with caplog.at_level(logging.INFO):
        by = {"x_ms_client_principal_name": "ann@example.org"}
        ask(caller, "hold", {**REASON, "pipeline": "LOAD"}, **by)
        reason = body_of(caller.post({}))["reason"]
        ask(caller, "release", {"pipeline": "load"}, **by)
    assert reason.startswith("pipeline LOAD is held by ann@example.org until")
    records = [each for each in caplog.records if getattr(each, "action", "").startswith("requests_")]
    assert [(each.action, each.by, each.pipeline) for each in records] == [  # type: ignore[attr-defined]
        ("requests_held", "ann@example.org", "LOAD"),
        ("requests_released", "ann@example.org", "LOAD"),
    ]


def test_a_missing_pipeline_is_held_with_a_warning(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    """It may be deployed soon; the warning, also in the log, reveals a typing error; an existing one has none."""
    with caplog.at_level(logging.WARNING):
        held = body_of(ask(caller, "hold", {**REASON, "pipeline": "Laod"}))
    assert [each["pipeline"] for each in held["holds"]] == ["Laod"]
    assert held["warnings"] == ["the factory default has no pipeline Laod: it is held once there is one"]
    assert "hold_warned" in {getattr(each, "action", None) for each in caplog.records}
    assert body_of(ask(caller, "hold", {**REASON, "pipeline": "LOAD"}))["warnings"] == []
    assert body_of(ask(caller, "release", {"pipeline": "laod"}))["warnings"] == []


@pytest.mark.parametrize("verb", ["hold", "release"])
def test_an_unknown_alias_is_404(caller: Caller, verb: str) -> None:
    """It is a problem of its own that lists the known ones."""
    answer = ask(caller, verb, REASON if verb == "hold" else {}, alias="nowhere")
    assert answer.status_code == 404
    assert body_of(answer)["type"].endswith("/factory-not-found")
    assert "there is: default" in body_of(answer)["detail"]


def test_an_alias_is_written_as_an_id_is(world: World) -> None:
    """Any alias can be written in a path."""
    world.services = restarted(world, {"e/u": (FACTORY_ID, world.factory)})
    answer = ask(Caller(world), "hold", REASON, alias="e~2Fu")
    assert body_of(answer)["factory"] == "e/u"


def test_all_faults_are_listed(caller: Caller) -> None:
    """A hold needs a reason and an end in the future, with its zone."""
    assert faults_of(ask(caller, "hold")) == {"/reason"}
    wrong = {"reason": " ", "until": "2026-02-01T00:00:00", "pipeline": "a/b", "factory": "x"}
    assert faults_of(ask(caller, "hold", wrong)) == {"/reason", "/until", "/pipeline", "/factory"}
    assert faults_of(ask(caller, "hold", {**REASON, "reason": "x" * 301})) == {"/reason"}
    for until in ("2026-01-05T11:59:59Z", "2036-01-05T12:00:00Z"):
        assert faults_of(ask(caller, "hold", {**REASON, "until": until})) == {"/until"}
    both = {**REASON, "until": "2036-01-05T12:00:00Z", "key": "contoso"}
    assert faults_of(ask(caller, "hold", both)) == {"/until", "/key"}
    assert faults_of(ask(caller, "release", REASON)) == {"/reason"}
    assert caller.call("hold_factory", "POST", "factories/default/hold?force=1").status_code == 400


@pytest.mark.parametrize("until", ["tomorrow", "2026-13-01T00:00:00Z", "", True, {}])
def test_an_end_that_is_no_time_gets_the_expected_format(caller: Caller, until: Any) -> None:
    """The list's own times have it."""
    (fault,) = body_of(ask(caller, "hold", {**REASON, "until": until}))["errors"]
    assert fault == {"pointer": "/until", "message": "is not a valid time: write it as 2026-11-26T06:00:00Z"}


def test_a_key_is_held_as_its_policy_counts_it() -> None:
    """One customer waits, and no other; 1 and "1" are different keys."""
    world = World(settings=settings(ADF_TRIGGER_POLICY=KEYED))
    for pipeline in ("load", "other"):
        world.factory.declare(pipeline, customer={"type": "String", "defaultValue": ""})
    caller = Caller(world)
    held = ask(caller, "hold", {**REASON, "key": "contoso"})
    assert [each["admissionKey"] for each in body_of(held)["holds"]] == ['"contoso"']
    waits = caller.post({"parameters": {"customer": "contoso"}}, Idempotency_Key="waits")
    assert body_of(waits)["reason"].startswith('the key "contoso" of the factory is held')
    for other in ("fabrikam", 1, None):
        parameters = {} if other is None else {"customer": str(other)}
        assert body_of(caller.post({"parameters": parameters}))["runId"] is not None
    ask(caller, "hold", {**REASON, "key": "fabrikam", "pipeline": "load"})
    waits = caller.post({"parameters": {"customer": "fabrikam"}})
    assert body_of(waits)["reason"].startswith('the key "fabrikam" of pipeline load is held')
    assert faults_of(ask(caller, "hold", {**REASON, "key": "contoso", "pipeline": "other"})) == {"/key"}
    assert len(body_of(ask(caller, "release", {"key": "contoso"}))["holds"]) == 1
    world.tick(after=5)
    assert body_of(caller.get("waits"))["runId"] is not None


def test_health_lists_the_holds_and_is_well(caller: Caller, world: World) -> None:
    """They have reason and end, and the number that waited at the last tick."""

    def held() -> Any:
        world.clock.forward(5)
        details = body_of(caller.call("health_details", "GET", "health/details"))
        return [(each["pipeline"], each["reason"], each["waiting"]) for each in details["holds"]]

    assert held() == []
    ask(caller, "hold", {**REASON, "pipeline": "load"})
    caller.post({})
    assert held() == [("load", "deploying release 41", None)]
    world.tick()
    caller.post({})
    world.tick()
    assert held() == [("load", "deploying release 41", 2)]
    assert json.loads(caller.health().get_body())["status"] != "unavailable"
    ask(caller, "release", {"pipeline": "load"})
    assert held() == []


def test_a_waiting_run_shows_the_present_hold(caller: Caller, world: World) -> None:
    """Extended it shows the new end, released that it continues; without the ledger it shows the last known state."""
    ask(caller, "hold", REASON)
    caller.post({}, Idempotency_Key="k")

    def reason() -> str:
        world.clock.forward(2)
        view = body_of(caller.get("k"))
        assert view["message"] == view["reason"]
        return str(view["message"])

    ask(caller, "hold", {"reason": "it takes longer", "until": "2026-01-09T12:00:00Z"})
    assert reason() == "the factory is held until 2026-01-09T12:00:00Z: it takes longer"
    world.notes.before["named"] = [LedgerError("away")]
    assert reason() == "the factory is held until 2026-01-06T12:00:00Z: deploying release 41"
    ask(caller, "release")
    assert reason() == "it was held, and continues with the next tick"
    world.tick()
    assert body_of(caller.get("k"))["runId"] is not None
