"""Lookup, GetMetadata, Delete and Validation, on a real Azurite."""

import asyncio
import base64
import csv
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import ContentSettings

from adf_trigger.emulator.activities.delete import delete
from adf_trigger.emulator.activities.get_metadata import get_metadata
from adf_trigger.emulator.activities.lookup import lookup
from adf_trigger.emulator.activities.validation import validation
from adf_trigger.emulator.contract.activity import ActivityFailed, ActivityResult
from tests.integration.emulator.copying.harness import (
    Answer,
    Storage,
    reference,
    rest_dataset,
    rest_service,
    run,
)

READ = {"type": "AzureBlobStorageReadSettings"}
ENDING = {
    "effectiveIntegrationRuntime": "DefaultIntegrationRuntime (East US)",
    "durationInQueue": {"integrationRuntimeQueue": 0},
}


def billed(unit: str) -> dict[str, Any]:
    """The minimum billing of each of these activities."""
    duration = {"meterType": "AzureIR", "duration": 1 / 60, "unit": unit}
    return {"activityType": "PipelineActivity", "billableDuration": [duration]}


def look_up(storage: Storage, kind: str = "Json", dataset: Any = None, **more: Any) -> dict[str, Any]:
    """The output of a Lookup in in/, without the common fields of every output."""
    dataset = dataset or storage.dataset(
        "Rows", kind, folder="in", firstRowAsHeader=kind == "DelimitedText" or None
    )
    properties = {"source": {"type": f"{kind}Source"}, "dataset": reference(dataset), **more}
    result = run(lookup, properties, dataset)
    assert result.input == properties
    assert result.extra["integrationRuntimeNames"] == ["defaultintegrationruntime"]
    return {name: value for name, value in result.output.items() if name not in {*ENDING, "billingReference"}}


def test_a_lookup_gives_the_first_row(storage: Storage) -> None:
    """firstRowOnly is the default, and its output is firstRow; the rest of the output is as recorded."""
    storage.put("in/a.csv", b"id,name\n1,a\n2,b\n")
    dataset = storage.dataset("Rows", "DelimitedText", folder="in", firstRowAsHeader=True)
    result = run(lookup, {"source": {"type": "DelimitedTextSource"}, "dataset": reference(dataset)}, dataset)
    assert result.output == {
        "firstRow": {"id": "1", "name": "a"},
        "billingReference": billed("DIUHours"),
        **ENDING,
    }


def test_a_lookup_gives_all_rows_of_all_files(storage: Storage) -> None:
    """Without firstRowOnly the output is count and value, over every file of the folder."""
    storage.put("in/a.json", b'{"id":1}{"id":2}')
    storage.put("in/b.json", b'[{"id":3}]')
    assert look_up(storage, firstRowOnly=False) == {"count": 3, "value": [{"id": 1}, {"id": 2}, {"id": 3}]}


def test_a_lookup_of_nothing_has_no_first_row(storage: Storage) -> None:
    """A file without rows gives no firstRow, or none of value."""
    storage.put("in/a.json", b"")
    assert look_up(storage) == {}
    assert look_up(storage, firstRowOnly=False) == {"count": 0, "value": []}


def test_a_lookup_is_cut_off_at_5000_rows(storage: Storage) -> None:
    """Further rows are left out without an error, as documented."""
    storage.put("in/a.json", b"".join(b'{"id":%d}' % number for number in range(5001)))
    output = look_up(storage, firstRowOnly=False)
    assert output["count"] == len(output["value"]) == 5000


def test_a_lookup_of_more_than_4_mb_fails(storage: Storage) -> None:
    """An output over the limit fails the activity."""
    storage.put("in/a.json", json.dumps({"text": "x" * 4 * 1024 * 1024}).encode())
    with pytest.raises(ActivityFailed, match="length of execution output is over limit") as failed:
        look_up(storage)
    assert failed.value.error_code == "2001"


def test_a_lookup_of_a_missing_file_fails(storage: Storage) -> None:
    """A missing blob is reported as by a copy."""
    dataset = storage.dataset("Rows", "Json", folder="in", file="no.json")
    with pytest.raises(ActivityFailed, match=r"UserErrorSourceBlobNotExist.*in/no\.json") as failed:
        look_up(storage, dataset=dataset)
    assert (failed.value.error_code, failed.value.input["dataset"]) == ("2100", reference(dataset))


