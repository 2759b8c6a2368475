"""Blobs to read: one by name, or a folder, a prefix, a wildcard, a list."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContainerClient

from adf_trigger.local.factory.engine.activities.base import ResolvedDataset
from adf_trigger.local.factory.engine.copying.blob.account import READ_CHUNK, blob_service
from adf_trigger.local.factory.engine.copying.blob.errors import folder_url, nothing_below, told
from adf_trigger.local.factory.engine.copying.blob.flavors import flavor_of
from adf_trigger.local.factory.engine.copying.blob.location import BlobLocation, below, blob_location
from adf_trigger.local.factory.engine.copying.blob.random_access import BlobReader
from adf_trigger.local.factory.engine.copying.failures import InvalidSettings, NotEmulated
from adf_trigger.local.factory.engine.copying.job import Job
from adf_trigger.local.factory.engine.copying.settings import flag, instant, refuse_unknown, text
from adf_trigger.local.factory.engine.copying.stores import FileTraits, StoredFile
from adf_trigger.local.factory.engine.copying.wildcards import fixed_folder, folder_matches, matches

_KNOWN = frozenset(
    {
        "deleteFilesAfterCompletion",
        "fileListPath",
        "maxConcurrentConnections",
        "modifiedDatetimeEnd",
        "modifiedDatetimeStart",
        "prefix",
        "recursive",
        "wildcardFileName",
        "wildcardFolderPath",
    }
)


_HEADERS = ("content_type", "content_encoding", "content_language", "content_disposition", "cache_control")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which blobs: `storeSettings` of a source, type AzureBlobStorageReadSettings."""

    recursive: bool = True
    wildcard_folder: str = ""
    wildcard_file: str = ""
    prefix: str = ""
    file_list: str = ""
    modified_from: datetime | None = None
    modified_until: datetime | None = None

    @classmethod
    def read(cls, settings: dict[str, Any], kind: str) -> "Selection":
        """Read storeSettings.

        Args:
            settings: storeSettings, evaluated.
            kind: the type that they must be of, if they say one.

        Raises:
            NotEmulated: settings of another store, or one that is not obeyed here.
        """
        named = text(settings, "type", kind)
        if named != kind:
            raise NotEmulated(f"storeSettings of type '{named}' for this kind of store")
        refuse_unknown(settings, _KNOWN, "storeSettings")
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
        """Whether files are located by more than the dataset's path."""
        return bool(self.wildcard_folder or self.wildcard_file or self.prefix or self.file_list)

    def in_time(self, modified: datetime) -> bool:
        """Whether a blob was last modified within [start, end)."""
        return not (
            (self.modified_from is not None and modified < self.modified_from)
            or (self.modified_until is not None and modified >= self.modified_until)
        )


class BlobSource:
    """The blobs that a dataset and the store settings of an activity select."""

    def __init__(self, dataset: ResolvedDataset, settings: dict[str, Any], job: Job) -> None:
        self.location: BlobLocation = blob_location(dataset)
        self.selection = Selection.read(settings, flavor_of(dataset).read)
        self.container: ContainerClient = job.keep(blob_service(dataset)).get_container_client(
            self.location.container
        )
        self._job = job

    @property
    def root(self) -> str:
        """URL of the dataset's folder."""
        return folder_url(self.container, self.location.folder)

    def files(self) -> Iterator[StoredFile]:
        """List the selected blobs, as pages of the listing arrive.

        Raises:
            DataFailure: UserErrorSourceBlobNotExist if the named blob, or anything in the named folder, is
                missing. A wildcard that matches nothing in a folder that is not empty is no failure.
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
        with told(self.container, blob, "Source"), self._job.statistics.listing.timed():
            properties = self.container.get_blob_client(blob).get_blob_properties()
        return StoredFile(blob, relative_path, properties.size, _traits(properties))

    def _listed_in_file(self) -> Iterator[StoredFile]:
        container, _, blob = self.selection.file_list.partition("/")
        lists = self.container if container == self.location.container else None
        if lists is None or not blob:
            # A list elsewhere in the same account is read through a client of its own container.
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
        if empty:
            raise nothing_below(self.container, prefix, container_exists=True)

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
            with told(self.container, prefix, "Source"), self._job.statistics.listing.timed():
                try:
                    page = next(pages, None)
                except ResourceNotFoundError as exc:
                    raise nothing_below(self.container, prefix, container_exists=False) from exc
            if page is None:
                return
            yield from page

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """The blob's bytes, in chunks of 1 MiB; a blob that changes meanwhile fails the copy."""
        self._job.statistics.source.add(files=1)
        yield from self._chunks(file.path)

    def _chunks(self, blob: str) -> Iterator[bytes]:
        source = self._job.statistics.source
        with source.connection():
            with told(self.container, blob, "Source"), source.timed():
                chunks = self.container.get_blob_client(blob).download_blob().chunks()
            while True:
                self._job.check()
                with told(self.container, blob, "Source"), source.timed():
                    chunk = next(chunks, None)
                if chunk is None:
                    return
                source.add(data=len(chunk))
                yield chunk

    def open(self, file: StoredFile, *, again: bool = False) -> BinaryIO:
        """The blob, read in ranges."""
        if not again:
            self._job.statistics.source.add(files=1)
        return io.BufferedReader(BlobReader(self.container, file.path, file.size, self._job), READ_CHUNK)

    def delete(self, file: StoredFile) -> None:
        """Delete the blob, its snapshots too."""
        with told(self.container, file.path, "Source"):
            self.container.delete_blob(file.path, delete_snapshots="include")


def _traits(blob: BlobProperties) -> FileTraits:
    headers = {name: value for name in _HEADERS if (value := getattr(blob.content_settings, name))}
    return FileTraits(dict(blob.metadata or {}), headers, blob.last_modified)


def is_folder(blob: BlobProperties) -> bool:
    """Whether a blob only stands for a folder, as accounts with a hierarchical namespace list them."""
    metadata = blob.metadata or {}
    return blob.name.endswith("/") or str(metadata.get("hdi_isfolder", "")).lower() == "true"
