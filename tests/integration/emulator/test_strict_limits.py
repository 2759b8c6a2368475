"""The limits that a strict emulator enforces, and the options that can change while it runs."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from adf_trigger.emulator.common.documents import DATASETS, PIPELINES, Document
from adf_trigger.emulator.common.options import Options

QUEUE = 100
QUEUE_IS_FULL = (
    "Pipeline execution throttled. If the concurrency value is set for a pipeline, a maximum of 100 runs will be "
    "queued for execution."
)


@pytest.fixture
def strict(serve: Any) -> Any:
    """An emulator that enforces the service's limits, with one empty factory."""
    served = serve(strict=True)
    served.create_factory()
    return served


@pytest.fixture
def path(served: Any) -> str:
    """Path of an empty factory."""
    factory: str = served.create_factory()
    return factory


def activity(name: str, kind: str, **properties: Any) -> dict[str, Any]:
    """An activity."""
    return {"name": name, "type": kind, "typeProperties": properties}


def message_of(reply: httpx.Response) -> str:
    """The message of a 400."""
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BadRequest"), reply.text
    message: str = reply.json()["error"]["message"]
    return message


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (
            {"activities": [activity(f"w{number}", "Wait", waitTimeInSeconds=1) for number in range(81)]},
            "Pipeline 'p' has more than the max number of 80 activities allowed per pipeline: 81.",
        ),
        (
            {"activities": [], "parameters": {f"p{number}": {"type": "Int"} for number in range(51)}},
            "Pipeline 'p' has more than the max number of 50 parameters allowed per pipeline: 51.",
        ),
        (
            {"activities": [activity("l", "ForEach", items="@createArray(1)", batchCount=51, activities=[])]},
            "The batchCount of activity 'l' is 51; it must be between 1 and 50.",
        ),
        (
            {"activities": [activity("c", "Copy", dataIntegrationUnits=257)]},
            "The dataIntegrationUnits of activity 'c' is 257; it must be between 1 and 256.",
        ),
        (
            {
                "activities": [
                    activity("a", "WebActivity") | {"policy": {"timeout": "00:09:59"}},
                    activity("b", "WebActivity") | {"policy": {"timeout": "7.00:00:01"}},
                    activity("c", "WebActivity") | {"policy": {"timeout": "7.00:00:00"}},
                    activity("d", "WebActivity") | {"policy": {"timeout": "@pipeline().RunId"}},
                ]
            },
            (
                "The timeout of activity 'a' is 00:09:59; it must be between 00:10:00 and 7.00:00:00. "
                "The timeout of activity 'b' is 7.00:00:01; it must be between 00:10:00 and 7.00:00:00."
            ),
        ),
    ],
)
def test_an_error_names_the_limit_that_a_pipeline_exceeds(strict: Any, properties: Any, message: str) -> None:
    """It has the actual number and the limit."""
    path = strict.create_factory()
    assert message_of(strict.client.put(f"{path}/pipelines/p", json={"properties": properties})) == message


@pytest.mark.parametrize(("kind", "limit"), [("pipelines", 200), ("datasets", 100)])
def test_a_document_over_its_size_is_rejected(strict: Any, kind: str, limit: int) -> None:
    """200 KB for a pipeline, half of that for the others; up to the limit they are accepted."""
    path = strict.create_factory()
    storage = {"type": "AzureBlobStorage", "typeProperties": {"connectionString": "AccountName=a"}}
    strict.put(f"{path}/linkedservices/s", storage)
    binary = {
        "type": "Binary",
        "linkedServiceName": {"referenceName": "s", "type": "LinkedServiceReference"},
        "typeProperties": {},
    }
    body = {"activities": []} if kind == "pipelines" else binary
    strict.put(f"{path}/{kind}/x", body | {"description": "x" * (limit * 1024 - 300)})
    too_long = {"properties": body | {"description": "x" * limit * 1024}}
    message = message_of(strict.client.put(f"{path}/{kind}/x", json=too_long))
    assert message.endswith(f"the maximum is {limit * 1024}.")


def test_a_full_queue_accepts_no_more_runs(strict: Any) -> None:
    """100 runs may be queued; the next createRun is rejected, and accepted again once one has left."""
    path = strict.create_factory()
    strict.put(f"{path}/pipelines/p", {"activities": [], "concurrency": 1})
    strict.control("POST", "progression", json={"mode": "held"})

    def create_run() -> httpx.Response:
        reply: httpx.Response = strict.client.post(f"{path}/pipelines/p/createRun")
        return reply

    first, *_ = (create_run().raise_for_status().json()["runId"] for _ in range(QUEUE + 1))
    assert strict.control("GET", "runs")["byStatus"] == {"InProgress": 1, "Queued": QUEUE}
    assert message_of(create_run()) == QUEUE_IS_FULL
    strict.control("POST", "release", json={"run_id": first})
    assert create_run().status_code == 200


