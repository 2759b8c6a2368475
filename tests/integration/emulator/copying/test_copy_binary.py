"""Binary copies between blobs, on a real Azurite."""

import gzip
import hashlib
import io
import re
import socket
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import ContentSettings

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.contract.activity import ActivityFailed
from tests.integration.emulator.copying.harness import Storage, copying, run

QUICKSTART: dict[str, Any] = {
    "source": {
        "type": "BinarySource",
        "storeSettings": {"type": "AzureBlobStorageReadSettings", "recursive": True},
    },
    "sink": {"type": "BinarySink", "storeSettings": {"type": "AzureBlobStorageWriteSettings"}},
    "enableStaging": False,
}
TREE = ["in/a.txt", "in/b.csv", "in/sub/c.txt", "in/sub/deeper/d.csv", "other/e.txt"]


@pytest.fixture
def tree(storage: Storage) -> Storage:
    """A few blobs in folders; the content of each is its name."""
    for name in TREE:
        storage.put(name, name.encode())
    return storage


def copied(storage: Storage, folder: str = "out") -> list[str]:
    """Names below the sink's folder."""
    return [name.removeprefix(f"{folder}/") for name in storage.names() if name.startswith(f"{folder}/")]


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


def test_a_missing_blob_fails_as_the_service_says_it(storage: Storage) -> None:
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
    """A folder that holds nothing is told with its prefix and the count of none."""
    with pytest.raises(ActivityFailed, match="ContainerExist: True, BlobPrefix: nowhere/, BlobCount: 0"):
        run(copy, QUICKSTART, storage.dataset("In", folder="nowhere"), storage.dataset("Out", folder="out"))


def test_a_missing_container_fails(storage: Storage) -> None:
    """A source container that does not exist is told as such."""
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


def test_flattening_gives_each_file_a_name_of_its_own(tree: Storage) -> None:
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
def test_merging_makes_one_file(tree: Storage, file: str) -> None:
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
    """Several files and one file name, not merged, are refused before anything is written."""
    with pytest.raises(ActivityFailed, match="MergeFiles"):
        run(copy, copying("Binary"), tree.dataset("In", folder="in"), tree.dataset("Out", file="one.txt"))
    assert tree.names() == TREE


def test_files_are_deleted_once_they_are_copied(tree: Storage) -> None:
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


@pytest.mark.parametrize("codec", ["gzip", "deflate", "bzip2"])
def test_compression_is_taken_off_and_put_on(storage: Storage, codec: str) -> None:
    """Binary files are compressed to any codec and expanded from it; names gain and lose the ending."""
    content = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(200)) * 300
    storage.put("in/a.csv", content)
    plain, packed = (storage.dataset(name, folder=folder) for name, folder in (("In", "in"), ("Out", "out")))
    zipped = storage.dataset("Zipped", folder="zipped", compression={"type": codec, "level": "Fastest"})

    into = run(copy, copying("Binary"), plain, zipped)
    back = run(copy, copying("Binary"), zipped, packed)

    assert into.output["dataRead"] == back.output["dataWritten"] == len(content)
    assert into.output["dataWritten"] == back.output["dataRead"] < len(content)
    assert storage.get("out/a.csv") == content


def test_a_gzip_file_of_several_members_is_expanded_whole(storage: Storage) -> None:
    """Joined gzip files are one."""
    storage.put("in/a.gz", gzip.compress(b"one ") + gzip.compress(b"two"))
    run(
        copy,
        copying("Binary"),
        storage.dataset("In", folder="in", compression={"type": "GZip"}),
        storage.dataset("Out", folder="out"),
    )
    assert storage.get("out/a") == b"one two"


@pytest.mark.parametrize(
    "content", [b"no gzip at all", gzip.compress(b"x" * 1000, mtime=0)[:-12]], ids=["no gzip", "cut short"]
)
def test_a_damaged_file_fails_and_leaves_nothing(storage: Storage, content: bytes) -> None:
    """What cannot be expanded fails the copy; no half of a file is left in the sink."""
    storage.put("in/a.gz", content)
    with pytest.raises(ActivityFailed, match="UserErrorFailedToDecompress"):
        run(
            copy,
            copying("Binary"),
            storage.dataset("In", folder="in", compression={"type": "gzip"}),
            storage.dataset("Out", folder="out"),
        )
    assert storage.names() == ["in/a.gz"]


