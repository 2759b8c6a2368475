"""Calls about runs: what is sent, and how replies are read."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from adf_trigger.contracts import Rerun
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.models import FieldFilter, RunFilter, RunGlance, TimeWindow, items_of
from adf_trigger.datafactory.port import PipelineRuns
from adf_trigger.errors import InvalidRequest, ResourceNotFound, Unavailable, UnknownOutcome
from tests.unit.datafactory.service import ENDPOINT, FACTORY, TOKEN, Service, answer

RUN_ID = UUID("2f7fdb90-5df1-4b8e-ac2f-064cfa58202b")
OTHER_ID = UUID("16ac5348-ff82-4f95-a80d-638c1d47b721")
WINDOW = TimeWindow(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
FILTER = RunFilter(last_updated_after=WINDOW.after, last_updated_before=WINDOW.before)
WINDOW_BODY = {"lastUpdatedAfter": "2026-01-01T00:00:00Z", "lastUpdatedBefore": "2026-01-02T00:00:00Z"}


def sent_url(service: Service) -> str:
    """The URL of the last call."""
    return service.calls[-1].url or ""


def test_the_client_implements_the_port(client: DataFactoryClient) -> None:
    """The client implements the port's protocol, which the type checker checks here."""
    runs: PipelineRuns = client
    assert runs is client


def test_create_run_sends_the_parameters_and_the_chosen_id(
    client: DataFactoryClient, service: Service
) -> None:
    """The body is the flat map of parameters, and the header carries the caller's GUID."""
    service.answers(
        answer(
            200,
            {"runId": str(RUN_ID)},
            x_ms_request_id="request-1",
            x_ms_correlation_request_id="correlation-1",
            x_ms_ratelimit_remaining_subscription_writes="1199",
        )
    )
    created = client.create_run("Copy data 1", {"day": "2026-01-01", "n": [1]}, client_request_id=RUN_ID)
    assert created.run_id == created.client_request_id == RUN_ID
    assert (created.request_id, created.correlation_id) == ("request-1", "correlation-1")
    assert created.remaining_writes == 1199
    call = service.calls[-1]
    assert call.method == "POST"
    assert call.url == (f"{ENDPOINT}{FACTORY}/pipelines/Copy%20data%201/createRun?api-version=2018-06-01")
    assert call.body == b'{"day":"2026-01-01","n":[1]}'
    assert call.headers["x-ms-client-request-id"] == str(RUN_ID)
    assert call.headers["Authorization"] == f"Bearer {TOKEN}"
    assert call.headers["Content-Type"] == "application/json; charset=utf-8"
    assert call.headers["User-Agent"].startswith("adf-trigger/")


def test_create_run_without_parameters_sends_an_empty_object(
    client: DataFactoryClient, service: Service
) -> None:
    """Recorded calls without parameters send {}."""
    service.answers(answer(200, {"runId": str(RUN_ID)}))
    client.create_run("p", {}, client_request_id=RUN_ID)
    assert service.calls[-1].body == b"{}"


def test_create_run_sends_the_rerun_parameters(client: DataFactoryClient, service: Service) -> None:
    """The four rerun parameters go into the query, booleans in lower case."""
    service.answers(answer(200, {"runId": str(RUN_ID)}))
    client.create_run(
        "p",
        {},
        client_request_id=RUN_ID,
        rerun=Rerun(
            reference_pipeline_run_id=OTHER_ID,
            is_recovery=True,
            start_activity_name="Copy & move",
            start_from_failure=False,
        ),
    )
    assert parse_qs(urlsplit(sent_url(service)).query) == {
        "api-version": ["2018-06-01"],
        "referencePipelineRunId": [str(OTHER_ID)],
        "isRecovery": ["true"],
        "startActivityName": ["Copy & move"],
        "startFromFailure": ["false"],
    }
    assert "+" not in sent_url(service)


