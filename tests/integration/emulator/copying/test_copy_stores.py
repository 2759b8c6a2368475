"""Storage accounts that files are copied from and to: how they are reached, and which errors they cause."""

import socket
from typing import Any

import pytest

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.contract.activity import ActivityFailed
from tests.integration.emulator.copying.files import copied
from tests.integration.emulator.copying.harness import Storage, copying, run


def test_many_files_are_copied_side_by_side(storage: Storage) -> None:
    """parallelCopies threads work concurrently, and each file is copied once."""
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
    """Copying a folder into a folder within it copies the files present at the start, and no copy of a copy."""
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


def test_a_data_lake_has_locations_and_settings_of_its_own(storage: Storage) -> None:
    """AzureBlobFS has its own location types, settings and endpoint; those of another connector are rejected."""
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


def test_an_unreachable_account_is_reported_without_its_signature(storage: Storage) -> None:
    """A refused connection fails the copy, and the shared access signature is not in the message."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gone = {"sasUri": f"http://127.0.0.1:{port}/account?{storage.secrets()['token']}"}
    source = storage.dataset("In", folder="in", file="a.txt", linked_service=gone)
    with pytest.raises(ActivityFailed, match=r"AzureBlobOperationFailed.*ServiceRequestError") as failed:
        run(copy, copying("Binary"), source, storage.dataset("Out", folder="out"))
    assert "sig=" not in repr((failed.value.message, failed.value.output))


def test_a_container_that_cannot_be_created_is_reported(storage: Storage) -> None:
    """With a signature that may write blobs but create no container, a missing one fails the copy by name."""
    storage.put("in/a.txt", b"content")
    blobs_only = {"sasUri": storage.secrets()["write_blobs_sas"]}
    sink = storage.dataset("Out", folder="out", container="not-there", linked_service=blobs_only)
    with pytest.raises(ActivityFailed, match=r"AzureBlobFailedToCreateContainer.*Container Name: not-there"):
        run(copy, copying("Binary"), storage.dataset("In", folder="in"), sink)


def test_an_error_of_the_account_is_reported_with_its_code(storage: Storage) -> None:
    """A wrong key is AzureBlobOperationFailed with the storage service's code, met in a background thread."""
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
def test_unsupported_settings_are_named(
    storage: Storage, type_properties: dict[str, Any], named: str
) -> None:
    """An unsupported setting fails the copy by its name, before any file is copied."""
    storage.put("in/a.txt", b"content")
    with pytest.raises(ActivityFailed, match=named):
        run(copy, type_properties, storage.dataset("In", folder="in"), storage.dataset("Out", folder="out"))
    assert storage.names() == ["in/a.txt"]
