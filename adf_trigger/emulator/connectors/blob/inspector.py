"""The properties of one blob, folder or container, for GetMetadata and Validation."""

import base64
from collections.abc import Iterator
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobPrefix

from adf_trigger.emulator.connectors.blob.account import container_client
from adf_trigger.emulator.connectors.blob.errors import translated
from adf_trigger.emulator.connectors.blob.flavors import flavor_of
from adf_trigger.emulator.connectors.blob.location import blob_location
from adf_trigger.emulator.connectors.blob.source import Selection, folder_blob, is_folder
from adf_trigger.emulator.connectors.common.failures import DataFailure, InvalidSettings
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.stores import ItemProperties
from adf_trigger.emulator.contract.activity import ActivityContext, ResolvedDataset


class BlobInspector:
    """Reads the properties of a dataset's item: a blob if it has a file name, else a folder or the container.

    Args:
        dataset: on blob storage.
        settings: storeSettings; only the modified filter applies, and only to children.
        context: supplies tokens.
        job: its threads call the methods.
    """

    def __init__(
        self, dataset: ResolvedDataset, settings: dict[str, Any], context: ActivityContext, job: Job
    ) -> None:
        flavor = flavor_of(dataset)
        self._location = blob_location(dataset)
        self._selection = Selection.read(settings, flavor)
        if self._selection.locates:
            raise InvalidSettings("Wildcards, prefix and fileListPath do not apply to a single item.")
        self._container = container_client(dataset, self._location.container, context, job)
        self._errors = flavor.errors(self._container)
        self._hierarchical = flavor.hierarchical
        self._job = job

    def item(self) -> ItemProperties | None:
        """The blob, folder or container; None if it does not exist.

        A folder exists while it contains a blob, and has no modification time. A container has one, and so does a
        folder in an account with a hierarchical namespace, which may be empty.
        """
        with translated(self._errors, self._location.blob or self._location.folder, "Source"):
            try:
                return self._existing()
            except ResourceNotFoundError:
                return None

    def _existing(self) -> ItemProperties | None:
        location = self._location
        if location.file_name:
            return self._blob()
        if not location.folder:
            properties = self._container.get_container_properties()
            return ItemProperties(location.container, is_folder=True, modified=properties.last_modified)
        name = location.folder.rpartition("/")[2]
        if self._hierarchical and (folder := folder_blob(self._container, location.folder)):
            return ItemProperties(name, is_folder=True, modified=folder.last_modified)
        found = next(iter(self._container.list_blobs(name_starts_with=f"{location.folder}/")), None)
        return None if found is None else ItemProperties(name, is_folder=True)

    def _blob(self) -> ItemProperties:
        properties = self._container.get_blob_client(self._location.blob).get_blob_properties()
        md5 = properties.content_settings.content_md5
        return ItemProperties(
            self._location.file_name.rpartition("/")[2],
            is_folder=False,
            size=properties.size,
            modified=properties.last_modified,
            content_md5=base64.b64encode(md5).decode() if md5 else None,
        )

    def children(self) -> Iterator[ItemProperties]:
        """Blobs and folders directly in the folder; with a modified filter, only blobs."""
        prefix = f"{self._location.folder}/" if self._location.folder else ""
        filtered = self._selection.modified_from or self._selection.modified_until
        folders: set[str] = set()
        with translated(self._errors, prefix, "Source"):
            for child in self._container.walk_blobs(name_starts_with=prefix or None, include=["metadata"]):
                self._job.check()
                name = child.name[len(prefix) :].strip("/")
                if isinstance(child, BlobPrefix) or (self._hierarchical and is_folder(child)):
                    # A folder may be listed by its own blob and by its contents.
                    if name and name not in folders and not filtered:
                        folders.add(name)
                        yield ItemProperties(name, is_folder=True)
                elif is_folder(child):
                    continue
                elif self._selection.in_time(child.last_modified):
                    yield ItemProperties(name, is_folder=False, size=child.size, modified=child.last_modified)

    def missing(self) -> DataFailure:
        """The failure for a blob or a folder that must exist and does not."""
        if self._location.file_name:
            return self._errors.missing(self._location.blob)
        return self._errors.nothing_below(f"{self._location.folder}/", container_exists=True)
