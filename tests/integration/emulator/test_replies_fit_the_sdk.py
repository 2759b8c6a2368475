"""Every reply to every emulated operation, checked against the official SDK's model of it.

The SDK is generated from the service's own description, so that its models are that contract. Requests are plain JSON,
since version 10.0.0 leaves the discriminator out of models whose properties it flattens.
"""

import json
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from uuid import uuid4

import pytest
from azure.mgmt.datafactory import models
from azure.storage.blob import BlobServiceClient

from adf_trigger.emulator.http.routes import OPERATIONS
from tests.integration.emulator import samples
from tests.integration.emulator.calls import SDK_SUBSCRIPTION, WINDOW, activity, expression
from tests.integration.emulator.strict_sdk import AT, BEYOND, CONTRACT, FACTORY, GROUP, StrictSdk
from tests.support.sdk_contract import properties_of

MASK = "**********"


VALUES: dict[str, Any] = {
    "String": "text",
    "Int": 3,
    "Float": 0.5,
    "Bool": True,
    "Array": [1, "a"],
    "Object": {"a": [1]},
    "SecureString": "a secret",
}
"""A value of each type of parameter."""


EMULATED = {operation.spec_id for operation in OPERATIONS if operation.spec_id}


DRIVEN: set[str] = set()
"""The operations that the tests of this module drive."""


HOURLY = {
    **samples.TRIGGER,
    "typeProperties": {
        "recurrence": {
            "frequency": "Hour",
            "interval": 1,
            "startTime": "2020-01-01T00:00:00Z",
            "timeZone": "UTC",
        }
    },
}


Publish = Callable[..., None]


StateOf = Callable[[str, str], dict[str, Any]]


