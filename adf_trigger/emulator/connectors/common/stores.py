"""The interfaces of a connector to files: source, sink and inspector."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class FileTraits:
    """The metadata and content settings of a file.

    Attributes:
        metadata: user-defined names and values.
        headers: content settings by the store's own names (content_type, …).
        modified: when the source file was last modified.
    """

    metadata: dict[str, str] = field(default_factory=dict)
    headers: dict[str, Any] = field(default_factory=dict)
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file to copy.

    Attributes:
        path: its full path within the store's container.
        relative_path: its path below the folder that the copy starts from.
        size: bytes.
        traits: its metadata and content settings.
    """

    path: str
    relative_path: str
    size: int
    traits: FileTraits = field(default_factory=FileTraits)


class FileSource(Protocol):
    """Reads files. Its methods are called from the copy's threads."""

    @property
    def root(self) -> str:
        """URL of the files' folder, with a trailing slash."""

    @property
    def container_name(self) -> str:
        """The container of the files' paths."""

    def files(self) -> Iterator[StoredFile]:
        """List the files to copy, lazily.

        Raises:
            DataFailure: there are no files, or the store returns an error.
        """

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """The file's bytes, in chunks."""

    def open(self, file: StoredFile, *, again: bool = False) -> BinaryIO:
        """Open the file for random access by one thread.

        Args:
            file: to read.
            again: whether it was opened before and is already counted.
        """

    def delete(self, file: StoredFile) -> None:
        """Delete a file."""

    def delete_folders(self) -> None:
        """Delete the dataset's folder and those below it, which must be empty.

        Does nothing if folders are only parts of the files' names.
        """


class FileSink(Protocol):
    """Writes files to a folder. Its methods are called from the copy's threads."""

    @property
    def root(self) -> str:
        """URL of the folder, with a trailing slash."""

    @property
    def file_name(self) -> str:
        """The file that the dataset names, or an empty string."""

    def write(self, path: str, chunks: Iterable[bytes], traits: FileTraits, *, size: int | None) -> None:
        """Write one file completely or, if the chunks fail, not at all.

        Args:
            path: below the sink's folder.
            chunks: its bytes.
            traits: its metadata and content settings.
            size: total bytes, to choose the size of blocks; None if not known.
        """


@dataclass(frozen=True, slots=True)
class ItemProperties:
    """The properties of a file or a folder.

    Attributes:
        name: without its parent folders.
        is_folder: whether it is a folder or a file.
        size: bytes; only for files.
        modified: when it was last modified, if known to the store.
        content_md5: base64, if known to the store.
    """

    name: str
    is_folder: bool
    size: int | None = None
    modified: datetime | None = None
    content_md5: str | None = None


class FileInspector(Protocol):
    """Reads the properties of the file or folder that a dataset names. Called from the copy's threads."""

    def item(self) -> ItemProperties | None:
        """The item; None if it does not exist."""

    def children(self) -> Iterator[ItemProperties]:
        """The items directly in the folder; none if it does not exist."""

    def missing(self) -> Exception:
        """The failure to raise if the item must exist and does not."""