def zip_of(entries: dict[str, bytes]) -> bytes:
    """A zip file, as others make it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("preserve", "expected"),
    [
        (True, ["sub/one.zip/a.txt", "sub/one.zip/deep/b.txt", "two.zip/c.txt"]),
        (False, ["c.txt", "sub/a.txt", "sub/deep/b.txt"]),
    ],
)
def test_archives_are_unpacked(storage: Storage, preserve: bool, expected: list[str]) -> None:  # noqa: FBT001 - a row of a table
    """Each file in a zip becomes a file, in a folder called after the archive unless told otherwise."""
    entries = {"a.txt": b"a" * 3_000_000, "deep/": b"", "deep/b.txt": b"b"}
    storage.put("in/sub/one.zip", zip_of(entries))
    storage.put("in/two.zip", zip_of({"c.txt": b"c"}))
    settings = {
        "type": "BinaryReadSettings",
        "compressionProperties": {
            "type": "ZipDeflateReadSettings",
            "preserveZipFileNameAsFolder": preserve,
        },
    }

    result = run(
        copy,
        copying("Binary", source={"formatSettings": settings}),
        storage.dataset("In", folder="in", compression={"type": "ZipDeflate"}),
        storage.dataset("Out", folder="out"),
    )

    assert copied(storage) == expected
    (large,) = (name for name in expected if name.endswith("a.txt"))
    assert storage.get(f"out/{large}") == entries["a.txt"]
    assert (result.output["filesRead"], result.output["filesWritten"]) == (2, 3)


def test_files_are_packed_into_archives(storage: Storage) -> None:
    """A file becomes a zip of itself, which others can read, and which is read back here."""
    content = bytes(range(256)) * 40_000
    storage.put("in/a.bin", content)
    packed = storage.dataset("Packed", folder="zip", compression={"type": "ZipDeflate", "level": "Fastest"})

    run(copy, copying("Binary"), storage.dataset("In", folder="in"), packed)
    run(copy, copying("Binary"), packed, storage.dataset("Out", folder="out"))

    with zipfile.ZipFile(io.BytesIO(storage.get("zip/a.bin.zip"))) as archive:
        assert archive.testzip() is None
        assert archive.read("a.bin") == content
    assert storage.get("out/a.bin.zip/a.bin") == content


@pytest.mark.parametrize(
    "content", [b"no zip at all", zip_of({"../evil": b"x"}), zip_of({"a": b"x" * 9999})[:-4]]
)
def test_bad_archives_are_refused(storage: Storage, content: bytes) -> None:
    """What is no zip file, or leads out of itself, fails the copy by the file's name."""
    storage.put("in/a.zip", content)
    source = storage.dataset("In", folder="in", compression={"type": "ZipDeflate"})
    with pytest.raises(ActivityFailed, match=r"UserErrorFailedToDecompress.*in/a\.zip"):
        run(copy, copying("Binary"), source, storage.dataset("Out", folder="out"))
    with pytest.raises(ActivityFailed, match="deleteFilesAfterCompletion"):
        run(
            copy,
            copying("Binary", read={"deleteFilesAfterCompletion": True}),
            source,
            storage.dataset("Out", folder="out"),
        )
    assert storage.names() == ["in/a.zip"]


def test_many_files_are_copied_side_by_side(storage: Storage) -> None:
    """parallelCopies threads work at once, and each file is copied once."""
    for number in range(30):
        storage.put(f"in/{number:02}.bin", bytes([number]) * 1000)

    result = run(
        copy,
        copying("Binary", parallelCopies=8, dataIntegrationUnits=16),
        storage.dataset("In", folder="in"),
        storage.dataset("Out", folder="out"),
    )

    assert [storage.get(f"out/{number:02}.bin") for number in range(30)] == [
        bytes([number]) * 1000 for number in range(30)
    ]
    assert result.output["usedParallelCopies"] == 8
    assert result.output["usedDataIntegrationUnits"] == 16
    assert result.output["filesWritten"] == 30
    assert 1 < result.output["sourcePeakConnections"] <= 8


def test_a_copy_into_its_own_source_ends(tree: Storage) -> None:
    """Copying a folder into a folder within it copies what was there at the start, and no copy of a copy."""
    run(copy, copying("Binary"), tree.dataset("In", folder="in"), tree.dataset("Out", folder="in/copy"))
    assert copied(tree, "in/copy") == ["a.txt", "b.csv", "sub/c.txt", "sub/deeper/d.csv"]


@pytest.mark.parametrize(
    "linked_service",
    [
        {"connectionString": "{connection}", "accountKey": ""},
        {"serviceEndpoint": "{endpoint}", "accountKey": "{key}"},
        {"connectionString": "BlobEndpoint={endpoint};AccountName={account}", "accountKey": "{key}"},
        {"sasUri": "{sas}"},
        {"sasUri": "{endpoint}", "sasToken": "{token}"},
    ],
)
def test_accounts_are_reached_by_each_kind_of_secret(
    storage: Storage, linked_service: dict[str, str]
) -> None:
    """Connection string, endpoint and key, SAS URI, SAS URI and token; none shows in a failure."""
    secrets = storage.secrets()
    storage.put("in/a.txt", b"content")
    filled = {name: value.format(**secrets) for name, value in linked_service.items()}
    source = storage.dataset("In", folder="in", linked_service=filled)

    run(copy, copying("Binary"), source, storage.dataset("Out", folder="out"))
    assert storage.get("out/a.txt") == b"content"

    missing = storage.dataset("In", folder="in", file="missing", linked_service=filled)
    with pytest.raises(ActivityFailed, match="path: in/missing") as failed:
        run(copy, copying("Binary"), missing, storage.dataset("Out", folder="out"))
    assert not any(secret in failed.value.message for secret in (secrets["key"], "sig="))


