"""Data Lake Storage Gen2 by its own connector, on a real Azurite: it is reached through the blob endpoint."""

import asyncio
import json
import re
import socket
from typing import Any

import pytest

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.activities.delete import delete
from adf_trigger.emulator.activities.get_metadata import get_metadata
from adf_trigger.emulator.activities.validation import validation
from adf_trigger.emulator.contract.activity import ActivityFailed
from tests.integration.emulator.copying.files import TREE, copied
from tests.integration.emulator.copying.harness import Storage, copying, reference, run
from tests.integration.emulator.copying.lake import FOLDER, READ, lake_copying


def test_a_folder_is_copied_as_it_is(tree: Storage) -> None:
    """Files keep their places below the folder; the output names the connector at both ends."""
    result = run(copy, lake_copying("Binary"), tree.lake("In", folder="in"), tree.lake("Out", folder="out"))
    assert copied(tree) == ["a.txt", "b.csv", "sub/c.txt", "sub/deeper/d.csv"]
    assert tree.get("out/sub/c.txt") == b"in/sub/c.txt"
    assert (result.output["filesRead"], result.output["filesWritten"]) == (4, 4)
    (details,) = result.output["executionDetails"]
    assert (details["source"]["type"], details["sink"]["type"]) == ("AzureBlobFS", "AzureBlobFS")


@pytest.mark.parametrize(
    ("read", "place", "expected"),
    [
        ({"recursive": False}, {"folder": "in"}, ["a.txt", "b.csv"]),
        ({"wildcardFileName": "*.csv"}, {"folder": "in"}, ["b.csv", "sub/deeper/d.csv"]),
        ({"wildcardFolderPath": "in/s*", "wildcardFileName": "?.txt"}, {}, ["sub/c.txt"]),
        ({"wildcardFolderPath": "*", "wildcardFileName": "e*"}, {}, ["other/e.txt"]),
        ({"modifiedDatetimeEnd": "2020-01-01T00:00:00Z"}, {"folder": "in"}, []),
        ({"modifiedDatetimeStart": "2020-01-01T00:00:00Z"}, {"folder": "other"}, ["e.txt"]),
        ({"maxConcurrentConnections": 1}, {"folder": "in", "file": "b.csv"}, ["b.csv"]),
    ],
)
def test_read_settings_select_files(
    tree: Storage, read: dict[str, Any], place: dict[str, Any], expected: list[str]
) -> None:
    """Recursion, wildcards, times and a file's name choose what is copied."""
    run(copy, lake_copying("Binary", read=read), tree.lake("In", **place), tree.lake("Out", folder="out"))
    assert copied(tree) == expected


def test_a_list_of_files_is_copied(tree: Storage) -> None:
    """fileListPath names the files, below the dataset's folder."""
    tree.put("lists/today.txt", b"b.csv\nsub/c.txt\n")
    read = {"fileListPath": f"{tree.container.container_name}/lists/today.txt"}
    run(copy, lake_copying("Binary", read=read), tree.lake("In", folder="in"), tree.lake("Out", folder="out"))
    assert copied(tree) == ["b.csv", "sub/c.txt"]


def test_copied_files_can_be_deleted(tree: Storage) -> None:
    """deleteFilesAfterCompletion deletes the copied files from the source, and nothing else."""
    read = {"deleteFilesAfterCompletion": True, "wildcardFileName": "*.csv"}
    run(copy, lake_copying("Binary", read=read), tree.lake("In", folder="in"), tree.lake("Out", folder="out"))
    assert tree.names() == ["in/a.txt", "in/sub/c.txt", "other/e.txt", "out/b.csv", "out/sub/deeper/d.csv"]


def test_write_settings_are_honoured(tree: Storage) -> None:
    """copyBehavior, blockSizeInMB and metadata are those of the sink; a missing file system is created."""
    write = {
        "copyBehavior": "MergeFiles",
        "blockSizeInMB": 8,
        "metadata": [{"name": "origin", "value": "test"}],
    }
    sink = tree.lake("Out", file_system=f"{tree.container.container_name}-new", file="all.txt")
    run(copy, lake_copying("Binary", write=write), tree.lake("In", folder="in", file=""), sink)
    made = tree.service(f"{tree.container.container_name}-new").get_blob_client("all.txt")
    assert made.download_blob().readall() == b"".join(name.encode() for name in TREE[:4])
    assert made.get_blob_properties().metadata == {"origin": "test"}


