"""Binary copies between blobs, on a real Azurite."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import ContentSettings

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.contract.activity import ActivityFailed
from tests.integration.emulator.copying.files import QUICKSTART, TREE, copied
from tests.integration.emulator.copying.harness import Storage, copying, run


def test_the_quickstarts_copy_shows_what_its_sample_shows(storage: Storage) -> None:
    """One blob is copied into a folder under its name; input, output and the run's fields are the sample's."""
    storage.put("input/emp.txt", b"x" * 134)

    result = run(
        copy,
        QUICKSTART,
        storage.dataset("InputDataset", folder="input", file="emp.txt"),
        storage.dataset("OutputDataset", folder="output"),
    )

    assert storage.get("output/emp.txt") == b"x" * 134
    assert result.input == QUICKSTART
    details = result.output.pop("executionDetails")
    duration = result.output["copyDuration"]
    assert result.output == {
        "dataRead": 134,
        "dataWritten": 134,
        "filesRead": 1,
        "filesWritten": 1,
        "sourcePeakConnections": 1,
        "sinkPeakConnections": 1,
        "copyDuration": duration,
        "throughput": round(134 / 1024 / duration, 3),
        "errors": [],
        "effectiveIntegrationRuntime": "DefaultIntegrationRuntime (East US)",
        "usedDataIntegrationUnits": 4,
        "billingReference": {
            "activityType": "DataMovement",
            "billableDuration": [{"meterType": "AzureIR", "duration": 4 / 60, "unit": "DIUHours"}],
        },
        "usedParallelCopies": 1,
        "dataConsistencyVerification": {"VerificationResult": "NotVerified"},
        "durationInQueue": {"integrationRuntimeQueue": 0},
    }
    assert duration >= 1
    (detail,) = details
    assert set(detail) == {
        "source",
        "sink",
        "status",
        "start",
        "duration",
        "usedDataIntegrationUnits",
        "usedParallelCopies",
        "profile",
        "detailedDurations",
    }
    assert detail["source"] == {"type": "AzureBlobStorage"}
    assert detail["sink"] == {"type": "AzureBlobStorage", "region": "East US"}
    assert result.extra == {
        "integrationRuntimeNames": ["defaultintegrationruntime"],
        "executionDetails": {
            "integrationRuntime": [
                {"name": "DefaultIntegrationRuntime", "type": "Managed", "location": "East US", "nodes": None}
            ]
        },
    }


def test_a_sink_with_a_file_name_renames(storage: Storage) -> None:
    """The quickstart's second pipeline: emp2.txt becomes aloha.txt; the container is made if it is missing."""
    storage.put("input/emp2.txt", b"aloha")
    new = f"{storage.container.container_name}-new"

    run(
        copy,
        QUICKSTART,
        storage.dataset("ParamInputDataset", folder="input", file="emp2.txt"),
        storage.dataset("ParamOutputDataset", folder="output", file="aloha.txt", container=new),
    )

    assert Storage(storage.service(new), "").get("output/aloha.txt") == b"aloha"


def test_a_missing_blob_fails_with_the_services_error(storage: Storage) -> None:
    """A missing source blob is 2200, UserErrorSourceBlobNotExist, with container and path; nothing is written."""
    with pytest.raises(ActivityFailed) as failed:
        run(
            copy,
            QUICKSTART,
            storage.dataset("InputDataset", folder="input", file="no.txt"),
            storage.dataset("OutputDataset", folder="output"),
        )

    failure = failed.value
    assert failure.error_code == "2200"
    assert failure.failure_type == "UserError"
    assert failure.details == []
    assert failure.input == QUICKSTART
    assert failure.message == (
        "ErrorCode=UserErrorSourceBlobNotExist,"
        "'Type=Microsoft.DataTransfer.Common.Shared.HybridDeliveryException,"
        f"Message=The required Blob is missing. ContainerName: {storage.container.url}, path: input/no.txt.,"
        "Source=Microsoft.DataTransfer.ClientLibrary,'"
    )
    assert "dataRead" not in failure.output
    assert failure.output["errors"][0]["Message"] == failure.message
    assert failure.output["executionDetails"][0]["status"] == "Failed"
    assert storage.names() == []


def test_a_folder_without_blobs_fails(storage: Storage) -> None:
    """The message names the prefix and says that it matches no blob."""
    with pytest.raises(ActivityFailed, match="ContainerExist: True, BlobPrefix: nowhere/, BlobCount: 0"):
        run(copy, QUICKSTART, storage.dataset("In", folder="nowhere"), storage.dataset("Out", folder="out"))


def test_a_missing_container_fails(storage: Storage) -> None:
    """The error says that the source container does not exist."""
    with pytest.raises(ActivityFailed, match="ContainerExist: False"):
        run(
            copy,
            QUICKSTART,
            storage.dataset("In", folder="in", container="not-there"),
            storage.dataset("Out", folder="out"),
        )