def test_a_lookup_reads_rest_services(storage: Storage) -> None:
    """A RestSource returns its pages."""
    with rest_service(lambda _: Answer({"value": 7})) as service:
        output = look_up(storage, "Rest", rest_dataset(service))
    assert output == {"firstRow": {"value": 7}}


def test_a_binary_dataset_cannot_be_looked_up(storage: Storage) -> None:
    """A dataset without rows is rejected."""
    storage.put("in/a", b"")
    with pytest.raises(ActivityFailed, match="no rows"):
        look_up(storage, "Binary")


def metadata(storage: Storage, fields: list[str], kind: str = "Binary", **more: Any) -> dict[str, Any]:
    """The fields of an item; `more` gives its location and layout."""
    settings = more.pop("storeSettings", None)
    dataset = storage.dataset("Item", kind, **more)
    properties = {"dataset": reference(dataset), "fieldList": fields, "storeSettings": settings}
    output = run(get_metadata, properties, dataset).output
    assert output.pop("executionDuration") >= 0
    assert {name: output.pop(name) for name in ENDING} == ENDING
    assert output.pop("billingReference") == billed("Hours")
    return output


def test_metadata_of_a_file(storage: Storage) -> None:
    """A file has name, type, size, time of change, MD5 and existence."""
    md5 = hashlib.md5(b"content").digest()  # noqa: S324 - what blob storage keeps
    storage.put("in/a.txt", b"content", content_settings=ContentSettings(content_md5=bytearray(md5)))
    modified = storage.container.get_blob_client("in/a.txt").get_blob_properties().last_modified
    fields = ["exists", "itemName", "itemType", "size", "lastModified", "contentMD5"]
    assert metadata(storage, fields, folder="in", file="a.txt") == {
        "exists": True,
        "itemName": "a.txt",
        "itemType": "File",
        "size": 7,
        "lastModified": f"{modified:%Y-%m-%dT%H:%M:%SZ}",
        "contentMD5": base64.b64encode(md5).decode(),
    }


def test_metadata_of_a_folder(storage: Storage) -> None:
    """A folder has its direct children, files and folders; placeholder blobs of folders are not listed."""
    for name in ("top/in/a.txt", "top/in/b.txt", "top/in/sub/c.txt", "top/other.txt"):
        storage.put(name, b"")
    storage.put("top/in/marker", b"", metadata={"hdi_isfolder": "true"})
    fields = ["exists", "itemName", "itemType", "childItems"]
    assert metadata(storage, fields, folder="top/in") == {
        "exists": True,
        "itemName": "in",
        "itemType": "Folder",
        "childItems": [
            {"name": "a.txt", "type": "File"},
            {"name": "b.txt", "type": "File"},
            {"name": "sub", "type": "Folder"},
        ],
    }


def test_metadata_of_a_container(storage: Storage) -> None:
    """A container is a folder with a modification time."""
    storage.put("in/a.txt", b"")
    output = metadata(storage, ["itemName", "itemType", "lastModified", "childItems"])
    assert output["itemName"] == storage.container.container_name
    assert datetime.fromisoformat(output["lastModified"]) > datetime.now(tz=UTC) - timedelta(hours=1)
    assert output["childItems"] == [{"name": "in", "type": "Folder"}]


def test_metadata_of_columns(storage: Storage) -> None:
    """Delimited text has a structure and a number of columns."""
    storage.put("in/a.csv", b"id;name\n1;a\n")
    layout = {"firstRowAsHeader": True, "columnDelimiter": ";"}
    assert metadata(
        storage, ["structure", "columnCount"], "DelimitedText", folder="in", file="a.csv", **layout
    ) == {
        "structure": [{"name": "id", "type": "String"}, {"name": "name", "type": "String"}],
        "columnCount": 2,
    }


def test_metadata_filters_children_by_time(storage: Storage) -> None:
    """A modified filter leaves the files of that time, and no folders."""
    storage.put("in/a.txt", b"")
    storage.put("in/sub/b.txt", b"")
    later = f"{datetime.now(tz=UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    for setting, expected in (("modifiedDatetimeEnd", ["a.txt"]), ("modifiedDatetimeStart", [])):
        settings = READ | {setting: later}
        output = metadata(storage, ["childItems"], folder="in", storeSettings=settings)
        assert [child["name"] for child in output["childItems"]] == expected


