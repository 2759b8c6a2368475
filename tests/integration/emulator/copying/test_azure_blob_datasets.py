"""Datasets of type AzureBlob with BlobSource and BlobSink, as Microsoft's .NET and Python quickstarts have them."""

from typing import Any

import pytest

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.activities.delete import delete
from adf_trigger.emulator.activities.get_metadata import get_metadata
from adf_trigger.emulator.contract.activity import ActivityFailed, ResolvedDataset
from tests.integration.emulator.copying.harness import Storage, run

SOURCE, SINK = {"type": "BlobSource"}, {"type": "BlobSink"}


def azure_blob(
    storage: Storage, name: str, folder: str, linked: str = "AzureBlobStorage", **more: Any
) -> ResolvedDataset:
    """A dataset of the older kind: container and folder are one path."""
    path = f"{storage.container.container_name}/{folder}".rstrip("/")
    return ResolvedDataset(
        name=name,
        type="AzureBlob",
        properties={"folderPath": path, **more},
        linked_service_name="storage",
        linked_service_type=linked,
        linked_service={"connectionString": storage.connection_string},
    )


@pytest.mark.parametrize("linked", ["AzureBlobStorage", "AzureStorage"])
def test_the_quickstarts_pair_copies(storage: Storage, linked: str) -> None:
    """One file by its name, to a folder: as it is, under its name."""
    storage.put("input/emp.txt", b"John, Doe\n")
    pair = (
        azure_blob(storage, "in", "input", linked, fileName="emp.txt"),
        azure_blob(storage, "out", "output", linked),
    )
    result = run(copy, {"source": SOURCE, "sink": SINK}, *pair)
    assert storage.get("output/emp.txt") == b"John, Doe\n"
    assert (result.output["filesRead"], result.output["dataWritten"]) == (1, 10)
    assert result.input["source"] == SOURCE, "the input shows what was written"


@pytest.mark.parametrize(
    ("settings", "names"), [({}, {"a.txt", "deep/b.txt"}), ({"recursive": False}, {"a.txt"})]
)
def test_a_folder_copies_recursively_by_default(
    storage: Storage, settings: dict[str, Any], names: set[str]
) -> None:
    """recursive is true by default."""
    storage.put("input/a.txt", b"a")
    storage.put("input/deep/b.txt", b"b")
    run(
        copy,
        {"source": SOURCE | settings, "sink": SINK},
        azure_blob(storage, "in", "input/"),
        azure_blob(storage, "out", "o"),
    )
    assert {name.removeprefix("o/") for name in storage.names() if name.startswith("o/")} == names


def test_wildcards_and_copy_behavior_are_honoured(storage: Storage) -> None:
    """A file name with wildcards selects; copyBehavior of the BlobSink merges."""
    for name in ("a.txt", "b.txt", "c.csv"):
        storage.put(f"input/{name}", name.encode())
    source = azure_blob(storage, "in", "input", fileName="*.txt")
    sink = azure_blob(storage, "out", "o", fileName="all.txt")
    run(copy, {"source": SOURCE, "sink": SINK | {"copyBehavior": "MergeFiles"}}, source, sink)
    assert sorted(storage.get("o/all.txt").decode()) == sorted("a.txtb.txt")


@pytest.mark.parametrize(
    ("source", "sink", "dataset", "said"),
    [
        (SOURCE, {"type": "BinarySink"}, {}, "of type 'BinarySink'"),
        ({"type": "BinarySource"}, SINK, {}, "of type 'BinarySource'"),
        (SOURCE, SINK, {"format": {"type": "TextFormat"}}, "The property 'format'"),
        (SOURCE, SINK, {"tableRootLocation": "x"}, "The property 'tableRootLocation'"),
        (SOURCE | {"skipHeaderLineCount": 1}, SINK, {}, "The property 'skipHeaderLineCount'"),
        (SOURCE, SINK | {"blobWriterDateTimeFormat": "yyyy"}, {}, "The property 'blobWriterDateTimeFormat'"),
        (SOURCE, SINK, {"folderPath": ""}, "'folderPath'"),
    ],
)
def test_unsupported_settings_are_rejected_by_name(
    storage: Storage, source: dict[str, Any], sink: dict[str, Any], dataset: dict[str, Any], said: str
) -> None:
    """Formats and settings that are not emulated fail the copy, and nothing is written."""
    storage.put("input/a.txt", b"a")
    pair = azure_blob(storage, "in", "input", **dataset), azure_blob(storage, "out", "o")
    with pytest.raises(ActivityFailed, match=said):
        run(copy, {"source": source, "sink": sink}, *pair)
    assert storage.names() == ["input/a.txt"]


def test_metadata_and_delete_accept_older_datasets(storage: Storage) -> None:
    """GetMetadata and Delete accept the older datasets, too."""
    storage.put("input/a.txt", b"abc")
    dataset = azure_blob(storage, "in", "input", fileName="a.txt")
    reference = {"referenceName": "in", "type": "DatasetReference"}
    found = run(get_metadata, {"dataset": reference, "fieldList": ["size", "exists"]}, dataset)
    assert (found.output["size"], found.output["exists"]) == (3, True)
    run(delete, {"dataset": reference}, dataset)
    assert storage.names() == []
