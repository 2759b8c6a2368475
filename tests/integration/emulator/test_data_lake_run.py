"""A pipeline on Data Lake Storage Gen2, through the served emulator, against real blobs."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from tests.integration.emulator.calls import WINDOW
from tests.integration.emulator.conftest import Served
from tests.integration.emulator.samples import reference, secret
from tests.support.engine_factory import activity, expression

READ = {"type": "AzureBlobFSReadSettings", "recursive": True, "enablePartitionDiscovery": False}


@pytest.fixture
def file_system(azurite: str) -> Iterator[ContainerClient]:
    """A new container with files that have landed."""
    with BlobServiceClient.from_connection_string(azurite) as service:
        created = service.create_container(f"lake-{uuid4().hex}")
        created.upload_blob("landing/a.csv", b"id,name\n1,a\n")
        created.upload_blob("landing/b.csv", b"id,name\n2,b\n")
        yield created


def dataset(folder: Any, file_name: Any) -> dict[str, Any]:
    """DelimitedText on the lake, by parameters `fileSystem` and `file`."""
    location = {
        "type": "AzureBlobFSLocation",
        "fileSystem": expression("@dataset().fileSystem"),
        "folderPath": folder,
        "fileName": file_name,
    }
    return {
        "type": "DelimitedText",
        "linkedServiceName": reference("LinkedService", "Lake"),
        "parameters": {"fileSystem": {"type": "string"}, "file": {"type": "string", "defaultValue": ""}},
        "typeProperties": {"location": location, "columnDelimiter": ",", "firstRowAsHeader": True},
    }


def at(name: str, **parameters: Any) -> dict[str, Any]:
    """A reference to a dataset of the pipeline's file system."""
    return reference(
        "Dataset", name, fileSystem=expression("@pipeline().parameters.fileSystem"), **parameters
    )


def pipeline() -> dict[str, Any]:
    """List what has landed, copy each file and delete it, then look a row up."""
    item = expression("@item().name")
    copy = activity(
        "Copy",
        "Copy",
        {
            "source": {"type": "DelimitedTextSource", "storeSettings": READ},
            "sink": {
                "type": "DelimitedTextSink",
                "storeSettings": {"type": "AzureBlobFSWriteSettings"},
                "formatSettings": {"type": "DelimitedTextWriteSettings", "fileExtension": ".csv"},
            },
        },
        inputs=[at("Landed", file=item)],
        outputs=[at("Raw", file=item)],
    )
    delete = activity(
        "Delete",
        "Delete",
        {"dataset": at("Landed", file=item), "storeSettings": READ, "enableLogging": False},
        after={"Copy": "Succeeded"},
    )
    listed = activity(
        "List",
        "GetMetadata",
        {"dataset": at("Landed"), "fieldList": ["childItems"], "storeSettings": READ},
    )
    each = activity(
        "Each",
        "ForEach",
        {"items": expression("@activity('List').output.childItems"), "activities": [copy, delete]},
        after={"List": "Succeeded"},
    )
    there = activity(
        "There", "Validation", {"dataset": at("Raw"), "childItems": True}, after={"Each": "Succeeded"}
    )
    source = {"type": "DelimitedTextSource", "storeSettings": READ | {"wildcardFileName": "b*"}}
    look = activity("Look", "Lookup", {"source": source, "dataset": at("Raw")}, after={"There": "Succeeded"})
    done = activity(
        "Done",
        "SetVariable",
        {"variableName": "name", "value": expression("@activity('Look').output.firstRow.name")},
        after={"Look": "Succeeded"},
    )
    return {
        "parameters": {"fileSystem": {"type": "string"}},
        "variables": {"name": {"type": "String"}},
        "activities": [listed, each, there, look, done],
    }


@pytest.mark.parametrize("stand_in", [False, True])
def test_a_pipeline_runs_on_a_lake(
    served: Served,
    azurite: str,
    file_system: ContainerClient,
    stand_in: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """GetMetadata, Copy, Delete, Validation and Lookup work on the lake, or on the blob account in its place."""
    factory = served.create_factory("lake")
    with BlobServiceClient.from_connection_string(azurite) as service:
        url, key = service.url, service.credential.account_key
    lake = {"type": "AzureBlobFS", "typeProperties": {"url": url, "accountKey": secret(key)}}
    blob = {"type": "AzureBlobStorage", "typeProperties": {"connectionString": azurite}}
    kept = served.put(f"{factory}/linkedservices/Lake", blob if stand_in else lake)
    assert key not in repr(kept)
    served.put(f"{factory}/datasets/Landed", dataset("landing", expression("@dataset().file")))
    served.put(f"{factory}/datasets/Raw", dataset("raw/today", expression("@dataset().file")))
    served.put(f"{factory}/pipelines/Move", pipeline())

    started = served.client.post(
        f"{factory}/pipelines/Move/createRun", json={"fileSystem": file_system.container_name}
    )
    run_id = started.raise_for_status().json()["runId"]
    run = served.wait_for(factory, run_id)

    assert (run["status"], run["message"]) == ("Succeeded", "")
    assert [blob.name for blob in file_system.list_blobs()] == ["raw/today/a.csv", "raw/today/b.csv"]
    assert file_system.download_blob("raw/today/b.csv").readall().split() == [b"id,name", b"2,b"]
    rows = served.client.post(f"{factory}/pipelineruns/{run_id}/queryActivityruns", json=WINDOW).json()[
        "value"
    ]
    outputs = {row["activityName"]: row["output"] for row in rows}
    assert outputs["Done"] == {"name": "name", "value": "b"}
    connector = "AzureBlobStorage" if stand_in else "AzureBlobFS"
    assert outputs["Copy"]["executionDetails"][0]["source"]["type"] == connector
    assert key not in repr(rows)
