"""Writes block blobs: staged block by block and committed at the end, so that no partial blob becomes visible."""

import base64
import math
from collections.abc import Iterable, Iterator
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobClient, ContentSettings

from adf_trigger.emulator.connectors.blob.account import container_client
from adf_trigger.emulator.connectors.blob.errors import folder_url, translated
from adf_trigger.emulator.connectors.blob.flavors import check_settings_type, flavor_of
from adf_trigger.emulator.connectors.blob.location import below, blob_location
from adf_trigger.emulator.connectors.common.failures import InvalidSettings, NotEmulated
from adf_trigger.emulator.connectors.common.job import Job
from adf_trigger.emulator.connectors.common.settings import forbid_unknown, whole_number
from adf_trigger.emulator.connectors.common.stores import FileTraits
from adf_trigger.emulator.contract.activity import ActivityContext, ResolvedDataset

_KNOWN = frozenset({"blockSizeInMB", "copyBehavior", "maxConcurrentConnections", "metadata"})
_LAST_MODIFIED = "$$LASTMODIFIED"
_MIB = 1024 * 1024
_DEFAULT_BLOCK = 4 * _MIB
_MAX_BLOCKS = 50_000


class BlobSink:
    """A folder of a container, written to as block blobs. The container is created if it is missing."""

    def __init__(
        self, dataset: ResolvedDataset, settings: dict[str, Any], context: ActivityContext, job: Job
    ) -> None:
        flavor = flavor_of(dataset)
        check_settings_type(settings, flavor.write)
        forbid_unknown(settings, _KNOWN, "storeSettings")
        self._location = blob_location(dataset)
        self._container = container_client(dataset, self._location.container, context, job)
        self._errors = flavor.errors(self._container)
        self._metadata = _metadata(settings)
        self._block_size = _block_size(settings)
        self._job = job

    @property
    def root(self) -> str:
        """URL of the folder."""
        return folder_url(self._container, self._location.folder)

    @property
    def file_name(self) -> str:
        """The blob that the dataset names, or an empty string."""
        return self._location.file_name

    def write(self, path: str, chunks: Iterable[bytes], traits: FileTraits, *, size: int | None) -> None:
        """Write one blob completely or, if the chunks fail, not at all.

        Args:
            path: below the sink's folder.
            chunks: its bytes.
            traits: its metadata and content settings; the sink's own metadata is added.
            size: total bytes, if known: a blob has at most 50,000 blocks, so a large blob needs large
                blocks.
        """
        sink = self._job.statistics.sink
        blob = self._container.get_blob_client(below(self._location.folder, path))
        block_size = self._block_size or max(_DEFAULT_BLOCK, math.ceil((size or 0) / _MAX_BLOCKS))
        options: dict[str, Any] = {
            "metadata": traits.metadata | self._own_metadata(traits) or None,
            "content_settings": ContentSettings(**traits.headers) if traits.headers else None,
        }
        with sink.connection():
            pieces = in_blocks(self._checked(chunks), block_size)
            first, second = next(pieces, b""), next(pieces, None)
            if second is None:
                # A blob of one block is uploaded with a single request.
                self._put(blob, first, options)
            else:
                blocks: list[BlobBlock] = []
                self._stage(blob, first, blocks)
                del first
                self._stage(blob, second, blocks)
                del second
                for piece in pieces:
                    self._stage(blob, piece, blocks)
                with translated(self._errors, blob.blob_name, "Sink"), sink.timed():
                    blob.commit_block_list(blocks, **options)
        sink.add(files=1)

    def _checked(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks, until the copy is stopped."""
        for chunk in chunks:
            yield chunk
            self._job.check()

    def _own_metadata(self, traits: FileTraits) -> dict[str, str]:
        metadata = dict(self._metadata)
        for name, value in metadata.items():
            if value == _LAST_MODIFIED:
                if traits.modified is None:
                    raise NotEmulated(f"{_LAST_MODIFIED} in metadata of a file without a single source file")
                metadata[name] = f"{traits.modified:%Y-%m-%dT%H:%M:%SZ}"
        return metadata

    def _put(self, blob: BlobClient, data: bytes, options: dict[str, Any]) -> None:
        sink = self._job.statistics.sink
        with translated(self._errors, blob.blob_name, "Sink"), sink.timed():
            try:
                blob.upload_blob(data, overwrite=True, **options)
            except ResourceNotFoundError:
                self._create_container()
                blob.upload_blob(data, overwrite=True, **options)
        sink.add(data=len(data))

    def _stage(self, blob: BlobClient, data: bytes, blocks: list[BlobBlock]) -> None:
        sink = self._job.statistics.sink
        block_id = base64.b64encode(f"{len(blocks):08d}".encode()).decode()
        with translated(self._errors, blob.blob_name, "Sink"), sink.timed():
            try:
                blob.stage_block(block_id, data, length=len(data))
            except ResourceNotFoundError:
                self._create_container()
                blob.stage_block(block_id, data, length=len(data))
        blocks.append(BlobBlock(block_id))
        sink.add(data=len(data))

    def _create_container(self) -> None:
        try:
            self._container.create_container()
        except ResourceExistsError:
            # Another thread of this copy, or another copy, has created it meanwhile.
            return
        except HttpResponseError as exc:
            raise self._errors.not_created(exc) from exc


def in_blocks(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Split a stream into blocks of one size; the last may be shorter, but no block is empty."""
    pending: list[memoryview] = []
    held = 0
    for chunk in chunks:
        view = memoryview(chunk)
        while held + len(view) >= size:
            cut = size - held
            yield b"".join([*pending, view[:cut]])
            pending, held, view = [], 0, view[cut:]
        if view:
            pending.append(view)
            held += len(view)
    if pending:
        yield b"".join(pending)


def _metadata(settings: dict[str, Any]) -> dict[str, str]:
    pairs = settings.get("metadata") or []
    if not isinstance(pairs, list):
        raise InvalidSettings("The property 'metadata' of storeSettings must be an array of name and value.")
    metadata = {}
    for pair in pairs:
        metadata[str(pair.get("name", ""))] = str(pair.get("value", ""))
    return metadata


def _block_size(settings: dict[str, Any]) -> int | None:
    """The block size in bytes, 4 to 100 MB as in the service; None if it is not set."""
    megabytes = whole_number(settings, "blockSizeInMB")
    if megabytes is None:
        return None
    if not 4 <= megabytes <= 100:  # noqa: PLR2004 - the documented range
        raise InvalidSettings("The property 'blockSizeInMB' must be between 4 and 100.")
    return megabytes * _MIB
