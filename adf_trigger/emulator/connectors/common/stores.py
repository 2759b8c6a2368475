"""What the pipeline asks of a connector to files, on the source's side and on the sink's."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class FileTraits:
    """What a file carries besides its bytes.

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
        traits: what it carries besides its bytes.
    """

    path: str
    relative_path: str
    size: int
    traits: FileTraits = field(default_factory=FileTraits)


class FileSource(Protocol):
    """Files to read. Its methods are called from the copy's threads."""

    @property
    def root(self) -> str:
        """URL of the folder that they are in, with a slash at its end."""

    @property
    def container_name(self) -> str:
        """The container that their paths are within."""

    def files(self) -> Iterator[StoredFile]:
        """List what is to be copied, as it goes.

        Raises:
            DataFailure: nothing is there, or the store refuses.
        """

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """The file's bytes, in chunks."""

    def open(self, file: StoredFile, *, again: bool = False) -> BinaryIO:
        """The file, to be read anywhere. For one thread alone.

        Args:
            file: to read.
            again: whether it was opened before, and so counts no more.
        """

    def delete(self, file: StoredFile) -> None:
        """Remove a file that was copied."""

    def delete_folders(self) -> None:
        """Remove the folder that the dataset names, and those below it, once they are empty.

        Where a folder is only a part of its files' names, there is nothing to do.
        """


class FileSink(Protocol):
    """A folder to write files to. Its methods are called from the copy's threads."""

    @property
    def root(self) -> str:
        """URL of the folder, with a slash at its end."""

    @property
    def file_name(self) -> str:
        """The one file that the dataset names, or nothing."""

    def write(self, path: str, chunks: Iterable[bytes], traits: FileTraits, *, size: int | None) -> None:
        """Write one file whole or, if the chunks fail, not at all.

        Args:
            path: below the sink's folder.
            chunks: its bytes.
            traits: what it carries besides.
            size: bytes to come, where known, so that blocks can be cut to fit.
        """


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What is known of a file or a folder.

    Attributes:
        name: without the folders above it.
        is_folder: else it is a file.
        size: bytes, of a file.
        modified: when it was last modified, where the store tells.
        content_md5: base64, where the store keeps it.
    """

    name: str
    is_folder: bool
    size: int | None = None
    modified: datetime | None = None
    content_md5: str | None = None


class FileInspector(Protocol):
    """Looks at the one file or folder that a dataset names. Called from threads."""

    def item(self) -> ItemFacts | None:
        """The item; None if it does not exist."""

    def children(self) -> Iterator[ItemFacts]:
        """What is directly in the folder; nothing if it does not exist."""

    def missing(self) -> Exception:
        """The failure to raise if it had to exist."""