@pytest.mark.parametrize(
    ("settings", "place", "expected"),
    [
        ({}, {"folder": "in"}, ["a.txt", "b.csv", "sub/c.txt", "sub/deeper/d.csv"]),
        ({"recursive": False}, {"folder": "in"}, ["a.txt", "b.csv"]),
        ({"wildcardFileName": "*.txt"}, {"folder": "in"}, ["a.txt", "sub/c.txt"]),
        ({"wildcardFileName": "*.txt", "recursive": False}, {"folder": "in"}, ["a.txt"]),
        ({"wildcardFolderPath": "in/s*", "wildcardFileName": "*"}, {}, ["sub/c.txt", "sub/deeper/d.csv"]),
        ({"wildcardFolderPath": "o?her", "wildcardFileName": "*"}, {}, ["other/e.txt"]),
        ({"wildcardFolderPath": "in/sub", "wildcardFileName": "*.csv"}, {}, ["deeper/d.csv"]),
        ({"wildcardFileName": "nothing*"}, {"folder": "in"}, []),
        ({"prefix": "in/s"}, {}, ["sub/c.txt", "sub/deeper/d.csv"]),
        ({"prefix": "in/sub/c"}, {}, ["c.txt"]),
    ],
)
def test_files_are_located_as_the_connectors_article_says(
    tree: Storage, settings: dict[str, Any], place: dict[str, Any], expected: list[str]
) -> None:
    """Folder, wildcards and prefix select files; what is below the first wildcard keeps its hierarchy."""
    result = run(
        copy, copying("Binary", read=settings), tree.dataset("In", **place), tree.dataset("Out", folder="out")
    )

    assert copied(tree) == expected
    assert result.output["filesRead"] == result.output["filesWritten"] == len(expected)
    assert all(tree.get(f"out/{name}").decode().endswith(name) for name in expected)


def test_a_list_of_files_is_copied(tree: Storage) -> None:
    """fileListPath names a blob with one path a line, relative to the dataset's folder."""
    tree.put("lists/today.txt", "\ufeffa.txt\r\nsub/deeper/d.csv\n\n".encode())
    path = f"{tree.container.container_name}/lists/today.txt"

    run(
        copy,
        copying("Binary", read={"fileListPath": path}),
        tree.dataset("In", folder="in"),
        tree.dataset("Out", folder="out"),
    )

    assert copied(tree) == ["a.txt", "sub/deeper/d.csv"]


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(-1, 1, 4), (-1, None, 4), (1, None, 0), (None, -1, 0), (None, 1, 4)]
)
def test_files_are_filtered_by_the_time_of_their_last_change(
    tree: Storage, start: int | None, end: int | None, expected: int
) -> None:
    """modifiedDatetimeStart and modifiedDatetimeEnd (hours from now) select files."""
    now = datetime.now(tz=UTC)
    settings = {
        name: f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
        for name, hours in (("modifiedDatetimeStart", start), ("modifiedDatetimeEnd", end))
        if hours is not None
    }

    run(
        copy,
        copying("Binary", read=settings),
        tree.dataset("In", folder="in"),
        tree.dataset("Out", folder="out"),
    )

    assert len(copied(tree)) == expected


def test_flattening_gives_each_file_a_unique_name(tree: Storage) -> None:
    """FlattenHierarchy puts all files into one folder under new names that keep their extensions."""
    run(
        copy,
        copying("Binary", write={"copyBehavior": "FlattenHierarchy"}),
        tree.dataset("In", folder="in"),
        tree.dataset("Out", folder="out"),
    )

    names = copied(tree)
    assert len(set(names)) == 4
    assert all(re.fullmatch(r"data_[0-9a-f-]{36}\.(txt|csv)", name) for name in names)
    assert {tree.get(f"out/{name}").decode() for name in names} == set(TREE[:4])


@pytest.mark.parametrize("file", ["all.bin", ""])
def test_merging_writes_one_file(tree: Storage, file: str) -> None:
    """MergeFiles writes all files into one, of the given name or a new one."""
    result = run(
        copy,
        copying("Binary", write={"copyBehavior": "mergeFiles"}),
        tree.dataset("In", folder="in"),
        tree.dataset("Out", folder="out", file=file),
    )

    (name,) = copied(tree)
    assert name == file or name.startswith("data_")
    assert tree.get(f"out/{name}").decode() == "".join(TREE[:4])
    assert (result.output["filesRead"], result.output["filesWritten"]) == (4, 1)


def test_several_files_do_not_overwrite_each_other(tree: Storage) -> None:
    """Several files and one file name, not merged, are rejected before anything is written."""
    with pytest.raises(ActivityFailed, match="MergeFiles"):
        run(copy, copying("Binary"), tree.dataset("In", folder="in"), tree.dataset("Out", file="one.txt"))
    assert tree.names() == TREE


def test_files_are_deleted_after_copying(tree: Storage) -> None:
    """deleteFilesAfterCompletion moves files."""
    run(
        copy,
        copying("Binary", read={"deleteFilesAfterCompletion": True}),
        tree.dataset("In", folder="in"),
        tree.dataset("Out", folder="out"),
    )
    assert [name for name in tree.names() if name.startswith("in/")] == []
    assert len(copied(tree)) == 4


def test_metadata_and_attributes_are_kept_and_added(storage: Storage) -> None:
    """preserve keeps metadata and content settings; the sink's metadata add to them, with reserved values."""
    storage.put(
        "in/a.html",
        b"<p>",
        metadata={"owner": "me"},
        content_settings=ContentSettings(content_type="text/html"),
    )
    metadata = [{"name": "color", "value": "blue"}, {"name": "changed", "value": "$$LASTMODIFIED"}]

    run(
        copy,
        copying("Binary", write={"metadata": metadata}, preserve=["Attributes"]),
        storage.dataset("In", folder="in", file="a.html"),
        storage.dataset("Out", folder="out"),
    )

    source, target = (
        storage.container.get_blob_client(f"{f}/a.html").get_blob_properties() for f in ("in", "out")
    )
    assert target.content_settings.content_type == "text/html"
    assert target.metadata == {
        "owner": "me",
        "color": "blue",
        "changed": f"{source.last_modified:%Y-%m-%dT%H:%M:%SZ}",
    }
