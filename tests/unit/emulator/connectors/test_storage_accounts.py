"""Storage accounts as linked services name them, without a call to any."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adf_trigger.emulator.connectors.blob.account import container_client
from adf_trigger.emulator.connectors.blob.flavors import BLOB, LAKE, check_settings_type, flavor_of
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.contract.activity import ActivityContext, ActivityFailed, ResolvedDataset
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts
from adf_trigger.emulator.outbound.surroundings import Surroundings

STACK = Surroundings(allowed=AllowedHosts.of(["*"]))
NOT_ASKED = cast("ActivityContext", SimpleNamespace(surroundings=STACK))
"""An account key and a signature need no token."""
LOCAL = STACK.storage.endpoints["blob"]


def dataset(linked_service_type: str, location: str, **linked_service: Any) -> ResolvedDataset:
    """A dataset at a type of location."""
    return ResolvedDataset(
        name="Files",
        type="Binary",
        properties={"location": {"type": location}},
        linked_service_name="Store",
        linked_service_type=linked_service_type,
        linked_service=linked_service,
    )


def reached(linked_service_type: str = "AzureBlobFS", **linked_service: Any) -> tuple[str, str | None]:
    """URL of the container `c`, and name of the account, of a linked service."""

    async def opened() -> tuple[str, str | None]:
        place = dataset(linked_service_type, "AzureBlobFSLocation", **linked_service)
        with Job() as job:
            client = container_client(place, "c", NOT_ASKED, job)
            return client.url, client.account_name

    return asyncio.run(opened())


@pytest.mark.parametrize(
    ("endpoint", "url", "account"),
    [
        ("https://lake1.dfs.core.windows.net", "https://lake1.blob.core.windows.net/c", "lake1"),
        ("https://lake1.dfs.core.windows.net/", "https://lake1.blob.core.windows.net/c", "lake1"),
        ("https://lake1.dfs.core.chinacloudapi.cn", "https://lake1.blob.core.chinacloudapi.cn/c", "lake1"),
        ("https://lake1.z5.dfs.storage.azure.net", "https://lake1.z5.blob.storage.azure.net/c", "lake1"),
        (
            "http://127.0.0.1:10000/devstoreaccount1",
            "http://127.0.0.1:10000/devstoreaccount1/c",
            "devstoreaccount1",
        ),
        (
            "http://azurite:10000/devstoreaccount1/",
            "http://azurite:10000/devstoreaccount1/c",
            "devstoreaccount1",
        ),
    ],
)
def test_a_lake_is_reached_through_its_blob_endpoint(endpoint: str, url: str, account: str) -> None:
    """The dfs host becomes the blob host of the same account; an emulator's address is unchanged."""
    assert reached(url=endpoint, accountKey="a2V5") == (url, account)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://devstoreaccount1.blob.core.windows.net",
        "https://devstoreaccount1.dfs.core.windows.net/",
        "https://DevStoreAccount1.blob.core.windows.net/",
    ],
)
def test_the_stacks_account_is_reached_at_the_stack(endpoint: str) -> None:
    """Its names in the cloud, with a key or a signature, are replaced by Azurite."""
    assert reached(url=endpoint, accountKey="a2V5") == (f"{LOCAL}/c", "devstoreaccount1")
    assert reached(sasUri=f"{endpoint.rstrip('/')}/?sig=s")[0] == f"{LOCAL}/c?sig=s"


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        ("AccountName=devstoreaccount1;AccountKey=a2V5", f"{LOCAL}/c"),
        ("DefaultEndpointsProtocol=https;AccountName=devstoreaccount1;AccountKey=a2V5;", f"{LOCAL}/c"),
        ("AccountName=devstoreaccount1;AccountKey=a2V5;EndpointSuffix=core.windows.net", f"{LOCAL}/c"),
        ("UseDevelopmentStorage=true", f"{LOCAL}/c"),
        (
            "AccountName=devstoreaccount1;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:7/devstoreaccount1",
            "http://127.0.0.1:7/devstoreaccount1/c",
        ),
        ("AccountName=other;AccountKey=a2V5", "https://other.blob.core.windows.net/c"),
        ("accountname=DevStoreAccount1;accountkey=a2V5", f"{LOCAL}/c"),
        (
            "AccountName=devstoreaccount1;AccountKey=a2V5;EndpointSuffix=core.chinacloudapi.cn",
            "https://devstoreaccount1.blob.core.chinacloudapi.cn/c",
        ),
    ],
)
def test_a_connection_string_means_the_stacks_account_by_its_name(connection: str, url: str) -> None:
    """Without endpoints it is the stack's; other endpoints, or another account, are used as given."""
    assert reached("AzureBlobStorage", connectionString=connection)[0] == url


