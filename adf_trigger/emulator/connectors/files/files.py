"""Files as the source or sink of a copy: a store combined with a compression and a format."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Generic, TypeVar

from adf_trigger.emulator.connectors.common.failures import InvalidSettings
from adf_trigger.emulator.connectors.common.flow import Piece
from adf_trigger.emulator.connectors.common.stores import FileSink, FileSource, FileTraits, StoredFile
from adf_trigger.emulator.connectors.files.archives import entry_chunks, entry_names
from adf_trigger.emulator.connectors.files.compression import Compression
from adf_trigger.emulator.connectors.files.partitions import PartitionDiscovery
from adf_trigger.emulator.connectors.files.targets import CopyBehavior, Targets
from adf_trigger.emulator.connectors.formats.base import Decoder, Encoder

T = TypeVar("T")


class FileReader(Generic[T]):
    """Reads the files of a store in one format.

    Args:
        store: lists and reads the files.
        compression: of the files.
        decoder: of their format.
        delete: whether a file is deleted once it is copied.
        archive_folders: whether the files of an archive are copied to a folder named after it.
        partitions: makes columns from the folders of a file; None without partition discovery.
    """

    def __init__(
        self,
        store: FileSource,
        compression: Compression,
        decoder: Decoder[T],
        *,
        delete: bool = False,
        archive_folders: bool = True,
        partitions: PartitionDiscovery | None = None,
    ) -> None:
        self.root = store.root
        self._store = store
        self._compression = compression
        self._decoder = decoder
        self._delete = delete
        self._archive_folders = archive_folders
        self._partitions = partitions

    def pieces(self) -> Iterator[Piece[T]]:
        """One piece for each file, or for each file in an archive."""
        if self._compression.is_archive:
            return chain.from_iterable(map(self._entries, self._store.files()))
        return map(self._piece, self._store.files())

    def _piece(self, file: StoredFile) -> Piece[T]:
        return Piece(
            items=self._items(file),
            path=file.relative_path.removesuffix(self._compression.suffix),
            size=None if self._compression.codec else file.size,
            traits=file.traits,
            done=self._deleter(file),
            columns=self._columns(file),
        )

    def _items(self, file: StoredFile) -> Iterator[T]:
        chunks = self._compression.expand(self._store.read(file), file.path)
        yield from self._decoder.decode(chunks, file.path)

    def _entries(self, file: StoredFile) -> Iterator[Piece[T]]:
        folder, slash, _ = file.relative_path.rpartition("/")
        prefix = f"{file.relative_path}/" if self._archive_folders else f"{folder}{slash}"
        for entry, size in entry_names(self._store.open(file), file.path):
            items = self._entry_items(file, entry)
            yield Piece(items, f"{prefix}{entry}", size, file.traits, columns=self._columns(file))

    def _entry_items(self, file: StoredFile, entry: str) -> Iterator[T]:
        """Read each entry through its own handle, so that threads can share an archive."""
        chunks = entry_chunks(self._store.open(file, again=True), entry, file.path)
        yield from self._decoder.decode(chunks, f"{file.path}/{entry}")

    def _columns(self, file: StoredFile) -> dict[str, str]:
        return self._partitions.columns(file, self._store.container_name) if self._partitions else {}

    def _deleter(self, file: StoredFile) -> Callable[[], None]:
        def done() -> None:
            if self._delete:
                self._store.delete(file)

        return done


class FileWriter(Generic[T]):
    """Writes files to a folder of a store in one format.

    Args:
        store: writes the files.
        compression: of the files.
        encoder: of their format.
        behavior: maps source files to target files.
        preserve: whether metadata and content settings of source files are preserved.
    """

    def __init__(
        self,
        store: FileSink,
        compression: Compression,
        encoder: Encoder[T],
        behavior: CopyBehavior,
        *,
        preserve: bool = False,
    ) -> None:
        self.root = store.root
        self.merges = behavior is CopyBehavior.MERGE_FILES
        self._store = store
        self._compression = compression
        self._encoder = encoder
        self._targets = Targets(behavior, store.file_name, encoder.extension, compression.suffix)
        self._preserve = preserve

    def expect_several(self) -> None:
        """Check that several source files are not written to one file name, unless they are merged.

        Raises:
            InvalidSettings: they are written to one file name and not merged.
        """
        if self._store.file_name and not self.merges:
            raise InvalidSettings(
                f"More than one source file would be written to '{self._store.file_name}'. "
                "Remove the file name from the sink's dataset, or set copyBehavior to MergeFiles."
            )

    def take(self, pieces: Iterator[Piece[T]]) -> None:
        """Write each piece to its own file, or all to one."""
        if self.merges:
            self._merge(pieces)
            return
        for piece in pieces:
            self._write(self._targets.of(piece.path), piece.items, piece.traits, piece.size)
            piece.done()

    def _merge(self, pieces: Iterator[Piece[T]]) -> None:
        merged: list[Callable[[], None]] = []

        def items() -> Iterator[Iterator[T]]:
            for piece in pieces:
                yield piece.items
                merged.append(piece.done)

        self._write(self._targets.of(None), chain.from_iterable(items()), FileTraits(), None)
        for done in merged:
            done()

    def _write(self, path: str, items: Iterator[T], traits: FileTraits, size: int | None) -> None:
        kept = traits if self._preserve else FileTraits(modified=traits.modified)
        chunks = self._compression.shrink(self._encoder.encode(items), path)
        self._store.write(path, chunks, kept, size=size)