@pytest.mark.parametrize(
    "place", [{"folder": "in", "file": "no"}, {"folder": "no"}, {"container": "not-there"}]
)
def test_a_missing_item_is_an_answer_or_a_failure(storage: Storage, place: dict[str, Any]) -> None:
    """With exists requested, a missing item is exists: false; without it the activity fails."""
    assert metadata(storage, ["exists", "size"], **place) == {"exists": False}
    with pytest.raises(ActivityFailed, match="UserErrorSourceBlobNotExist"):
        metadata(storage, ["itemName"], **place)


@pytest.mark.parametrize(
    ("fields", "place", "named"),
    [
        (["childItems"], {"folder": "in", "file": "a.txt"}, "childItems"),
        (["size"], {"folder": "in"}, "size"),
        (["lastModified"], {"folder": "in"}, "lastModified"),
        (["created"], {"folder": "in", "file": "a.txt"}, "created"),
        (["columnCount"], {"folder": "in", "file": "a.txt"}, "structure"),
        ([], {"folder": "in"}, "fieldList"),
        (["itemName"], {"folder": "in", "storeSettings": READ | {"wildcardFileName": "*"}}, "Wildcards"),
    ],
)
def test_a_field_that_does_not_apply_fails(
    storage: Storage, fields: list[str], place: dict[str, Any], named: str
) -> None:
    """A field that does not exist for files or folders on blob storage is named in the error."""
    storage.put("in/a.txt", b"")
    with pytest.raises(ActivityFailed, match=named):
        metadata(storage, fields, **place)


FILES = ["in/a.txt", "in/b.csv", "in/sub/c.txt", "other/d.txt"]


def remove(
    storage: Storage, settings: dict[str, Any], more: dict[str, Any] | None = None, **place: Any
) -> ActivityResult:
    """Delete from the test's four files."""
    for name in FILES:
        storage.put(name, b"", overwrite=True)
    dataset = storage.dataset("Doomed", **place)
    properties = {"dataset": reference(dataset), "storeSettings": READ | settings, **(more or {})}
    linked = {"Store": ("AzureBlobStorage", {"connectionString": storage.connection_string})}
    return run(delete, properties, dataset, linked_services=linked)


@pytest.mark.parametrize(
    ("settings", "place", "left"),
    [
        ({}, {"folder": "in"}, ["in/sub/c.txt", "other/d.txt"]),
        ({"recursive": True}, {"folder": "in"}, ["other/d.txt"]),
        ({"recursive": True}, {}, []),
        ({}, {"folder": "in", "file": "a.txt"}, ["in/b.csv", "in/sub/c.txt", "other/d.txt"]),
        ({"wildcardFileName": "*.txt"}, {"folder": "in"}, ["in/b.csv", "in/sub/c.txt", "other/d.txt"]),
        ({"recursive": True}, {"folder": "in", "file": "*.txt"}, ["in/b.csv", "other/d.txt"]),
        ({"recursive": True, "wildcardFolderPath": "o*", "wildcardFileName": "*"}, {}, FILES[:3]),
        ({"modifiedDatetimeEnd": "2020-01-01T00:00:00Z"}, {"folder": "in"}, FILES),
    ],
)
def test_files_are_deleted_as_the_article_shows(
    storage: Storage, settings: dict[str, Any], place: dict[str, Any], left: list[str]
) -> None:
    """A folder, a file or a wildcard is deleted, recursively only if requested; the output counts the files."""
    output = remove(storage, settings, **place).output
    assert storage.names() == left
    assert output["filesDeleted"] == len(FILES) - len(left)
    assert output["recursive"] is settings.get("recursive", False)
    assert output["datasetName"] == "Doomed"
    assert output["isWildcardUsed"] is ("wildcardFileName" in settings or "*" in place.get("file", ""))
    assert output["maxConcurrentConnections"] == 1
    assert {name: output[name] for name in ENDING} == ENDING
    assert "logPath" not in output


def test_deleted_files_are_logged(storage: Storage) -> None:
    """With enableLogging, a CSV of what was deleted is at logPath."""
    container = storage.container.container_name
    log = {"linkedServiceName": {"referenceName": "Store"}, "path": f"{container}/logs/delete"}
    more = {"enableLogging": True, "logStorageSettings": log}
    output = remove(storage, {"recursive": True}, more, folder="in").output
    path = output["logPath"]
    assert path.startswith(f"{container}/logs/delete/")
    rows = list(csv.reader(io.StringIO(storage.get(path.partition("/")[2]).decode())))
    assert rows == [
        ["Name", "Category", "Status", "Error"],
        *([name, "File", "Deleted", ""] for name in FILES[:3]),
    ]