def test_the_stacks_account_signs_with_its_own_spelling() -> None:
    """The letter case of the name in the connection string does not matter."""
    connection = "AccountName=DevStoreAccount1;AccountKey=a2V5"
    assert reached("AzureBlobStorage", connectionString=connection)[1] == "devstoreaccount1"

    async def signing() -> str:
        place = dataset("AzureBlobStorage", "AzureBlobStorageLocation", connectionString=connection)
        with Job() as job:
            return str(container_client(place, "c", NOT_ASKED, job).credential.account_name)

    assert asyncio.run(signing()) == "devstoreaccount1"


def test_the_stacks_account_accepts_no_token() -> None:
    """Without a key and a signature the error says what the stack's account accepts."""
    with pytest.raises(ActivityFailed, match="accepts account keys and shared access signatures"):
        reached(url="https://devstoreaccount1.dfs.core.windows.net")


def test_a_signature_goes_to_the_blob_endpoint() -> None:
    """The dfs host in a SAS URI becomes the blob host, and the signature stays."""
    url, _ = reached(sasUri="https://lake1.dfs.core.windows.net/?sv=2026-01-01&sig=s")
    assert url == "https://lake1.blob.core.windows.net/c?sv=2026-01-01&sig=s"


@pytest.mark.parametrize(
    ("linked_service", "location", "expected"),
    [
        ("AzureBlobFS", "AzureBlobFSLocation", LAKE),
        ("AzureBlobStorage", "AzureBlobStorageLocation", BLOB),
        ("AzureBlobStorage", "AzureBlobFSLocation", LAKE),
        ("AzureStorage", "AzureBlobFSLocation", LAKE),
    ],
)
def test_the_location_chooses_the_terms(linked_service: str, location: str, expected: object) -> None:
    """A lake's location has the lake's terms, also on a blob account."""
    assert flavor_of(dataset(linked_service, location)) is expected


@pytest.mark.parametrize(
    ("linked_service", "location", "named"),
    [
        ("AzureBlobFS", "AzureBlobStorageLocation", "AzureBlobStorageLocation"),
        ("AzureBlobStorage", "AmazonS3Location", "AmazonS3Location"),
        ("SqlServer", "AzureBlobFSLocation", "SqlServer"),
    ],
)
def test_other_locations_are_rejected_by_name(linked_service: str, location: str, named: str) -> None:
    """A location of another store, or a linked service without blobs, is not supported."""
    with pytest.raises(ActivityFailed, match=f"{named}.* is not emulated"):
        flavor_of(dataset(linked_service, location))


@pytest.mark.parametrize("named", ["AzureBlobFSReadSettings", "AzureBlobFSReadSetting", None])
def test_settings_may_have_their_older_name(named: str | None) -> None:
    """The type of store settings may lack its final s, or be missing."""
    check_settings_type({"type": named}, "AzureBlobFSReadSettings")


@pytest.mark.parametrize("named", ["AzureBlobFSReadSetting_", "AzureBlobFSRead", "AzureBlobFSWriteSettings"])
def test_settings_of_another_type_are_rejected_by_name(named: str) -> None:
    """Another type of store settings is not supported."""
    with pytest.raises(ActivityFailed, match=f"'{named}'.* is not emulated"):
        check_settings_type({"type": named}, "AzureBlobFSReadSettings")