def test_create_run_returns_the_run_id_of_the_reply(client: DataFactoryClient, service: Service) -> None:
    """Where the service makes an id of its own, that one is the run's."""
    service.answers(answer(200, {"runId": str(OTHER_ID)}))
    created = client.create_run("p", {}, client_request_id=RUN_ID)
    assert (created.run_id, created.client_request_id) == (OTHER_ID, RUN_ID)


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"x"', {}, {"runId": None}, {"runId": "mine"}, {"runId": 7}, b"\xff\xfe"]
)
def test_a_success_without_a_run_id_is_an_unknown_outcome(
    client: DataFactoryClient, service: Service, body: Any
) -> None:
    """A run may have started whose id is lost: it is sent once, and never read as a rejection."""
    service.answers(answer(200, body, x_ms_request_id="request-1"))
    with pytest.raises(UnknownOutcome) as caught:
        client.create_run("p", {}, client_request_id=RUN_ID)
    assert (caught.value.status, caught.value.request_id) == (200, "request-1")
    assert caught.value.client_request_id == str(RUN_ID)
    assert len(service.calls) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_parameters_that_json_cannot_hold_are_rejected_before_they_are_sent(
    client: DataFactoryClient, service: Service, value: Any
) -> None:
    """Nothing is sent that the service could not read."""
    with pytest.raises(InvalidRequest):
        client.create_run("p", {"x": value}, client_request_id=RUN_ID)
    assert service.calls == []


def test_create_run_of_an_impossible_name_is_rejected_before_it_is_sent(
    client: DataFactoryClient, service: Service
) -> None:
    """A name cannot lead the call to another path."""
    with pytest.raises(InvalidRequest):
        client.create_run("../../x", {}, client_request_id=RUN_ID)
    assert service.calls == []


def test_get_run_reads_one_run(client: DataFactoryClient, service: Service) -> None:
    """The run is returned with the ids of the reply and of the call."""
    service.answers(answer(200, {"runId": str(RUN_ID), "status": "Queued"}, x_ms_request_id="request-1"))
    run = client.get_run(RUN_ID)
    assert (run.run_id, run.status) == (RUN_ID, "Queued")
    assert run.reply.request_id == "request-1"
    assert run.reply.client_request_id == service.calls[-1].headers["x-ms-client-request-id"]
    assert sent_url(service) == f"{ENDPOINT}{FACTORY}/pipelineruns/{RUN_ID}?api-version=2018-06-01"


def test_query_runs_makes_one_call_for_each_requested_page(
    client: DataFactoryClient, service: Service
) -> None:
    """Pages are lazy, carry the reads that remain, and the next one is requested with the token in the body."""
    service.answers(
        answer(
            200,
            {"value": [{"runId": str(RUN_ID)}], "continuationToken": "next"},
            x_ms_ratelimit_remaining_subscription_reads="11998",
            x_ms_request_id="request-1",
        ),
        answer(200, {"value": [{"runId": str(OTHER_ID)}], "continuationToken": None}),
    )
    status = FieldFilter(operand="Status", operator="Equals", values=("Failed",))
    pages = client.query_runs(FILTER.model_copy(update={"filters": (status,)}))
    assert service.calls == []
    first = next(pages)
    assert len(service.calls) == 1
    filters = [{"operand": "Status", "operator": "Equals", "values": ["Failed"]}]
    assert service.body == WINDOW_BODY | {"filters": filters}
    assert sent_url(service) == f"{ENDPOINT}{FACTORY}/queryPipelineRuns?api-version=2018-06-01"
    assert [run.run_id for run in first.items] == [RUN_ID]
    assert (first.remaining_reads, first.reply.request_id) == (11998, "request-1")
    assert first.items[0].reply.request_id == "request-1"
    (second,) = pages
    assert service.body == WINDOW_BODY | {"filters": filters, "continuationToken": "next"}
    assert [run.run_id for run in second.items] == [OTHER_ID]
    assert second.remaining_reads is None
    assert len(service.calls) == 2


