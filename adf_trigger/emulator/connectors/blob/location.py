"""The location of a dataset in a storage account."""

from dataclasses import dataclass
from typing import Any

from adf_trigger.emulator.connectors.blob.flavors import flavor_of, own_flavor
from adf_trigger.emulator.connectors.common.failures import NotEmulated
from adf_trigger.emulator.connectors.common.settings import forbid_unknown, required_text, section, text
from adf_trigger.emulator.contract.activity import ResolvedDataset


@dataclass(frozen=True, slots=True)
class BlobLocation:
    """A container, a folder in it (without outer slashes; empty for the container itself), and optionally a file."""

    container: str
    folder: str
    file_name: str

    @property
    def blob(self) -> str:
        """Full name of the blob."""
        return below(self.folder, self.file_name)


def blob_location(dataset: ResolvedDataset) -> BlobLocation:
    """Read `location` of a dataset.

    Raises:
        InvalidSettings: the container is missing.
        NotEmulated: the location is of another kind of store.
    """
    location: dict[str, Any] = section(dataset.properties, "location")
    where = f"the location of the dataset '{dataset.name}'"
    flavor = flavor_of(dataset)
    forbid_unknown(location, {flavor.container, "folderPath", "fileName"}, where)
    # The container's name may contain the folder, too; the service accepts that.
    container, _, upper = required_text(location, flavor.container, where).strip("/").partition("/")
    folder = below(upper, text(location, "folderPath").strip("/"))
    return BlobLocation(container, folder, text(location, "fileName").strip("/"))


def below(folder: str, name: str) -> str:
    """Join two parts of a path, each of which may be empty."""
    return f"{folder}/{name}" if folder and name else folder or name


def location_of(linked_service_type: str, container: str, folder: str) -> dict[str, str]:
    """A `location` for a path in an activity instead of a dataset, e.g. that of a log.

    Raises:
        NotEmulated: the linked service does not provide blobs.
    """
    flavor = own_flavor(linked_service_type)
    if flavor is None:
        raise NotEmulated(f"A path on a {linked_service_type}")
    return {"type": flavor.location, flavor.container: container, "folderPath": folder}