def test_records_are_copied_from_lake_to_lake(storage: Storage) -> None:
    """DelimitedText becomes Json, and Json becomes DelimitedText."""
    storage.put("in/a.csv", b"id,name\n1,a\n2,b\n")
    text = storage.lake("In", "DelimitedText", folder="in", firstRowAsHeader=True)
    lines = storage.lake("Lines", "Json", folder="lines", file="a.json")
    run(
        copy,
        lake_copying(
            "DelimitedText",
            "Json",
            source={"formatSettings": {"type": "DelimitedTextReadSettings"}},
            sink={"formatSettings": {"type": "JsonWriteSettings"}},
        ),
        text,
        lines,
    )
    assert [json.loads(line) for line in storage.get("lines/a.json").splitlines()] == [
        {"id": "1", "name": "a"},
        {"id": "2", "name": "b"},
    ]
    back = storage.lake("Back", "DelimitedText", folder="back", file="a.csv", firstRowAsHeader=True)
    run(copy, lake_copying("Json", "DelimitedText"), lines, back)
    assert storage.get("back/a.csv").split() == [b"id,name", b"1,a", b"2,b"]


@pytest.mark.parametrize(
    ("read", "place", "expected"),
    [
        ({}, {"folder": "in"}, {"year": "2026", "month": "08"}),
        ({}, {"folder": "in/year=2026"}, {"month": "08"}),
        ({}, {"folder": "in/year=2026/month=08", "file": "a.csv"}, {}),
        ({"partitionRootPath": "in"}, {"folder": "in/year=2026"}, {"year": "2026", "month": "08"}),
        ({"partitionRootPath": "in/year=2026/"}, {"folder": "in"}, {"month": "08"}),
        (
            {"partitionRootPath": "{container}/in"},
            {"folder": "in/year=2026"},
            {"year": "2026", "month": "08"},
        ),
        ({"wildcardFolderPath": "in/year=2026/*"}, {}, {"month": "08"}),
    ],
)
def test_partitions_become_columns(
    storage: Storage, read: dict[str, str], place: dict[str, Any], expected: dict[str, str]
) -> None:
    """Folders called name=value below the partition root add columns, before the additional ones."""
    storage.put("in/year=2026/month=08/a.csv", b"id\n1\n")
    filled = {name: value.format(container=storage.container.container_name) for name, value in read.items()}
    run(
        copy,
        lake_copying(
            "DelimitedText",
            "Json",
            read={"enablePartitionDiscovery": True, **filled},
            source={"additionalColumns": [{"name": "last", "value": "x"}]},
        ),
        storage.lake("In", "DelimitedText", firstRowAsHeader=True, **place),
        storage.lake("Out", "Json", folder="out", file="a.json"),
    )
    written = json.loads(storage.get("out/a.json"))
    assert list(written.items()) == [("id", "1"), *expected.items(), ("last", "x")]


def test_a_file_outside_the_partition_root_fails(storage: Storage) -> None:
    """The root must be above the files that are read."""
    storage.put("in/a.csv", b"id\n1\n")
    read = {"enablePartitionDiscovery": True, "partitionRootPath": "elsewhere"}
    with pytest.raises(ActivityFailed, match="partitionRootPath 'elsewhere'"):
        run(
            copy,
            lake_copying("DelimitedText", "Json", read=read),
            storage.lake("In", "DelimitedText", folder="in"),
            storage.lake("Out", "Json", file="a.json"),
        )