def drives(*spec_ids: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The test drives these operations; it fails if it leaves one out."""
    DRIVEN.update(spec_ids)

    def checking(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def checked(sdk: StrictSdk, **fixtures: Any) -> None:
            test(sdk=sdk, **fixtures)
            assert sdk.driven >= set(spec_ids)

        return checked

    return checking


@pytest.fixture
def sdk(served: Any) -> Iterator[StrictSdk]:
    """The SDK, strict, with a factory."""
    strict = StrictSdk(served, served.token("Data Factory Contributor"))
    with strict.client:
        strict("Factories_CreateOrUpdate", *AT, samples.FACTORY)
        yield strict


@pytest.fixture
def publish(sdk: StrictSdk) -> Publish:
    """Publishes a pipeline: its name, its activities, and its other properties."""

    def put(name: str, *activities: dict[str, Any], **properties: Any) -> None:
        body = {"properties": {"activities": list(activities), **properties}}
        sdk("Pipelines_CreateOrUpdate", *AT, name, body)

    return put


@pytest.fixture
def state_of(sdk: StrictSdk, served: Any) -> StateOf:
    """The run, once it has a status; every reply until then fits, too."""

    def wait(run_id: str, status: str) -> dict[str, Any]:
        seen: dict[str, Any] = {}

        def reached() -> bool:
            seen.update(sdk("PipelineRuns_Get", *AT, run_id))
            return bool(seen["status"] == status)

        served.until(reached)
        return seen

    return wait


def test_no_emulated_operation_is_left_out() -> None:
    """These tests drive every emulated operation."""
    assert DRIVEN == EMULATED


def test_an_excepted_property_is_unknown_to_the_sdk() -> None:
    """A property that a newer SDK knows is checked against the SDK's model, not excepted."""
    assert {model: set(names) & set(properties_of(model)) for model, names in BEYOND.items()} == {
        model: set() for model in BEYOND
    }


@drives("Operations_List")
def test_the_list_of_operations_fits(sdk: StrictSdk) -> None:
    """The provider's operations are listed in the contract's form."""
    assert sdk("Operations_List")["value"]


@drives(
    "Factories_CreateOrUpdate",
    "Factories_Update",
    "Factories_Get",
    "Factories_List",
    "Factories_ListByResourceGroup",
    "Factories_Delete",
)
def test_replies_about_factories_fit(sdk: StrictSdk, served: Any) -> None:
    """Replies fit when factories are created, changed, read, listed over pages and deleted."""
    served.control("PATCH", "options", json={"page_size": 1})
    sdk("Factories_CreateOrUpdate", GROUP, "adf-plain", {"location": "East US"})
    changed = sdk(
        "Factories_Update", *AT, {"tags": {"a": "b"}, "properties": {"publicNetworkAccess": "Disabled"}}
    )
    assert sdk("Factories_Get", *AT) == changed
    assert sdk("Factories_Get", *AT, headers={"If-None-Match": changed["eTag"]}) is None
    for pages in (sdk.replies("Factories_List"), sdk.replies("Factories_ListByResourceGroup", GROUP)):
        assert [factory["name"] for page in pages for factory in page["value"]] == [FACTORY, "adf-plain"]
        assert ["nextLink" in page for page in pages] == [True, False]
    assert [sdk("Factories_Delete", *AT) for _ in ("there", "gone")] == [None, None]


KINDS: dict[str, dict[str, Any]] = {
    "LinkedServices": samples.BLOB_STORAGE,
    "Datasets": samples.BINARY,
    "Pipelines": samples.PIPELINE,
    "Triggers": samples.TRIGGER,
    "CredentialOperations": samples.CREDENTIAL,
    "GlobalParameters": samples.GLOBAL_PARAMETERS,
    "DataFlows": samples.DATA_FLOW,
    "IntegrationRuntimes": samples.INTEGRATION_RUNTIME,
}


_ON_DOCUMENTS = ("CreateOrUpdate", "Get", "ListByFactory", "Delete")
DRIVEN.update(f"{kind}_{verb}" for kind in KINDS for verb in _ON_DOCUMENTS)


@pytest.mark.parametrize("kind", KINDS)
def test_replies_about_documents_fit(sdk: StrictSdk, served: Any, kind: str) -> None:
    """Replies fit when documents are created, read, listed over pages and deleted; none shows a secret."""
    sdk("LinkedServices_CreateOrUpdate", *AT, "storage", {"properties": samples.BLOB_STORAGE})
    sdk("Datasets_CreateOrUpdate", *AT, "binary", {"properties": samples.BINARY})
    sdk("Pipelines_CreateOrUpdate", *AT, "sample", {"properties": samples.PIPELINE})
    served.control("PATCH", "options", json={"page_size": 1})
    names = ["default"] if kind == "GlobalParameters" else ["one", "three", "two"]
    for name in names:
        created = sdk(f"{kind}_CreateOrUpdate", *AT, name, {"properties": KINDS[kind]})
        assert sdk(f"{kind}_Get", *AT, name) == created
        if kind not in {"DataFlows", "GlobalParameters"}:  # of which the SDK expects no 304
            assert sdk(f"{kind}_Get", *AT, name, headers={"If-None-Match": created["etag"]}) is None
        assert created["etag"]
        assert "a secret" not in json.dumps(created)
    listed = [
        document["name"] for page in sdk.replies(f"{kind}_ListByFactory", *AT) for document in page["value"]
    ]
    assert set(listed) >= set(names)
    for name in names:
        assert [sdk(f"{kind}_Delete", *AT, name) for _ in ("there", "gone")] == [None, None]
    assert sdk.driven >= {f"{kind}_{verb}" for verb in _ON_DOCUMENTS}


@drives(
    "Pipelines_CreateRun",
    "PipelineRuns_Get",
    "PipelineRuns_QueryByFactory",
    "ActivityRuns_QueryByPipelineRun",
)
def test_a_run_that_succeeds_fits(sdk: StrictSdk, publish: Publish, state_of: StateOf) -> None:
    """A run with values of every type, its child and its activity runs fit, and its secret is masked."""
    publish("child", activity("wait", "Wait", waitTimeInSeconds=0))
    call = activity(
        "call",
        "ExecutePipeline",
        pipeline=samples.reference("Pipeline", "child"),
        waitOnCompletion=True,
    )
    publish(
        "p",
        {**call, "userProperties": [{"name": "number", "value": expression("@pipeline().parameters.Int")}]},
        activity(
            "each",
            "ForEach",
            items=expression("@range(0, 2)"),
            activities=[activity("set", "AppendVariable", variableName="v", value="@item()")],
        ),
        variables={"v": {"type": "Array"}},
        parameters={name: {"type": name.removeprefix("No")} for name in (*VALUES, "NoString")},
        annotations=["sample", {"more": 1}],
        runDimensions={"number": expression("@pipeline().parameters.Int")},
    )
    run = state_of(sdk.run("p", VALUES | {"NoString": None}), "Succeeded")
    assert run["parameters"]["SecureString"] == MASK
    rows = sdk.rows("ActivityRuns_QueryByPipelineRun", run["runId"])
    assert sorted(row["activityName"] for row in rows) == ["call", "each", "set", "set"]
    runs = sdk.rows("PipelineRuns_QueryByFactory")
    assert [found["invokedBy"]["invokedByType"] for found in runs] == ["Manual", "PipelineActivity"]
    assert "a secret" not in json.dumps([run, rows, runs])


def test_a_copy_fits(sdk: StrictSdk, publish: Publish, state_of: StateOf, azurite: str) -> None:
    """The activity run of a copy fits, with every field of its output."""
    container = f"sdk-{uuid4().hex}"
    with BlobServiceClient.from_connection_string(azurite) as service:
        service.create_container(container).upload_blob("in", b"text")
    linked = {"type": "AzureBlobStorage", "typeProperties": {"connectionString": samples.secret(azurite)}}
    created = sdk("LinkedServices_CreateOrUpdate", *AT, "storage", {"properties": linked})
    assert created["properties"]["typeProperties"]["connectionString"]["value"] == MASK
    for name in ("in", "out"):
        location = {"type": "AzureBlobStorageLocation", "container": container, "fileName": name}
        dataset = {
            "type": "Binary",
            "linkedServiceName": samples.reference("LinkedService", "storage"),
            "typeProperties": {"location": location},
        }
        sdk("Datasets_CreateOrUpdate", *AT, name, {"properties": dataset})
    copy = activity("copy", "Copy", source={"type": "BinarySource"}, sink={"type": "BinarySink"})
    copy |= {f"{side}puts": [samples.reference("Dataset", side)] for side in ("in", "out")}
    publish("p", copy)
    run = state_of(sdk.run("p"), "Succeeded")
    (row,) = sdk.rows("ActivityRuns_QueryByPipelineRun", run["runId"])
    assert row["output"]["dataWritten"] == len("text")


def test_a_run_that_fails_and_its_rerun_fit(sdk: StrictSdk, publish: Publish, state_of: StateOf) -> None:
    """A failed run, its failed activity, attempt by attempt, and the recovery in its group fit."""
    call = activity("call", "WebActivity", url="http://127.0.0.1:1/", method="GET")
    publish(
        "p",
        {**call, "policy": {"retry": 1, "retryIntervalInSeconds": 0}},
        activity("fail", "Fail", message="no", errorCode="500"),
    )
    first = state_of(sdk.run("p"), "Failed")
    assert first["message"].startswith("Operation on target ")
    rows = sdk.rows("ActivityRuns_QueryByPipelineRun", first["runId"])
    assert {(row["activityName"], row["status"], row["retryAttempt"]) for row in rows} == {
        ("call", "Failed", None),
        ("call", "Failed", 1),
        ("fail", "Failed", None),
    }
    second = sdk.run("p", reference_pipeline_run_id=first["runId"], is_recovery=True, start_from_failure=True)
    state_of(second, "Failed")
    group = {"operand": "RunGroupId", "operator": "Equals", "values": [first["runGroupId"]]}
    runs = sdk.rows("PipelineRuns_QueryByFactory", query={**WINDOW, "filters": [group]})
    assert [(run["runId"], run["isLatest"]) for run in runs] == [(first["runId"], False), (second, True)]


@drives("PipelineRuns_Cancel")
def test_runs_in_progress_and_cancelled_runs_fit(sdk: StrictSdk, publish: Publish, state_of: StateOf) -> None:
    """Queued, InProgress and Cancelled runs fit, with an activity run before and after its end."""
    publish("slow", activity("wait", "Wait", waitTimeInSeconds=600), concurrency=1)
    going, waiting = sdk.run("slow"), sdk.run("slow")
    state_of(going, "InProgress")
    state_of(waiting, "Queued")
    assert {run["status"] for run in sdk.rows("PipelineRuns_QueryByFactory")} == {"InProgress", "Queued"}
    assert [row["activityRunEnd"] for row in sdk.rows("ActivityRuns_QueryByPipelineRun", going)] == [None]
    for run_id in (waiting, going):
        sdk("PipelineRuns_Cancel", *AT, run_id, is_recursive=True)
        state_of(run_id, "Cancelled")
    assert {run["status"] for run in sdk.rows("PipelineRuns_QueryByFactory")} == {"Cancelled"}
    assert [row["status"] for row in sdk.rows("ActivityRuns_QueryByPipelineRun", going)] == ["Cancelled"]


def test_pages_of_runs_fit(sdk: StrictSdk, publish: Publish, state_of: StateOf, served: Any) -> None:
    """The pages of more than a hundred runs, and of more than a hundred activity runs, fit."""
    again = activity("again", "Wait", waitTimeInSeconds=0)
    publish("p", activity("each", "ForEach", items=expression("@range(0, 101)"), activities=[again]))
    long = sdk.run("p")
    state_of(long, "Succeeded")
    assert [len(page) for page in sdk.pages("ActivityRuns_QueryByPipelineRun", long)] == [100, 2]
    served.control("POST", "progression", json={"mode": "at-once"})
    for _ in range(100):
        sdk.run("p")
    assert [len(page) for page in sdk.pages("PipelineRuns_QueryByFactory")] == [100, 1]


@drives(
    "Triggers_QueryByFactory",
    "Triggers_Start",
    "Triggers_Stop",
    "TriggerRuns_QueryByFactory",
    "TriggerRuns_Rerun",
    "TriggerRuns_Cancel",
)
def test_replies_about_triggers_and_their_runs_fit(
    sdk: StrictSdk, publish: Publish, state_of: StateOf, served: Any
) -> None:
    """Triggers fit when queried over pages, started and stopped; so do trigger runs, good and failed, over pages."""
    publish("sample")
    for name in ("one", "two"):
        sdk("Triggers_CreateOrUpdate", *AT, name, {"properties": HOURLY})
    served.control("PATCH", "options", json={"page_size": 1})
    assert [len(page) for page in sdk.pages("Triggers_QueryByFactory", query={})] == [1, 1]

    assert sdk("Triggers_Start", *AT, "one") is None
    assert sdk("Triggers_Get", *AT, "one")["properties"]["runtimeState"] == "Started"
    served.control("POST", "clock", json={"advance_seconds": 3600})
    served.until(lambda: sdk.rows("TriggerRuns_QueryByFactory"))
    (fired,) = sdk.rows("TriggerRuns_QueryByFactory")
    run = state_of(fired["triggeredPipelines"]["sample"], "Succeeded")
    assert run["invokedBy"]["invokedByType"] == "ScheduleTrigger"
    assert sdk("Triggers_Stop", *AT, "one") is None
    assert sdk("Triggers_Get", *AT, "one")["properties"]["runtimeState"] == "Stopped"

    publish("sample", activity("wait", "Wait", after="nobody", waitTimeInSeconds=0))
    for _ in range(100):
        assert sdk("TriggerRuns_Rerun", *AT, "one", fired["triggerRunId"]) is None
    assert sdk("TriggerRuns_Cancel", *AT, "one", fired["triggerRunId"]) is None
    served.control("PATCH", "options", json={"page_size": None})
    first, second = sdk.pages("TriggerRuns_QueryByFactory")
    assert [len(first), len(second)] == [100, 1]
    assert {run["status"] for run in (*first, *second)} == {"Succeeded", "Failed"}


def test_errors_fit(sdk: StrictSdk, served: Any) -> None:
    """Errors of the service and of Resource Manager have the contract's form."""
    anonymous, reader = (
        StrictSdk(served, token) for token in (served.token(audience="x"), served.token("Reader"))
    )
    with anonymous.client, reader.client:
        assert anonymous.refusal("Factories_Get", *AT)[0] == 401
        assert reader.refusal("Factories_Delete", *AT) == (403, "AuthorizationFailed")
    absent, stale = str(uuid4()), {"If-Match": "stale"}
    elsewhere = {"location": "West Europe"}
    assert sdk.refusal("Pipelines_Get", *AT, "p") == (404, "NotFound")
    assert sdk.refusal("Pipelines_Get", GROUP, "adf-none", "p") == (404, "ResourceNotFound")
    assert sdk.refusal("PipelineRuns_Get", *AT, absent) == (404, "NotFound")
    assert sdk.refusal("PipelineRuns_Cancel", *AT, absent) == (400, "ReferencedPipelineRunNotFound")
    assert sdk.refusal("PipelineRuns_QueryByFactory", *AT, {}) == (400, "BadRequest")
    assert sdk.refusal("Pipelines_CreateOrUpdate", *AT, "p", {}) == (400, "BadRequest")
    assert sdk.refusal("Factories_CreateOrUpdate", *AT, elsewhere) == (409, "InvalidResourceLocation")
    assert sdk.refusal("Factories_CreateOrUpdate", "rg-2", FACTORY, elsewhere) == (
        409,
        "DataFactoryNameInUse",
    )
    assert sdk.refusal("Factories_CreateOrUpdate", *AT, samples.FACTORY, headers=stale)[0] == 412


def test_a_throttled_call_fits(served: Any) -> None:
    """A throttled call is answered in the same form."""
    served.control("PATCH", "options", json={"throttling": True})
    url = f"/subscriptions/{SDK_SUBSCRIPTION}/providers/Microsoft.DataFactory/factories"
    replies = (served.client.get(url) for _ in range(2000))
    throttled = next(reply for reply in replies if reply.status_code == 429)
    assert list(CONTRACT.faults(throttled.json(), models.CloudError, "refusal")) == []
