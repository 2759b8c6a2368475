"""The kinds of linked service that all lead to blobs, and the words that each of them uses."""

from dataclasses import dataclass

from adf_trigger.local.factory.engine.activities.base import ResolvedDataset
from adf_trigger.local.factory.engine.copying.failures import NotEmulated


@dataclass(frozen=True, slots=True)
class Flavor:
    """Words of one kind of linked service.

    Attributes:
        location: type of a dataset's location.
        container: what the location calls the container.
        read: type of a source's store settings.
        write: type of a sink's store settings.
        endpoint: what the linked service calls the account's endpoint.
    """

    location: str
    container: str
    read: str
    write: str
    endpoint: str


_BLOB = Flavor(
    "AzureBlobStorageLocation",
    "container",
    "AzureBlobStorageReadSettings",
    "AzureBlobStorageWriteSettings",
    "serviceEndpoint",
)
FLAVORS = {
    "AzureBlobStorage": _BLOB,
    # The older name of the same.
    "AzureStorage": _BLOB,
    # Data Lake Storage Gen2, reached through the blob endpoint that each such account has too.
    "AzureBlobFS": Flavor(
        "AzureBlobFSLocation", "fileSystem", "AzureBlobFSReadSettings", "AzureBlobFSWriteSettings", "url"
    ),
}


def flavor_of(dataset: ResolvedDataset) -> Flavor:
    """The words that a dataset's linked service uses.

    Raises:
        NotEmulated: it does not lead to blobs.
    """
    flavor = FLAVORS.get(dataset.linked_service_type)
    if flavor is None:
        raise NotEmulated(
            f"The connector {dataset.linked_service_type} of the linked service '{dataset.linked_service_name}'"
        )
    return flavor
