"""The REST calls of the two quickstarts, step by step, as raw HTTP, against real blobs."""

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

STORAGE = "AzureStorageLinkedService"
ETAG = re.compile(r"[0-9a-f]{8}-0000-0[0-9a-f]00-0000-[0-9a-f]{8}0000")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z")
"""Times as the service writes them."""


@pytest.fixture
def container(azurite: str) -> Iterator[ContainerClient]:
    """A new container with the quickstarts' input."""
    with BlobServiceClient.from_connection_string(azurite) as service:
        created = service.create_container(f"adftutorial-{uuid4().hex}")
        created.upload_blob("input/emp.txt", b"John, Doe\nJane, Doe\n")
        created.upload_blob("input/emp2.txt", b"Ada, Lovelace\n" * 10)
        yield created


def blob_dataset(container: str, folder: str, file_name: Any = None, **more: Any) -> dict[str, Any]:
    """Properties of a Binary dataset."""
    location: dict[str, Any] = {
        "type": "AzureBlobStorageLocation",
        "folderPath": folder,
        "container": container,
    }
    if file_name is not None:
        location["fileName"] = file_name
    return {
        "linkedServiceName": {"referenceName": STORAGE, "type": "LinkedServiceReference"},
        "annotations": [],
        "type": "Binary",
        "typeProperties": {"location": location},
        **more,
    }


