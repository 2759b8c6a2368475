"""The kinds of storage that are all reached as blobs, and the words that each of them uses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from azure.storage.blob import ContainerClient

from adf_trigger.emulator.connectors.blob.errors import BlobErrors, StoreErrors
from adf_trigger.emulator.connectors.blob.lake_errors import LakeErrors
from adf_trigger.emulator.connectors.common.failures import NotEmulated
from adf_trigger.emulator.connectors.common.settings import section, text
from adf_trigger.emulator.contract.activity import ResolvedDataset


@dataclass(frozen=True, slots=True)
class Flavor:
    """Words of one kind of storage: those of a dataset's location, of store settings, of errors.

    Attributes:
        location: type of a dataset's location.
        container: what the location calls the container.
        read: type of a source's store settings.
        write: type of a sink's store settings.
        hierarchical: whether folders are there by themselves, empty ones too. Where they are only parts of names, a
            source can select by a prefix of the name.
        errors: tells what goes wrong in a container.
    """

    location: str
    container: str
    read: str
    write: str
    hierarchical: bool
    errors: Callable[[ContainerClient], StoreErrors]


BLOB = Flavor(
    "AzureBlobStorageLocation",
    "container",
    "AzureBlobStorageReadSettings",
    "AzureBlobStorageWriteSettings",
    hierarchical=False,
    errors=BlobErrors,
)
# Data Lake Storage Gen2, reached through the blob endpoint that each such account has too.
LAKE = Flavor(
    "AzureBlobFSLocation",
    "fileSystem",
    "AzureBlobFSReadSettings",
    "AzureBlobFSWriteSettings",
    hierarchical=True,
    errors=LakeErrors,
)


@dataclass(frozen=True, slots=True)
class Account:
    """One type of linked service to a storage account.

    Attributes:
        endpoint: what it calls the account's endpoint.
        flavors: whose locations work on it; the first is its own.
    """

    endpoint: str
    flavors: tuple[Flavor, ...]


# A blob linked service also stands in for a data lake's, so that a lake's datasets run on a local account.
_BLOB_ACCOUNT = Account("serviceEndpoint", (BLOB, LAKE))
_ACCOUNTS = {
    "AzureBlobStorage": _BLOB_ACCOUNT,
    # The older name of the same.
    "AzureStorage": _BLOB_ACCOUNT,
    "AzureBlobFS": Account("url", (LAKE,)),
}


def account_of(dataset: ResolvedDataset) -> Account:
    """The type of a dataset's linked service.

    Raises:
        NotEmulated: it does not lead to blobs.
    """
    account = _ACCOUNTS.get(dataset.linked_service_type)
    if account is None:
        raise NotEmulated(
            f"The connector {dataset.linked_service_type} of the linked service '{dataset.linked_service_name}'"
        )
    return account


def flavor_of(dataset: ResolvedDataset) -> Flavor:
    """The words that a dataset uses, told by the type of its location.

    Raises:
        NotEmulated: it is a location of another kind of store than its linked service leads to.
    """
    kind = text(section(dataset.properties, "location"), "type")
    for flavor in account_of(dataset).flavors:
        if flavor.location == kind:
            return flavor
    raise NotEmulated(
        f"The type '{kind}' of the location of the dataset '{dataset.name}', on a {dataset.linked_service_type},"
    )


def own_flavor(linked_service_type: str) -> Flavor | None:
    """The words of a linked service itself, for a place that no dataset names; None if it leads to no blobs."""
    account = _ACCOUNTS.get(linked_service_type)
    return account.flavors[0] if account else None


def check_settings_type(settings: dict[str, Any], kind: str) -> None:
    """Hold the type of store settings against what the store needs. None is as good; so is the older name.

    Args:
        settings: storeSettings, evaluated.
        kind: e.g. AzureBlobFSReadSettings, which AzureBlobFSReadSetting is an older name of.

    Raises:
        NotEmulated: settings of another store.
    """
    named = text(settings, "type", kind)
    if named not in {kind, kind.removesuffix("s")}:
        raise NotEmulated(f"storeSettings of type '{named}' for a store that needs {kind}")
