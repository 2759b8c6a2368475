"""Reads blobs, selected by name, folder, prefix, wildcard or a list of files."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContainerClient

from adf_trigger.emulator.connectors.blob.account import READ_CHUNK, container_client
from adf_trigger.emulator.connectors.blob.errors import folder_url, translated
from adf_trigger.emulator.connectors.blob.flavors import Flavor, check_settings_type, flavor_of
from adf_trigger.emulator.connectors.blob.location import BlobLocation, below, blob_location
from adf_trigger.emulator.connectors.blob.random_access import BlobReader
from adf_trigger.emulator.connectors.common.failures import InvalidSettings, NotEmulated
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.settings import flag, forbid_unknown, instant, text
from adf_trigger.emulator.connectors.common.stores import FileTraits, StoredFile
from adf_trigger.emulator.connectors.common.wildcards import fixed_folder, folder_matches, matches
from adf_trigger.emulator.contract.activity import ActivityContext, ResolvedDataset

_KNOWN = frozenset(
    {
        "deleteFilesAfterCompletion",
        "fileListPath",
        "maxConcurrentConnections",
        "modifiedDatetimeEnd",
        "modifiedDatetimeStart",
        "recursive",
        "wildcardFileName",
        "wildcardFolderPath",
    }
)


_HEADERS = ("content_type", "content_encoding", "content_language", "content_disposition", "cache_control")


@dataclass(frozen=True, slots=True)
class Selection:
    """The selection of blobs by the `storeSettings` of a source."""

    recursive: bool = True
    wildcard_folder: str = ""
    wildcard_file: str = ""
    prefix: str = ""
    file_list: str = ""
    modified_from: datetime | None = None
    modified_until: datetime | None = None

    @classmethod
    def read(cls, settings: dict[str, Any], flavor: Flavor) -> "Selection":
        """Read storeSettings.

        Args:
            settings: storeSettings, evaluated.
            flavor: the expected kind of storage.

        Raises:
            NotEmulated: the settings are for another store, or one of them is not emulated.
        """
        check_settings_type(settings, flavor.read)
        forbid_unknown(settings, _KNOWN if flavor.hierarchical else _KNOWN | {"prefix"}, "storeSettings")
        selection = cls(
            recursive=flag(settings, "recursive", default=True),
            wildcard_folder=text(settings, "wildcardFolderPath").strip("/"),
            wildcard_file=text(settings, "wildcardFileName"),
            prefix=text(settings, "prefix"),
            file_list=text(settings, "fileListPath").strip("/"),
            modified_from=instant(settings, "modifiedDatetimeStart"),
            modified_until=instant(settings, "modifiedDatetimeEnd"),
        )
        wildcards = selection.wildcard_folder or selection.wildcard_file
        if sum(map(bool, (wildcards, selection.prefix, selection.file_list))) > 1:
            raise InvalidSettings("Only one of wildcards, prefix and fileListPath can locate the files.")
        return selection

    @property
    def locates(self) -> bool:
        """Whether files are selected by more than the dataset's path."""
        return bool(self.wildcard_folder or self.wildcard_file or self.prefix or self.file_list)

    def in_time(self, modified: datetime) -> bool:
        """Whether a blob was last modified within [start, end)."""
        return not (
            (self.modified_from is not None and modified < self.modified_from)
            or (self.modified_until is not None and modified >= self.modified_until)
        )