@pytest.mark.parametrize("place", [{"folder": "in", "file": "no"}, {"folder": "no"}])
def test_deleting_a_missing_file_fails(storage: Storage, place: dict[str, Any]) -> None:
    """A missing file or folder is a failure, as in a copy."""
    with pytest.raises(ActivityFailed, match="UserErrorSourceBlobNotExist"):
        remove(storage, {}, **place)
    assert storage.names() == FILES


def test_logging_needs_a_linked_service_and_a_path(storage: Storage) -> None:
    """Without either the activity fails, and nothing is deleted."""
    for settings in ({}, {"linkedServiceName": {"referenceName": "Store"}}):
        with pytest.raises(ActivityFailed, match=r"linked service|path"):
            remove(storage, {}, {"enableLogging": True, "logStorageSettings": settings}, folder="in")
    assert storage.names() == FILES


def validate(
    storage: Storage, place: dict[str, Any], sleeper: Any = asyncio.sleep, **properties: Any
) -> ActivityResult:
    """Run a Validation."""
    dataset = storage.dataset("Awaited", **place)
    return run(validation, {"dataset": reference(dataset), **properties}, dataset, sleeper=sleeper)


def test_an_existing_file_is_valid_immediately(storage: Storage) -> None:
    """The output describes the file that was found."""
    storage.put("in/a.txt", b"content")
    result = validate(storage, {"folder": "in", "file": "a.txt"}, minimumSize=7)
    assert result.output == {"exists": True, "itemName": "a.txt", "itemType": "File", "size": 7}


def test_a_validation_waits_until_the_file_has_grown(storage: Storage) -> None:
    """The activity looks again every `sleep` seconds, until the file is large enough."""
    waits: list[float] = []

    async def grow(seconds: float) -> None:
        if seconds == 3600:  # The wait of the time limit never ends here.
            await forever()
        waits.append(seconds)
        storage.put("in/a.txt", b"x" * len(waits), overwrite=True)

    result = validate(
        storage, {"folder": "in", "file": "a.txt"}, grow, minimumSize=3, sleep=20, timeout="01:00:00"
    )
    assert waits == [20, 20, 20]
    assert result.output["size"] == 3


def test_a_validation_that_waits_too_long_times_out(storage: Storage) -> None:
    """After its time-out the activity ends as TimedOut, with the last state it found."""

    async def pass_quickly(seconds: float) -> None:
        if seconds != 60:
            await forever()

    storage.put("in/a.txt", b"small")
    with pytest.raises(ActivityFailed, match="60 seconds") as failed:
        validate(
            storage, {"folder": "in", "file": "a.txt"}, pass_quickly, minimumSize=100, timeout="0.00:01:00"
        )
    assert failed.value.status == "TimedOut"


async def forever() -> None:
    """Never return."""
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("place", "child_items", "valid"),
    [
        ({"folder": "in"}, None, True),
        ({"folder": "in"}, True, True),
        ({"folder": "in"}, False, False),
        ({"folder": "no"}, None, False),
        ({"folder": "no"}, False, False),
        ({"folder": "in", "file": "no"}, None, False),
        ({}, True, True),
    ],
)
def test_folders_are_valid_with_or_without_children(
    storage: Storage,
    place: dict[str, Any],
    child_items: bool | None,  # noqa: FBT001 - a row of a table
    valid: bool,  # noqa: FBT001 - a row of a table
) -> None:
    """childItems requires a folder with, or without, children; the folder must exist in any case."""
    storage.put("in/a.txt", b"")

    async def give_up(seconds: float) -> None:
        if seconds != 5:
            await forever()

    if valid:
        assert validate(storage, place, childItems=child_items).output["exists"] is True
    else:
        with pytest.raises(ActivityFailed) as failed:
            validate(storage, place, give_up, childItems=child_items, timeout="00:00:05")
        assert failed.value.status == "TimedOut"


def test_an_empty_container_is_an_empty_folder(storage: Storage) -> None:
    """A container without blobs has no children."""
    assert validate(storage, {}, childItems=False).output["itemType"] == "Folder"


def test_a_minimum_size_is_only_for_files(storage: Storage) -> None:
    """A minimum size on a folder is rejected without waiting."""
    storage.put("in/a.txt", b"")
    with pytest.raises(ActivityFailed, match="minimumSize"):
        validate(storage, {"folder": "in"}, minimumSize=1)
