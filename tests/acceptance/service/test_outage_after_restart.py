"""A host that was started in an outage of Data Factory goes by what an earlier one learnt, on real processes."""

from collections.abc import Iterator

import pytest
from azure.data.tables import TableClient

from tests.support.local_stack import WAIT_PIPELINE, LocalStack

SECRET = "hunter2-never-written-down"
DEFAULT = "a-default-that-may-be-a-secret"
DOWN = {"operation": "*", "fault": "status", "status": 503, "code": "ServiceUnavailable"}
PARAMETERS = {
    "day": {"type": "String"},
    "count": {"type": "Int", "defaultValue": 1},
    "token": {"type": "SecureString", "defaultValue": DEFAULT},
}


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """A stack whose host has asked for the pipeline `load` once, and was killed and started again."""
    with LocalStack(warm=warm) as running:
        running.define("load", {**WAIT_PIPELINE, "parameters": PARAMETERS})
        assert running.caller.post("load", {"parameters": {"day": "sunday"}}, key="teacher").status == 202
        running.kill_functions()
        running.processes.restart_functions()
        yield running


def rows(stack: LocalStack) -> list[dict[str, str]]:
    """Everything that is in the ledger's table."""
    endpoints = stack.endpoints
    connection = endpoints.storage_connection_string
    with TableClient.from_connection_string(connection, endpoints.table) as table:
        return [dict(row) for row in table.list_entities()]


def test_a_wrong_parameter_is_refused_at_once(stack: LocalStack) -> None:
    """All faults come in one answer, and the key stays free."""
    with stack.faults(DOWN):
        answer = stack.caller.post("load", {"parameters": {"day": 7, "surprise": 1}}, key="wrong")
    assert answer.status == 400
    assert {error["pointer"] for error in answer.body["errors"]} == {
        "/parameters/day",
        "/parameters/surprise",
    }
    assert stack.caller.get("wrong").status == 404


def test_a_secret_is_put_off_and_nothing_of_it_is_written(stack: LocalStack) -> None:
    """A request with a secure parameter is 503, and the table has neither it nor its value nor any default."""
    body = {"parameters": {"day": "monday", "token": SECRET}}
    with stack.faults(DOWN):
        answer = stack.caller.post("load", body, key="secret")
    assert answer.status == 503
    assert answer.body["type"].endswith("/try-later")
    kept = str(rows(stack))
    assert "securestring" in kept, "what the pipeline declares is not there"
    assert SECRET not in kept
    assert DEFAULT not in kept
    assert "run|secret" not in kept


def test_a_right_request_is_taken_and_runs_once_when_the_outage_is_over(stack: LocalStack) -> None:
    """It is 202 in the outage, with its parameters, and has one run in the end."""
    with stack.faults(DOWN):
        answer = stack.caller.post("load", {"parameters": {"day": "monday"}}, key="right")
    assert (answer.status, answer.body["status"]) == (202, "Accepted")
    assert answer.body["parameters"] == {"day": "monday"}
    stack.eventually(lambda: stack.status("right") == "Succeeded")
    assert sorted(run["parameters"]["day"] for run in stack.runs("load")) == ["monday", "sunday"]
