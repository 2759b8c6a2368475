"""The health by HTTP: a summary for everyone, all details for callers with a key."""

import asyncio
import json
from typing import Any

import azure.functions as func
import pytest

from adf_trigger.errors import Forbidden, SettingsError
from adf_trigger.functions.app import app_of
from adf_trigger.functions.bindings import Bindings
from adf_trigger.functions_host.worker.context import InvocationContext
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.service.health.ledger_identity import LEDGER_NOTE
from tests.support.world import World
from tests.unit.functions.conftest import Caller

SECRET_NAME = "a-role-that-is-missing"


def body_of(response: func.HttpResponse) -> Any:
    """The JSON of an answer."""
    return json.loads(response.get_body())


def test_everyone_sees_the_status_and_its_beginning_and_no_more(caller: Caller, world: World) -> None:
    """Texts, names and ids are for callers with a key."""
    assert (caller.health().status_code, body_of(caller.health())["status"]) == (503, "starting")
    world.factory.fail_next("get_factory", Forbidden(SECRET_NAME, status=403))
    caller.tick()
    world.restart()
    response = caller.health()
    assert response.status_code == 503
    assert body_of(response) == {"status": "unavailable", "since": "2026-01-05T12:00:00+00:00"}
    details = caller.call("health_details", "GET", "health/details")
    assert details.status_code == 503
    assert SECRET_NAME in body_of(details)["troubles"][0]["what"]
    assert body_of(details)["components"]["factory:default"]["ok"] is False
    assert body_of(details)["components"]["queues"]["ok"] is True
    world.clock.forward(15)
    caller.tick()
    world.restart()
    assert caller.health().status_code == 200


def test_an_operator_acknowledges_a_new_ledger(caller: Caller, world: World) -> None:
    """The table was deleted while nothing ran: 503 until an operator acknowledges it."""
    caller.tick()
    world.notes.remove(APP_SCOPE, LEDGER_NOTE)
    caller.tick()
    world.restart()
    assert caller.health().status_code == 503
    acknowledged = caller.call("acknowledge_ledger", "POST", "health/acknowledge")
    assert (acknowledged.status_code, body_of(acknowledged)["ledger"]["acknowledged"]) == (200, True)
    world.restart()
    assert caller.health().status_code == 200


def test_faulty_settings_are_shown_to_callers_with_a_key(caplog: pytest.LogCaptureFixture) -> None:
    """Health is 503 without details; a call lists every fault by name; each tick logs one ERROR with all of them."""

    def faulty() -> Any:
        raise SettingsError(
            ["ADF_TRIGGER_TABLE: is no name"], ["ADF_TRIGGER_CLOUT: no setting has this name"]
        )

    functions = {
        str(each.get_function_name()): each.get_user_function()
        for each in app_of(faulty, Bindings.now(faulty)).get_functions()
    }
    health = asyncio.run(functions["health"](func.HttpRequest("GET", "http://host/api/health", body=b"")))
    assert (health.status_code, body_of(health)["status"]) == (503, "unavailable")
    assert b"ADF_TRIGGER" not in health.get_body()
    for name in ("start_run", "get_run", "health_details", "acknowledge_ledger"):
        context = InvocationContext("i-1", name, ".")
        answer = asyncio.run(functions[name](func.HttpRequest("GET", "http://host/api/x", body=b""), context))
        assert answer.status_code == 503
        assert [error["pointer"] for error in body_of(answer)["errors"]] == [
            "ADF_TRIGGER_TABLE",
            "ADF_TRIGGER_CLOUT",
        ]
    caplog.clear()
    for _ in range(2):
        functions["tick"](func.timer.TimerRequest(), InvocationContext("", "", ""))
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 2
    assert "ADF_TRIGGER_TABLE" in errors[0].getMessage()
    assert "ADF_TRIGGER_CLOUT" in errors[0].getMessage()