def copy_pipeline(source: dict[str, Any], sink: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Properties of the quickstarts' pipelines."""
    return {
        "activities": [
            {
                "name": "CopyFromBlobToBlob",
                "type": "Copy",
                "dependsOn": [],
                "policy": {
                    "timeout": "7.00:00:00",
                    "retry": 0,
                    "retryIntervalInSeconds": 30,
                    "secureOutput": False,
                    "secureInput": False,
                },
                "userProperties": [],
                "typeProperties": {
                    "source": {
                        "type": "BinarySource",
                        "storeSettings": {"type": "AzureBlobStorageReadSettings", "recursive": True},
                    },
                    "sink": {
                        "type": "BinarySink",
                        "storeSettings": {"type": "AzureBlobStorageWriteSettings"},
                    },
                    "enableStaging": False,
                },
                "inputs": [{"type": "DatasetReference", **source}],
                "outputs": [{"type": "DatasetReference", **sink}],
            }
        ],
        "annotations": [],
        **more,
    }


def expression(text: str) -> dict[str, str]:
    """An expression object."""
    return {"value": text, "type": "Expression"}


def test_the_first_quickstart_copies_a_blob(served: Any, azurite: str, container: ContainerClient) -> None:
    """Every call of the first quickstart is answered as in its samples, and the blob is copied."""
    name = container.container_name
    factory = served.create_factory(properties={}, identity={"type": "SystemAssigned"}, name="quickstart-one")
    created = served.client.get(factory).json()
    assert set(created) == {"name", "identity", "id", "type", "properties", "eTag", "location", "tags"}
    assert set(created["identity"]) == {"type", "principalId", "tenantId"}
    assert set(created["properties"]) == {"provisioningState", "createTime", "version"}
    assert ETAG.fullmatch(json.loads(created["eTag"]))

    storage = served.put(
        f"{factory}/linkedservices/{STORAGE}",
        {"annotations": [], "type": "AzureBlobStorage", "typeProperties": {"connectionString": azurite}},
    )
    assert list(storage) == ["id", "name", "type", "properties", "etag"]
    assert storage["type"] == "Microsoft.DataFactory/factories/linkedservices"
    assert "AccountKey" not in storage["properties"]["typeProperties"]["connectionString"]
    assert "AccountName=" in storage["properties"]["typeProperties"]["connectionString"]
    assert ETAG.fullmatch(storage["etag"])

    source, sink = blob_dataset(name, "input", "emp.txt"), blob_dataset(name, "output")
    assert served.put(f"{factory}/datasets/InputDataset", source)["properties"] == source
    assert served.put(f"{factory}/datasets/OutputDataset", sink)["properties"] == sink
    pipeline = copy_pipeline({"referenceName": "InputDataset"}, {"referenceName": "OutputDataset"})
    published = served.put(f"{factory}/pipelines/Adfv2QuickStartPipeline", pipeline)
    assert published["properties"] == pipeline

    started = served.client.post(f"{factory}/pipelines/Adfv2QuickStartPipeline/createRun")
    assert started.status_code == 200
    assert len(started.content) == 48, "compact JSON, as recorded"
    run = served.wait_for(factory, started.json()["runId"])
    assert run["status"] == "Succeeded", run
    assert (run["parameters"], run["message"], run["debugRunId"]) == ({}, "", None)
    assert run["runGroupId"] == run["runId"]
    assert (run["annotations"], run["runDimension"], run["isLatest"]) == ([], {}, True)
    assert run["invokedBy"]["invokedByType"] == "Manual"
    assert all(TIME.fullmatch(run[field]) for field in ("runStart", "runEnd", "lastUpdated"))

    query = {
        "startTime": "2019-09-03",
        "endTime": "2019-09-04",
        "pipelineName": "Adfv2QuickStartPipeline",
    }
    rows = served.client.post(
        f"{factory}/pipelineruns/{run['runId']}/queryActivityruns", params=served.version | query
    )
    (activity,) = rows.json()["value"]
    assert set(activity) == {
        *("activityRunEnd", "activityName", "activityRunStart", "activityType", "durationInMs"),
        *("retryAttempt", "error", "activityRunId", "iterationHash", "input", "linkedServiceName"),
        *("output", "userProperties", "pipelineName", "pipelineRunId", "status", "recoveryStatus"),
        *("integrationRuntimeNames", "executionDetails", "id"),
    }
    assert (activity["output"]["dataRead"], activity["output"]["dataWritten"]) == (20, 20)
    assert activity["integrationRuntimeNames"] == ["defaultintegrationruntime"]
    assert activity["error"] == {
        "errorCode": "",
        "message": "",
        "failureType": "",
        "target": "CopyFromBlobToBlob",
        "details": "",
    }
    assert container.download_blob("output/emp.txt").readall() == b"John, Doe\nJane, Doe\n"


def test_the_second_quickstart_passes_parameters(
    served: Any, azurite: str, container: ContainerClient
) -> None:
    """Parameters go from createRun through the pipeline into the datasets, as in the second quickstart."""
    name = container.container_name
    factory = served.create_factory(name="quickstart-two")
    served.put(
        f"{factory}/linkedservices/{STORAGE}",
        {"type": "AzureBlobStorage", "typeProperties": {"connectionString": azurite}},
    )
    parameter = {"type": "string"}
    served.put(
        f"{factory}/datasets/ParamInputDataset",
        blob_dataset(
            name,
            "input",
            expression("@dataset().strInputFileName"),
            parameters={"strInputFileName": parameter},
        ),
    )
    served.put(
        f"{factory}/datasets/ParamOutputDataset",
        blob_dataset(
            name,
            "output",
            expression("@dataset().strOutPutFileName"),
            parameters={"strOutPutFileName": parameter},
        ),
    )
    served.put(
        f"{factory}/pipelines/Adfv2QuickStartParamPipeline",
        copy_pipeline(
            {
                "referenceName": "ParamInputDataset",
                "parameters": {
                    "strInputFileName": expression("@pipeline().parameters.strParamInputFileName")
                },
            },
            {
                "referenceName": "ParamOutputDataset",
                "parameters": {
                    "strOutPutFileName": expression("@pipeline().parameters.strParamOutputFileName")
                },
            },
            parameters={
                "strParamInputFileName": {"type": "String"},
                "strParamOutputFileName": {"type": "String"},
            },
        ),
    )
    parameters = {"strParamInputFileName": "emp2.txt", "strParamOutputFileName": "aloha.txt"}
    started = served.client.post(
        f"{factory}/pipelines/Adfv2QuickStartParamPipeline/createRun", json=parameters
    )
    run = served.wait_for(factory, started.json()["runId"])
    assert (run["status"], run["parameters"]) == ("Succeeded", parameters), run
    assert container.download_blob("output/aloha.txt").readall() == b"Ada, Lovelace\n" * 10