def test_an_unreadable_run_does_not_hide_the_others(
    client: DataFactoryClient, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left out of its page, with a warning."""
    service.answers(answer(200, {"value": [{"runId": "no-guid"}, 7, {"runId": str(RUN_ID)}]}))
    (page,) = client.query_runs(FILTER)
    assert [run.run_id for run in page.items] == [RUN_ID]
    unreadable = [r for r in caplog.records if vars(r).get("action") == "data_factory_item_unreadable"]
    assert len(unreadable) == 2


def test_only_wanted_runs_are_decoded(
    client: DataFactoryClient, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Each run has a preview, however odd its fields are; unwanted ones are left out of their page."""
    glances: list[RunGlance] = []

    def wanted(glance: RunGlance) -> bool:
        glances.append(glance)
        return glance.run_id == RUN_ID

    seen = {
        "runId": str(OTHER_ID),
        "pipelineName": "theirs",
        "status": "Canceled",
        "lastUpdated": "2026-01-01T12:00:00.1234567Z",
        "invokedBy": {"invokedByType": "PipelineActivity"},
        "parameters": {"p": "x"},
    }
    odd = {
        "runId": str(OTHER_ID),
        "pipelineName": 7,
        "lastUpdated": "soon",
        "invokedBy": "me",
        "status": None,
    }
    also_odd = {"runId": str(OTHER_ID), "invokedBy": {"invokedByType": 7}}
    service.answers(
        answer(200, {"value": [seen, odd, also_odd, {"runId": "no-guid"}, {"runId": str(RUN_ID)}]})
    )
    (page,) = client.query_runs(FILTER, wanted=wanted)
    assert [run.run_id for run in page.items] == [RUN_ID]
    assert glances == [
        RunGlance(
            run_id=OTHER_ID,
            pipeline_name="theirs",
            invoked_by_type="PipelineActivity",
            last_updated=datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
            status="Cancelled",
        ),
        RunGlance(run_id=OTHER_ID),
        RunGlance(run_id=OTHER_ID),
        RunGlance(run_id=RUN_ID),
    ]
    (unreadable,) = [r for r in caplog.records if vars(r).get("action") == "data_factory_item_unreadable"]
    assert "run_id" in unreadable.getMessage() or "runId" in unreadable.getMessage()


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": {}}, [], "x"])
def test_a_page_without_a_list_is_no_empty_page(
    client: DataFactoryClient, service: Service, body: Any
) -> None:
    """A failed read is never read as an empty result."""
    service.answers(answer(200, body))
    with pytest.raises(Unavailable):
        list(client.query_runs(FILTER))


@pytest.mark.parametrize("token", ["again", {"x": 1}, 7])
def test_an_invalid_continuation_token_is_an_error(
    client: DataFactoryClient, service: Service, token: Any
) -> None:
    """A token that is no text, or repeats itself, would otherwise loop forever or lose runs."""
    service.answers(answer(200, {"value": [], "continuationToken": token}))
    with pytest.raises(Unavailable):
        list(client.query_runs(FILTER))


def test_activity_runs_come_from_all_pages(client: DataFactoryClient, service: Service) -> None:
    """Activity runs are paged at 100 like runs, and the window is sent along."""
    service.answers(
        answer(200, {"value": [{"activityName": "a"}] * 100, "continuationToken": "next"}),
        answer(
            200,
            {"value": [{"activityName": "b", "error": {"errorCode": "2200", "message": "no blob"}}]},
            x_ms_request_id="request-2",
        ),
    )
    runs = items_of(client.query_activity_runs(RUN_ID, window=WINDOW))
    assert len(runs) == 101
    assert (runs[-1].error.error_code, runs[-1].error.message) == ("2200", "no blob")
    assert runs[-1].reply.request_id == "request-2"
    assert service.body == WINDOW_BODY | {"continuationToken": "next"}
    assert urlsplit(sent_url(service)).path == f"{FACTORY}/pipelineruns/{RUN_ID}/queryActivityruns"


@pytest.mark.parametrize("written", ["true", "false"])
def test_cancel_sends_whether_it_is_recursive(
    client: DataFactoryClient, service: Service, written: str
) -> None:
    """The call has no body, and an empty reply is its success."""
    service.answers(answer(200))
    client.cancel_run(RUN_ID, recursive=written == "true")
    call = service.calls[-1]
    assert (call.method, call.body, call.headers["Content-Length"]) == ("POST", None, "0")
    assert sent_url(service) == (
        f"{ENDPOINT}{FACTORY}/pipelineruns/{RUN_ID}/cancel?api-version=2018-06-01&isRecursive={written}"
    )


def test_a_missing_resource_is_named(client: DataFactoryClient, service: Service) -> None:
    """The service's own message names nothing; its target does."""
    target = (
        "/subscriptions/s/resourcegroups/g/providers/Microsoft.DataFactory/factories/f/pipelines/Load orders"
    )
    message = "The document could not be retrieved because it does not exist."
    error = {"code": "NotFound", "message": message, "target": target, "details": None}
    service.answers(answer(404, {"error": error}))
    with pytest.raises(
        ResourceNotFound, match=r"does not exist\. \(pipelines/Load orders of the factory f\)$"
    ):
        client.get_pipeline("Load orders")


def test_cancel_of_an_unknown_run_is_not_found(client: DataFactoryClient, service: Service) -> None:
    """The service answers 400, as a recorded call shows."""
    error = {
        "code": "ReferencedPipelineRunNotFound",
        "message": f"Referenced pipeline run id {RUN_ID} does not exist.",
        "target": "pipelinerun",
        "details": None,
    }
    service.answers(answer(400, {"error": error}))
    with pytest.raises(ResourceNotFound) as caught:
        client.cancel_run(RUN_ID)
    assert (caught.value.status, caught.value.target) == (400, "pipelinerun")