class BlobSource:
    """The blobs that a dataset and the store settings of an activity select."""

    def __init__(
        self, dataset: ResolvedDataset, settings: dict[str, Any], context: ActivityContext, job: Job
    ) -> None:
        flavor = flavor_of(dataset)
        self.location: BlobLocation = blob_location(dataset)
        self.selection = Selection.read(settings, flavor)
        self.container = container_client(dataset, self.location.container, context, job)
        self._errors = flavor.errors(self.container)
        self._hierarchical = flavor.hierarchical
        self._job = job

    @property
    def root(self) -> str:
        """URL of the dataset's folder."""
        return folder_url(self.container, self.location.folder)

    @property
    def container_name(self) -> str:
        """The dataset's container."""
        return self.location.container

    def files(self) -> Iterator[StoredFile]:
        """List the selected blobs, page by page.

        Raises:
            DataFailure: the named blob is missing, or the named folder has no blobs. A wildcard without matches
                in a folder with blobs is not a failure, nor is an empty folder that exists on its own.
        """
        if self.selection.file_list:
            yield from self._listed_in_file()
        elif self.location.file_name and not self._by_pattern:
            file = self._named(self.location.blob, self.location.file_name)
            if file.traits.modified is None or self.selection.in_time(file.traits.modified):
                yield file
        else:
            yield from self._searched()

    @property
    def _by_pattern(self) -> bool:
        return bool(self.selection.wildcard_folder or self.selection.wildcard_file or self.selection.prefix)

    def _named(self, blob: str, relative_path: str) -> StoredFile:
        with translated(self._errors, blob, "Source"), self._job.statistics.listing.timed():
            properties = self.container.get_blob_client(blob).get_blob_properties()
        return StoredFile(blob, relative_path, properties.size, _traits(properties))

    def _listed_in_file(self) -> Iterator[StoredFile]:
        container, _, blob = self.selection.file_list.partition("/")
        lists = self.container if container == self.location.container else None
        if lists is None or not blob:
            # A list elsewhere in the same account would need a client for its own container.
            raise NotEmulated("A fileListPath outside the dataset's container")
        pending = b""
        for chunk in self._chunks(blob):
            *lines, pending = (pending + chunk).split(b"\n")
            yield from self._lines(lines)
        yield from self._lines([pending])

    def _lines(self, lines: list[bytes]) -> Iterator[StoredFile]:
        for line in lines:
            path = line.decode("utf-8-sig", errors="replace").strip().strip("/")
            if path:
                yield self._named(below(self.location.folder, path), path)

    def _searched(self) -> Iterator[StoredFile]:
        selection, folder = self.selection, self.location.folder
        pattern = selection.wildcard_folder
        start = below(folder, fixed_folder(pattern)) if pattern else folder
        prefix = selection.prefix or (f"{start}/" if start else "")
        root = selection.prefix.rpartition("/")[0] if selection.prefix else start
        empty = True
        for blob in self._list(prefix):
            empty = False
            below_root = blob.name[len(root) + 1 :] if root else blob.name
            if is_folder(blob) or not self._wanted(blob.name) or not selection.in_time(blob.last_modified):
                continue
            yield StoredFile(blob.name, below_root, blob.size, _traits(blob))
        if empty and not self._exists(start):
            raise self._errors.nothing_below(prefix, container_exists=True)

    def _wanted(self, name: str) -> bool:
        selection = self.selection
        folder, _, file_name = name.rpartition("/")
        if selection.prefix:
            return selection.recursive or "/" not in name[len(selection.prefix) :]
        base = self.location.folder
        folder = folder[len(base) :].strip("/")
        if not folder_matches(selection.wildcard_folder, folder, recursive=selection.recursive):
            return False
        wanted = selection.wildcard_file or self.location.file_name
        return not wanted or matches(wanted, file_name)

    def _list(self, prefix: str) -> Iterator[BlobProperties]:
        pages = self.container.list_blobs(name_starts_with=prefix or None, include=["metadata"]).by_page()
        while True:
            self._job.check()
            with translated(self._errors, prefix, "Source"), self._job.statistics.listing.timed():
                try:
                    page = next(pages, None)
                except ResourceNotFoundError as exc:
                    raise self._errors.nothing_below(prefix, container_exists=False) from exc
            if page is None:
                return
            yield from page

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """The blob's bytes, in chunks of 1 MiB; a change of the blob meanwhile fails the copy."""
        self._job.statistics.source.add(files=1)
        yield from self._chunks(file.path)

    def _chunks(self, blob: str) -> Iterator[bytes]:
        source = self._job.statistics.source
        with source.connection():
            with translated(self._errors, blob, "Source"), source.timed():
                chunks = self.container.get_blob_client(blob).download_blob().chunks()
            while True:
                self._job.check()
                with translated(self._errors, blob, "Source"), source.timed():
                    chunk = next(chunks, None)
                if chunk is None:
                    return
                source.add(data=len(chunk))
                yield chunk

    def open(self, file: StoredFile, *, again: bool = False) -> BinaryIO:
        """Open the blob for reading in ranges."""
        if not again:
            self._job.statistics.source.add(files=1)
        return io.BufferedReader(
            BlobReader(self.container, self._errors, file.path, file.size, self._job), READ_CHUNK
        )

    def delete(self, file: StoredFile) -> None:
        """Delete the blob and its snapshots."""
        with translated(self._errors, file.path, "Source"):
            self.container.delete_blob(file.path, delete_snapshots="include")

    def delete_folders(self) -> None:
        """Delete the dataset's folder and those below it."""
        if not self._hierarchical:
            return
        folder = self.location.folder
        prefix = f"{folder}/" if folder else ""
        folders = [blob.name for blob in self._list(prefix) if is_folder(blob)]
        if self._exists(folder):
            folders.append(folder)
        # Only empty folders can be deleted, so the deepest ones come first.
        for name in sorted(folders, key=lambda name: name.count("/"), reverse=True):
            self._job.check()
            with translated(self._errors, name, "Source"):
                self.container.delete_blob(name)

    def _exists(self, folder: str) -> bool:
        """Whether a folder exists on its own."""
        if not (self._hierarchical and folder):
            return False
        with translated(self._errors, folder, "Source"), self._job.statistics.listing.timed():
            return folder_blob(self.container, folder) is not None


def _traits(blob: BlobProperties) -> FileTraits:
    headers = {name: value for name in _HEADERS if (value := getattr(blob.content_settings, name))}
    return FileTraits(dict(blob.metadata or {}), headers, blob.last_modified)


def is_folder(blob: BlobProperties) -> bool:
    """Whether a blob only represents a folder, as in listings of accounts with a hierarchical namespace."""
    metadata = blob.metadata or {}
    return blob.name.endswith("/") or str(metadata.get("hdi_isfolder", "")).lower() == "true"


def folder_blob(container: ContainerClient, name: str) -> BlobProperties | None:
    """The blob that represents a folder in an account with a hierarchical namespace; None if there is none."""
    try:
        found: BlobProperties = container.get_blob_client(name).get_blob_properties()
    except ResourceNotFoundError:
        return None
    return found if is_folder(found) else None