@pytest.mark.parametrize("store", ["AzureBlobFS", "AzureBlobStorage"])
def test_older_names_of_settings_are_accepted(storage: Storage, store: str) -> None:
    """Settings whose types lack the final s, as older factories have them, mean the present ones."""
    storage.put("in/a.csv", b"id\n1\n")
    here = storage.lake if store == "AzureBlobFS" else storage.dataset
    text = here("In", "DelimitedText", folder="in", firstRowAsHeader=True)
    lines = here("Lines", "Json", folder="lines", file="a.json")
    read, write = {"type": f"{store}ReadSetting"}, {"type": f"{store}WriteSetting"}

    def formats(source: str, sink: str) -> dict[str, Any]:
        return {"source": {"formatSettings": {"type": source}}, "sink": {"formatSettings": {"type": sink}}}

    older = formats("DelimitedTextReadSetting", "JsonWriteSetting")
    run(copy, copying("DelimitedText", "Json", read=read, write=write, **older), text, lines)
    assert json.loads(storage.get("lines/a.json")) == {"id": "1"}

    older = formats("JsonReadSetting", "DelimitedTextWriteSetting")
    older["sink"]["formatSettings"]["fileExtension"] = ".csv"
    back = here("Back", "DelimitedText", folder="back", file="a.csv")
    run(copy, copying("Json", "DelimitedText", read=read, write=write, **older), lines, back)
    assert storage.get("back/a.csv").split() == [b"1"]

    older = {"source": {"formatSettings": {"type": "BinaryReadSetting"}}}
    run(
        copy,
        copying("Binary", read=read, write=write, **older),
        here("Files", folder="in"),
        here("Out", folder="out"),
    )
    assert storage.get("out/a.csv") == b"id\n1\n"


def test_a_blob_account_can_replace_a_lake(tree: Storage) -> None:
    """The datasets of a lake work unchanged on a linked service of type AzureBlobStorage, for every activity."""
    blob: dict[str, Any] = {
        "linked_service_type": "AzureBlobStorage",
        "linked_service": {"connectionString": tree.connection_string},
    }
    source, sink = tree.lake("In", folder="in", **blob), tree.lake("Out", folder="out", **blob)
    run(copy, lake_copying("Binary", read={"wildcardFileName": "*.txt"}), source, sink)
    assert copied(tree) == ["a.txt", "sub/c.txt"]

    properties = {"dataset": reference(sink), "fieldList": ["childItems"], "storeSettings": READ}
    children = run(get_metadata, properties, sink).output["childItems"]
    assert [child["name"] for child in children] == ["a.txt", "sub"]
    valid = run(validation, {"dataset": reference(sink)}, sink, sleeper=asyncio.sleep)
    assert valid.output["itemType"] == "Folder"
    properties = {"dataset": reference(sink), "storeSettings": READ | {"recursive": True}}
    assert run(delete, properties, sink).output["filesDeleted"] == 2
    assert copied(tree) == []


def test_an_empty_folder_is_copied_as_nothing(storage: Storage) -> None:
    """An existing empty folder is no failure, unlike a missing one."""
    storage.put("in", b"", metadata=FOLDER)
    result = run(
        copy, lake_copying("Binary"), storage.lake("In", folder="in"), storage.lake("Out", folder="out")
    )
    assert result.output["filesRead"] == 0
    assert storage.names() == ["in"]


ANSWERED = r"RequestId: '[-0-9a-f]+'\. TimeStamp: '\w{3}, [^']+ GMT'\."


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (
            {"folder": "in", "file": "no"},
            r"Path: 'in/no'\. ErrorCode: 'PathNotFound'\. Message: 'The specified path does not exist\.'\. "
            + ANSWERED,
        ),
        (
            {"folder": "no"},
            r"Path: 'no'\. ErrorCode: 'PathNotFound'\. Message: 'The specified path does not exist\.'\.",
        ),
        (
            {"file_system": "not-there", "folder": "in"},
            r"Path: 'in'\. ErrorCode: 'FilesystemNotFound'\. Message: 'The specified filesystem does not exist\.'\.",
        ),
    ],
)
def test_missing_files_are_reported_as_recorded(
    storage: Storage, place: dict[str, Any], message: str
) -> None:
    """A missing file, folder or file system fails the copy as UserErrorFileNotFound with the lake's message."""
    storage.put("in/a.txt", b"")
    with pytest.raises(ActivityFailed) as failed:
        run(copy, lake_copying("Binary"), storage.lake("In", **place), storage.lake("Out", folder="out"))
    file_system = place.get("file_system", storage.container.container_name)
    assert re.fullmatch(
        r"ErrorCode=UserErrorFileNotFound,'Type=Microsoft\.DataTransfer\.Common\.Shared\.HybridDeliveryException,"
        r"Message=ADLS Gen2 operation failed for: Operation returned an invalid status code 'NotFound'\. "
        rf"Account: '{storage.secrets()['account']}'\. FileSystem: '{file_system}'\. {message}\.,"
        r"Source=Microsoft\.DataTransfer\.ClientLibrary,'",
        failed.value.message,
    )
    assert failed.value.error_code == "2200"


