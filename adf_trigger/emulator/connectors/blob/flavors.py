"""The kinds of storage that are accessed as blobs, and the terms that each of them uses."""

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
    """The terms of one kind of storage: for a dataset's location, for store settings and for errors.

    Attributes:
        location: type of a dataset's location.
        container: the location's property for the container.
        read: type of a source's store settings.
        write: type of a sink's store settings.
        hierarchical: whether folders exist on their own, even empty ones. If they are only parts of names, a
            source can select by a prefix of the name.
        errors: makes the failures of a container.
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
# Data Lake Storage Gen2, accessed through the blob endpoint that each such account also has.
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
        endpoint: its property for the account's endpoint.
        flavors: the kinds of storage that it supports, its own first.
    """

    endpoint: str
    flavors: tuple[Flavor, ...]


# A blob linked service can replace that of a data lake, so that a lake's datasets work on a local account.
_BLOB_ACCOUNT = Account("serviceEndpoint", (BLOB, LAKE))
_ACCOUNTS = {
    "AzureBlobStorage": _BLOB_ACCOUNT,
    # The older name of the same type.
    "AzureStorage": _BLOB_ACCOUNT,
    "AzureBlobFS": Account("url", (LAKE,)),
}


def account_of(dataset: ResolvedDataset) -> Account:
    """The type of a dataset's linked service.

    Raises:
        NotEmulated: the linked service does not provide blobs.
    """
    account = _ACCOUNTS.get(dataset.linked_service_type)
    if account is None:
        raise NotEmulated(
            f"The connector {dataset.linked_service_type} of the linked service '{dataset.linked_service_name}'"
        )
    return account


def flavor_of(dataset: ResolvedDataset) -> Flavor:
    """The kind of storage of a dataset, according to the type of its location.

    Raises:
        NotEmulated: the linked service does not support this type of location.
    """
    kind = text(section(dataset.properties, "location"), "type")
    for flavor in account_of(dataset).flavors:
        if flavor.location == kind:
            return flavor
    raise NotEmulated(
        f"The type '{kind}' of the location of the dataset '{dataset.name}', on a {dataset.linked_service_type},"
    )


def own_flavor(linked_service_type: str) -> Flavor | None:
    """The kind of storage of a linked service, for a path without a dataset; None if it does not provide blobs."""
    account = _ACCOUNTS.get(linked_service_type)
    return account.flavors[0] if account else None


def check_settings_type(settings: dict[str, Any], kind: str) -> None:
    """Check that store settings have the type that the store needs. A missing type and the older name are valid, too.

    Args:
        settings: storeSettings, evaluated.
        kind: e.g. AzureBlobFSReadSettings, whose older name is AzureBlobFSReadSetting.

    Raises:
        NotEmulated: the settings are for another store.
    """
    named = text(settings, "type", kind)
    if named not in {kind, kind.removesuffix("s")}:
        raise NotEmulated(f"storeSettings of type '{named}' for a store that needs {kind}")
