"""Where in a storage account a dataset points."""

from dataclasses import dataclass
from typing import Any

from adf_trigger.local.factory.engine.activities.base import ResolvedDataset
from adf_trigger.local.factory.engine.copying.failures import NotEmulated
from adf_trigger.local.factory.engine.copying.settings import refuse_unknown, required_text, section, text

_KNOWN = frozenset({"container", "folderPath", "fileName"})


@dataclass(frozen=True, slots=True)
class BlobLocation:
    """A container, a folder in it (no slash at its ends; empty for the container itself), maybe a file."""

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
        InvalidSettings: no container is named.
        NotEmulated: it is a location of another kind of store.
    """
    location: dict[str, Any] = section(dataset.properties, "location")
    where = f"the location of the dataset '{dataset.name}'"
    kind = text(location, "type")
    if kind != "AzureBlobStorageLocation":
        raise NotEmulated(f"The type '{kind}' of {where}")
    refuse_unknown(location, _KNOWN, where)
    # Authors also write the folder into the container's name; the service takes that.
    container, _, upper = required_text(location, "container", where).strip("/").partition("/")
    folder = below(upper, text(location, "folderPath").strip("/"))
    return BlobLocation(container, folder, text(location, "fileName").strip("/"))


def below(folder: str, name: str) -> str:
    """Join two parts of a path, either of which may be empty."""
    return f"{folder}/{name}" if folder and name else folder or name
