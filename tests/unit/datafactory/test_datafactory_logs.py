"""What the client logs: stable actions, the ids that support asks for, and no secrets."""

import logging
from typing import Any
from uuid import UUID

import pytest
import stamina

from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.errors import BadRequest, Unavailable
from tests.unit.datafactory.service import TOKEN, Service, answer

RUN_ID = UUID("2f7fdb90-5df1-4b8e-ac2f-064cfa58202b")


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def records(caplog: pytest.LogCaptureFixture, action: str) -> list[dict[str, Any]]:
    """The records with that action."""
    return [vars(record) for record in caplog.records if vars(record).get("action") == action]


def test_a_call_with_an_effect_is_logged_with_its_ids(
    client: DataFactoryClient, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """There is one record per call, for people and for machines."""
    service.answers(
        answer(
            200,
            {"runId": str(RUN_ID)},
            x_ms_request_id="r-1",
            x_ms_correlation_request_id="c-1",
            x_ms_ratelimit_remaining_subscription_writes="1199",
        )
    )
    client.create_run("p", {}, client_request_id=RUN_ID)
    (record,) = records(caplog, "data_factory_call_answered")
    expected = {
        "levelname": "INFO",
        "operation": "Pipelines_CreateRun",
        "status": 200,
        "attempt": 1,
        "request_id": "r-1",
        "correlation_id": "c-1",
        "client_request_id": str(RUN_ID),
        "remaining_writes": 1199,
    }
    assert {name: record[name] for name in expected} == expected
    assert record["duration_ms"] >= 0


def test_a_successful_read_is_logged_for_debugging_alone(
    client: DataFactoryClient, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """The timer reads all day long."""
    service.answers(answer(200, {"runId": str(RUN_ID)}))
    client.get_run(RUN_ID)
    (record,) = records(caplog, "data_factory_call_answered")
    assert record["levelname"] == "DEBUG"


def test_each_failed_attempt_is_logged(
    client: DataFactoryClient, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """The record has the number of the attempt, the class and the code of the error."""
    service.answers(answer(503, {"error": {"code": "Busy", "message": "later"}}, x_ms_request_id="r-1"))
    with pytest.raises(Unavailable):
        client.get_run(RUN_ID)
    found = records(caplog, "data_factory_call_failed")
    assert [record["attempt"] for record in found] == [1, 2, 3]
    assert {record["levelname"] for record in found} == {"WARNING"}
    logged = [(record["error"], record["code"], record["status"], record["request_id"]) for record in found]
    assert set(logged) == {("Unavailable", "Busy", 503, "r-1")}


def test_a_replaced_token_is_logged(
    client: DataFactoryClient, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """The record says that a token was rejected, and not which."""
    service.answers(answer(401), answer(200, {"runId": str(RUN_ID)}))
    client.create_run("p", {}, client_request_id=RUN_ID)
    (record,) = records(caplog, "data_factory_token_renewed")
    assert record["operation"] == "Pipelines_CreateRun"


def test_no_log_repeats_the_token_or_the_parameters(
    client: DataFactoryClient, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """At the debug level, through success, retries, a new token and an error page that echoes it."""
    assert stamina.is_active()
    service.answers(
        answer(401, {"error": {"code": "x", "message": TOKEN}}),
        answer(400, {"error": {"code": "x", "message": "Bearer second.token.secret"}}),
    )
    with pytest.raises(BadRequest):
        client.create_run("p", {"key": "my-secure-value"}, client_request_id=RUN_ID)
    service.answers(answer(500, "second.token.secret"))
    with pytest.raises(Unavailable):
        client.get_run(RUN_ID)
    logged = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    assert len(logged) >= 4
    for secret in (TOKEN, "second.token.secret", "my-secure-value"):
        assert not [text for text in logged if secret in text]
