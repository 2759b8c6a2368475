"""One blob, folder or container, looked at: what GetMetadata and Validation ask."""

import base64
from collections.abc import Iterator
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobPrefix, BlobProperties

from adf_trigger.local.factory.engine.activities.base import ResolvedDataset
from adf_trigger.local.factory.engine.copying.blob.account import blob_service
from adf_trigger.local.factory.engine.copying.blob.errors import blob_missing, nothing_below, told
from adf_trigger.local.factory.engine.copying.blob.flavors import flavor_of
from adf_trigger.local.factory.engine.copying.blob.location import blob_location
from adf_trigger.local.factory.engine.copying.blob.source import Selection, is_folder
from adf_trigger.local.factory.engine.copying.failures import DataFailure, InvalidSettings
from adf_trigger.local.factory.engine.copying.job import Job
from adf_trigger.local.factory.engine.copying.stores import ItemFacts


class BlobInspector:
    """Looks at what a dataset names: a blob if it has a file name, else a folder or the container.

    Args:
        dataset: on blob storage.
        settings: storeSettings; only the modified filter applies, and only to children.
        job: whose threads look.
    """

    def __init__(self, dataset: ResolvedDataset, settings: dict[str, Any], job: Job) -> None:
        self._location = blob_location(dataset)
        self._selection = Selection.read(settings, flavor_of(dataset).read)
        if self._selection.locates:
            raise InvalidSettings("Wildcards, prefix and fileListPath do not apply to a single item.")
        self._container = job.keep(blob_service(dataset)).get_container_client(self._location.container)
        self._job = job

    def item(self) -> ItemFacts | None:
        """The blob, folder or container; None if it does not exist.

        A folder exists while a blob is in it; it has no time of modification, but a container has.
        """
        with told(self._container, self._location.blob or self._location.folder, "Source"):
            try:
                return self._existing()
            except ResourceNotFoundError:
                return None

    def _existing(self) -> ItemFacts | None:
        location = self._location
        if location.file_name:
            return self._blob()
        if not location.folder:
            properties = self._container.get_container_properties()
            return ItemFacts(location.container, is_folder=True, modified=properties.last_modified)
        found = next(iter(self._container.list_blobs(name_starts_with=f"{location.folder}/")), None)
        return None if found is None else ItemFacts(location.folder.rpartition("/")[2], is_folder=True)

    def _blob(self) -> ItemFacts:
        properties = self._container.get_blob_client(self._location.blob).get_blob_properties()
        md5 = properties.content_settings.content_md5
        return ItemFacts(
            self._location.file_name.rpartition("/")[2],
            is_folder=False,
            size=properties.size,
            modified=properties.last_modified,
            content_md5=base64.b64encode(md5).decode() if md5 else None,
        )

    def children(self) -> Iterator[ItemFacts]:
        """Blobs and folders directly in the folder; with a modified filter, only blobs."""
        prefix = f"{self._location.folder}/" if self._location.folder else ""
        filtered = self._selection.modified_from or self._selection.modified_until
        with told(self._container, prefix, "Source"):
            for child in self._container.walk_blobs(name_starts_with=prefix or None, include=["metadata"]):
                self._job.check()
                name = child.name[len(prefix) :].strip("/")
                if isinstance(child, BlobPrefix):
                    if not filtered:
                        yield ItemFacts(name, is_folder=True)
                elif self._counts(child):
                    yield ItemFacts(name, is_folder=False, size=child.size, modified=child.last_modified)

    def _counts(self, blob: BlobProperties) -> bool:
        return not is_folder(blob) and self._selection.in_time(blob.last_modified)

    def missing(self) -> DataFailure:
        """The failure for a blob or a folder that had to exist."""
        if self._location.file_name:
            return blob_missing(self._container, self._location.blob)
        return nothing_below(self._container, f"{self._location.folder}/", container_exists=True)