def test_a_data_lake_is_reached_in_its_own_words(storage: Storage) -> None:
    """AzureBlobFS has locations, settings and an endpoint of its own names; another kind's are refused."""
    storage.put("in/a.txt", b"content")
    secrets = storage.secrets()
    lake = {"url": secrets["endpoint"], "accountKey": secrets["key"]}
    source = storage.dataset("In", linked_service=lake, linked_service_type="AzureBlobFS")
    with pytest.raises(ActivityFailed, match="AzureBlobStorageLocation"):
        run(copy, copying("Binary"), source, storage.dataset("Out", folder="out"))

    location = {
        "type": "AzureBlobFSLocation",
        "fileSystem": storage.container.container_name,
        "folderPath": "in",
    }
    source.properties["location"] = location
    read = {"type": "AzureBlobFSReadSettings", "wildcardFileName": "*.txt"}
    run(copy, copying("Binary", read=read), source, storage.dataset("Out", folder="out"))
    assert storage.get("out/a.txt") == b"content"
    with pytest.raises(ActivityFailed, match="AzureBlobStorageReadSettings"):
        run(copy, copying("Binary"), source, storage.dataset("Out", folder="out"))


def test_a_store_that_is_not_there_is_told_without_its_signature(storage: Storage) -> None:
    """A refused connection fails the copy, and the shared access signature is not in the message."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gone = {"sasUri": f"http://127.0.0.1:{port}/account?{storage.secrets()['token']}"}
    source = storage.dataset("In", folder="in", file="a.txt", linked_service=gone)
    with pytest.raises(ActivityFailed, match=r"AzureBlobOperationFailed.*ServiceRequestError") as failed:
        run(copy, copying("Binary"), source, storage.dataset("Out", folder="out"))
    assert "sig=" not in repr((failed.value.message, failed.value.output))


def test_a_container_that_cannot_be_made_is_told(storage: Storage) -> None:
    """With a signature that may write blobs but make no container, a missing one fails the copy by name."""
    storage.put("in/a.txt", b"content")
    blobs_only = {"sasUri": storage.secrets()["write_blobs_sas"]}
    sink = storage.dataset("Out", folder="out", container="not-there", linked_service=blobs_only)
    with pytest.raises(ActivityFailed, match=r"AzureBlobFailedToCreateContainer.*Container Name: not-there"):
        run(copy, copying("Binary"), storage.dataset("In", folder="in"), sink)


def test_a_store_that_refuses_is_told_with_its_own_code(storage: Storage) -> None:
    """A wrong key is AzureBlobOperationFailed with the storage service's code, on the side it happened."""
    secrets = storage.secrets()
    wrong = {"serviceEndpoint": secrets["endpoint"], "accountKey": "d3Jvbmc="}
    storage.put("in/a.txt", b"content")
    with pytest.raises(ActivityFailed) as failed:
        run(
            copy,
            copying("Binary"),
            storage.dataset("In", folder="in", file="a.txt"),
            storage.dataset("Out", folder="out", linked_service=wrong),
        )
    assert failed.value.message.startswith(
        "Failure happened on 'Sink' side. ErrorCode=AzureBlobOperationFailed,"
    )
    assert ". AuthorizationFailure: Server failed to authenticate the request" in failed.value.message


@pytest.mark.parametrize(
    ("type_properties", "named"),
    [
        (copying("Binary", enableStaging=True), "enableStaging"),
        (copying("Binary", skipErrorFile={"fileMissing": True}), "skipErrorFile"),
        (copying("Binary", read={"enablePartitionDiscovery": True}), "enablePartitionDiscovery"),
        (copying("Binary", read={"type": "AmazonS3ReadSettings"}), "AmazonS3ReadSettings"),
        (copying("Binary", preserve=["ACL"]), "ACL"),
        (copying("Binary", sink={"formatSettings": {"fileExtension": ".x"}}), "fileExtension"),
        (copying("Parquet"), "ParquetSource"),
    ],
)
def test_what_is_not_emulated_is_named(storage: Storage, type_properties: dict[str, Any], named: str) -> None:
    """A setting that is not obeyed fails the copy by its name, before anything moves."""
    storage.put("in/a.txt", b"content")
    with pytest.raises(ActivityFailed, match=named):
        run(copy, type_properties, storage.dataset("In", folder="in"), storage.dataset("Out", folder="out"))
    assert storage.names() == ["in/a.txt"]