def test_a_factory_holds_five_thousand_documents(strict: Any) -> None:
    """One more is rejected, of whatever kind; existing ones can still be changed, and other factories filled."""
    path = strict.create_factory()
    resources = strict.emulator.backend.store.resources
    strict.put(f"{path}/pipelines/first", {"activities": []})
    (factory_id,) = {it.factory_id for it in resources.every(PIPELINES)}
    for number in range(4998):
        resources.save(
            Document(factory_id=factory_id, kind=DATASETS, name=f"d{number}", properties={}, etag="e")
        )
    strict.put(f"{path}/pipelines/last", {"activities": []})
    too_many = strict.client.put(f"{path}/pipelines/more", json={"properties": {"activities": []}})
    assert message_of(too_many) == "The data factory has the maximum of 5000 entities."
    strict.put(f"{path}/pipelines/first", {"activities": [], "description": "changed"})
    strict.put(f"{strict.create_factory('adf-other')}/pipelines/more", {"activities": []})


def test_a_factory_has_at_most_ten_thousand_concurrent_runs(strict: Any) -> None:
    """The next createRun is rejected until one of them has ended."""
    path = strict.create_factory()
    strict.put(f"{path}/pipelines/p", {"activities": []})
    strict.control("POST", "progression", json={"mode": "held"})
    first = strict.client.post(f"{path}/pipelines/p/createRun").raise_for_status().json()["runId"]
    runs = strict.emulator.backend.store.runs
    (run,) = runs.unfinished()
    for number in range(9_999):
        runs.save_run(replace(run, run_id=f"run-{number}"))
    refused = strict.client.post(f"{path}/pipelines/p/createRun")
    assert message_of(refused) == "The limit of 10000 concurrent pipeline runs per data factory is reached."
    strict.control("POST", "release", json={"run_id": first})
    assert strict.client.post(f"{path}/pipelines/p/createRun").status_code == 200


def test_the_limit_of_runs_and_its_error_are_options(strict: Any) -> None:
    """Another factory has its own limit; a 429 has no Retry-After."""
    path, other = strict.create_factory(), strict.create_factory("adf-other")
    for each in (path, other):
        strict.put(f"{each}/pipelines/p", {"activities": []})
    strict.control("POST", "progression", json={"mode": "held"})
    strict.control("PATCH", "options", json={"most_runs": 1})
    first = strict.client.post(f"{path}/pipelines/p/createRun").raise_for_status().json()["runId"]
    assert (
        message_of(strict.client.post(f"{path}/pipelines/p/createRun"))
        == "The limit of 1 concurrent pipeline runs per data factory is reached."
    )
    assert strict.client.post(f"{other}/pipelines/p/createRun").status_code == 200
    strict.control("PATCH", "options", json={"full_factory": "throttled"})
    throttled = strict.client.post(f"{path}/pipelines/p/createRun")
    assert (throttled.status_code, throttled.json()["error"]["code"]) == (429, "TooManyRequests")
    assert "retry-after" not in throttled.headers
    strict.control("POST", "release", json={"run_id": first})
    assert strict.client.post(f"{path}/pipelines/p/createRun").status_code == 200


def test_strict_can_be_changed_and_reset(served: Any, path: str) -> None:
    """The engine follows: it fails a child whose queue is full only while the emulator is strict."""
    call = activity(
        "call",
        "ExecutePipeline",
        pipeline={"referenceName": "child", "type": "PipelineReference"},
        waitOnCompletion=True,
    )
    served.put(f"{path}/pipelines/child", {"activities": [], "concurrency": 1})
    served.put(f"{path}/pipelines/parent", {"activities": [call]})
    served.control("POST", "progression", json={"mode": "held", "pipeline": "child"})
    for _ in range(QUEUE + 1):
        served.client.post(f"{path}/pipelines/child/createRun").raise_for_status()
    served.control("PATCH", "options", json={"strict": True})
    run_id = served.client.post(f"{path}/pipelines/parent/createRun").json()["runId"]
    assert QUEUE_IS_FULL in served.wait_for(path, run_id)["message"]
    served.control("POST", "reset", json={"keep": "resources"})
    served.control("POST", "progression", json={"mode": "held", "pipeline": "child"})
    for _ in range(QUEUE + 2):
        served.client.post(f"{path}/pipelines/child/createRun").raise_for_status()


@pytest.mark.parametrize(("waits", "status"), [(False, "Succeeded"), (True, "Failed")])
def test_the_default_of_execute_pipeline_is_an_option(
    served: Any, path: str, *, waits: bool, status: str
) -> None:
    """Two documents disagree on waitOnCompletion; a failed child fails only a parent that waits."""
    call = activity("call", "ExecutePipeline", pipeline={"referenceName": "c", "type": "PipelineReference"})
    served.put(f"{path}/pipelines/c", {"activities": [activity("f", "Fail", message="m", errorCode="1")]})
    served.put(f"{path}/pipelines/p", {"activities": [call]})
    assert Options().wait_on_completion is False
    served.control("PATCH", "options", json={"wait_on_completion": waits})
    run_id = served.client.post(f"{path}/pipelines/p/createRun").json()["runId"]
    assert served.wait_for(path, run_id)["status"] == status
