"""Lookup, GetMetadata and Delete on Data Lake Storage Gen2."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adf_trigger.emulator.activities.delete import delete
from adf_trigger.emulator.activities.get_metadata import get_metadata
from adf_trigger.emulator.activities.lookup import lookup
from adf_trigger.emulator.activities.validation import validation
from adf_trigger.emulator.contract.activity import ResolvedDataset
from tests.integration.emulator.copying.files import TREE
from tests.integration.emulator.copying.harness import Storage, reference, run
from tests.integration.emulator.copying.lake import FOLDER, READ


def test_a_lookup_reads_a_lake(storage: Storage) -> None:
    """All rows of a file, with the store settings of a lake."""
    storage.put("in/a.csv", b"id\n1\n2\n")
    dataset = storage.lake("Rows", "DelimitedText", folder="in", file="a.csv", firstRowAsHeader=True)
    source = {"type": "DelimitedTextSource", "storeSettings": READ | {"recursive": True}}
    properties = {"source": source, "dataset": reference(dataset), "firstRowOnly": False}
    output = run(lookup, properties, dataset).output
    assert (output["count"], output["value"]) == (2, [{"id": "1"}, {"id": "2"}])


def metadata(dataset: ResolvedDataset, *fields: str, **settings: Any) -> dict[str, Any]:
    """Fields of the item that a dataset names."""
    properties = {
        "dataset": reference(dataset),
        "fieldList": list(fields),
        "storeSettings": READ | settings,
    }
    output = run(get_metadata, properties, dataset).output
    return {field: output[field] for field in fields if field in output}


def test_folders_of_a_lake_exist_on_their_own(storage: Storage) -> None:
    """A folder may be empty and has a modification time; each is listed once, empty or not."""
    storage.put("in/a.txt", b"")
    storage.put("in/sub/b.txt", b"")
    for folder in ("in", "in/empty", "in/sub"):
        storage.put(folder, b"", metadata=FOLDER)
    found = metadata(storage.lake("Item", folder="in"), "itemType", "lastModified", "childItems")
    assert datetime.fromisoformat(found.pop("lastModified")) > datetime.now(tz=UTC) - timedelta(hours=1)
    assert found == {
        "itemType": "Folder",
        "childItems": [
            {"name": "a.txt", "type": "File"},
            {"name": "empty", "type": "Folder"},
            {"name": "sub", "type": "Folder"},
        ],
    }
    empty = storage.lake("Item", folder="in/empty")
    assert metadata(empty, "exists", "childItems") == {"exists": True, "childItems": []}
    awaited = {"dataset": reference(empty), "childItems": False}
    assert run(validation, awaited, empty, sleeper=asyncio.sleep).output["exists"] is True
    filtered = metadata(
        storage.lake("Item", folder="in"), "childItems", modifiedDatetimeStart="2020-01-01T00:00:00Z"
    )
    assert filtered == {"childItems": [{"name": "a.txt", "type": "File"}]}


@pytest.mark.parametrize(
    ("settings", "place", "left"),
    [
        ({"recursive": True}, {"folder": "in"}, ["other", "other/e.txt"]),
        ({"recursive": True}, {"folder": "in/sub"}, ["in", "in/a.txt", "in/b.csv", "other", "other/e.txt"]),
        ({"recursive": True}, {}, []),
        (
            {},
            {"folder": "in"},
            ["in", "in/sub", "in/sub/c.txt", "in/sub/deeper", "in/sub/deeper/d.csv", "other", "other/e.txt"],
        ),
        (
            {"recursive": True, "wildcardFileName": "*"},
            {"folder": "in"},
            ["in", "in/sub", "in/sub/deeper", "other", "other/e.txt"],
        ),
        (
            {},
            {"folder": "other", "file": "e.txt"},
            ["in", *TREE[:2], "in/sub", *TREE[2:3], "in/sub/deeper", *TREE[3:4], "other"],
        ),
    ],
)
def test_a_whole_folder_is_deleted_with_its_folders(
    tree: Storage, settings: dict[str, Any], place: dict[str, Any], left: list[str]
) -> None:
    """Recursive deletion of a folder takes it and those below it; with a wildcard, only files are deleted."""
    for folder in ("in", "in/sub", "in/sub/deeper", "other"):
        tree.put(folder, b"", metadata=FOLDER)
    dataset = tree.lake("Doomed", **place)
    before = len(set(TREE))
    output = run(delete, {"dataset": reference(dataset), "storeSettings": READ | settings}, dataset).output
    assert tree.names() == left
    assert output["filesDeleted"] == before - len(set(TREE) & set(left))


def test_a_deletion_is_logged_on_a_lake(tree: Storage) -> None:
    """logStorageSettings may name a linked service of type AzureBlobFS."""
    dataset = tree.lake("Doomed", folder="other")
    container = tree.container.container_name
    properties = {
        "dataset": reference(dataset),
        "storeSettings": READ,
        "enableLogging": True,
        "logStorageSettings": {"linkedServiceName": {"referenceName": "Lake"}, "path": f"{container}/logs"},
    }
    linked = {"Lake": ("AzureBlobFS", dataset.linked_service)}
    output = run(delete, properties, dataset, linked_services=linked).output
    assert tree.get(output["logPath"].partition("/")[2]).splitlines()[1] == b"other/e.txt,File,Deleted,"
