"""The limits that a strict emulator keeps, and the choices that can change while it runs."""

from typing import Any

import httpx
import pytest

from adf_trigger.local.factory.options import Options

QUEUE = 100


@pytest.fixture
def strict(serve: Any) -> Any:
    """An emulator that keeps the service's limits, with one empty factory."""
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


def refusal(reply: httpx.Response) -> str:
    """The message of a 400."""
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BadRequest"), reply.text
    message: str = reply.json()["error"]["message"]
    return message


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (
            {"activities": [activity(f"w{number}", "Wait", waitTimeInSeconds=1) for number in range(81)]},
            "The pipeline has 81 activities; the maximum is 80.",
        ),
        (
            {"activities": [], "parameters": {f"p{number}": {"type": "Int"} for number in range(51)}},
            "The pipeline has 51 parameters; the maximum is 50.",
        ),
        (
            {"activities": [activity("l", "ForEach", items="@createArray(1)", batchCount=51, activities=[])]},
            "The batchCount of activity 'l' is 51; it must be between 1 and 50.",
        ),
    ],
)
def test_a_pipeline_over_a_limit_is_told_which(strict: Any, properties: Any, message: str) -> None:
    """The refusal has what there is and what there may be."""
    path = strict.create_factory()
    assert refusal(strict.client.put(f"{path}/pipelines/p", json={"properties": properties})) == message


@pytest.mark.parametrize(("kind", "limit"), [("pipelines", 200), ("datasets", 100)])
def test_a_document_over_its_size_is_refused(strict: Any, kind: str, limit: int) -> None:
    """200 KB for a pipeline, half of that for the others; up to there they are taken."""
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
    message = refusal(strict.client.put(f"{path}/{kind}/x", json=too_long))
    assert message.endswith(f"the maximum is {limit * 1024}.")


def test_a_full_queue_takes_no_more_runs(strict: Any) -> None:
    """100 runs may wait for a place; the next createRun is refused, and taken again once one has gone."""
    path = strict.create_factory()
    strict.put(f"{path}/pipelines/p", {"activities": [], "concurrency": 1})
    strict.control("POST", "progression", json={"mode": "held"})

    def create_run() -> httpx.Response:
        reply: httpx.Response = strict.client.post(f"{path}/pipelines/p/createRun")
        return reply

    first, *_ = (create_run().raise_for_status().json()["runId"] for _ in range(QUEUE + 1))
    assert strict.control("GET", "runs")["byStatus"] == {"InProgress": 1, "Queued": QUEUE}
    assert refusal(create_run()) == "The pipeline has 100 queued runs already."
    strict.control("POST", "release", json={"run_id": first})
    assert create_run().status_code == 200


def test_strict_can_be_chosen_later_and_reset(served: Any, path: str) -> None:
    """The engine follows: it fails a child that finds the queue full only while the emulator is strict."""
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
    assert "100 runs of the pipeline are queued already." in served.wait_for(path, run_id)["message"]
    served.control("POST", "reset", json={"keep": "resources"})
    served.control("POST", "progression", json={"mode": "held", "pipeline": "child"})
    for _ in range(QUEUE + 2):
        served.client.post(f"{path}/pipelines/child/createRun").raise_for_status()


@pytest.mark.parametrize(("waits", "status"), [(False, "Succeeded"), (True, "Failed")])
def test_what_execute_pipeline_does_by_default_is_a_choice(
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