def test_an_error_of_the_lake_is_reported_with_its_code(storage: Storage) -> None:
    """A wrong key is AdlsGen2OperationFailed with the storage service's code, met in a background thread."""
    storage.put("in/a.txt", b"content")
    wrong = {"url": storage.secrets()["endpoint"], "accountKey": "d3Jvbmc="}
    sink = storage.lake("Out", folder="out", linked_service=wrong)
    with pytest.raises(ActivityFailed) as failed:
        run(copy, lake_copying("Binary"), storage.lake("In", folder="in"), sink)
    assert failed.value.message.startswith(
        "Failure happened on 'Sink' side. ErrorCode=AdlsGen2OperationFailed,"
    )
    assert "status code 'Forbidden'. Account: " in failed.value.message
    assert (
        "Path: 'out/a.txt'. ErrorCode: 'AuthorizationFailure'. Message: 'Server failed"
        in failed.value.message
    )
    assert "d3Jvbmc=" not in repr((failed.value.message, failed.value.output))


def test_a_file_system_that_cannot_be_created_is_reported(storage: Storage) -> None:
    """With a signature that may write files but create no file system, a missing one fails the copy by name."""
    storage.put("in/a.txt", b"content")
    blobs_only = {"sasUri": storage.secrets()["write_blobs_sas"]}
    sink = storage.lake("Out", folder="out", file_system="not-there", linked_service=blobs_only)
    with pytest.raises(ActivityFailed, match=r"AdlsGen2OperationFailed.*FileSystem: 'not-there'\. Path: ''"):
        run(copy, lake_copying("Binary"), storage.lake("In", folder="in"), sink)


def test_an_unreachable_lake_is_reported_without_its_signature(storage: Storage) -> None:
    """A refused connection fails the copy, and the shared access signature is not in the message."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gone = {"sasUri": f"http://127.0.0.1:{port}/account?{storage.secrets()['token']}"}
    source = storage.lake("In", folder="in", file="a.txt", linked_service=gone)
    with pytest.raises(ActivityFailed, match=r"AdlsGen2OperationFailed.*ServiceRequestError") as failed:
        run(copy, lake_copying("Binary"), source, storage.lake("Out", folder="out"))
    assert "sig=" not in repr((failed.value.message, failed.value.output))


@pytest.mark.parametrize(
    ("activity", "named"),
    [
        (lake_copying("Binary", read={"prefix": "in/"}), "prefix"),
        (
            lake_copying("Binary", read={"type": "AzureBlobStorageReadSettings"}),
            "AzureBlobStorageReadSettings",
        ),
        (
            lake_copying("Binary", write={"type": "AzureBlobStorageWriteSettings"}),
            "AzureBlobStorageWriteSettings",
        ),
        (lake_copying("Binary", read={"enablePartitionDiscovery": True}), "enablePartitionDiscovery"),
        (lake_copying("Binary", preserve=["ACL"]), "ACL"),
        (lake_copying("Binary", write={"expiryDateTime": "2027-01-01T00:00:00Z"}), "expiryDateTime"),
    ],
)
def test_unsupported_settings_are_named(tree: Storage, activity: dict[str, Any], named: str) -> None:
    """An unsupported setting fails the copy by its name, before any file is copied."""
    with pytest.raises(ActivityFailed, match=f"{named}.* is not emulated"):
        run(copy, activity, tree.lake("In", folder="in"), tree.lake("Out", folder="out"))
    assert tree.names() == TREE


def test_a_blob_location_is_rejected_on_a_lake(tree: Storage) -> None:
    """An AzureBlobStorageLocation on a linked service of type AzureBlobFS is rejected by name."""
    blob = tree.dataset("In", folder="in", linked_service_type="AzureBlobFS")
    with pytest.raises(ActivityFailed, match=r"AzureBlobStorageLocation.*on a AzureBlobFS, is not emulated"):
        run(copy, copying("Binary"), blob, tree.lake("Out", folder="out"))
