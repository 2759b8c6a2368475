"""What the pipeline asks of a connector to files, on the source's side and on the sink's."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


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

    def files(self) -> Iterator[StoredFile]:
        """List what is to be copied, as it goes.

        Raises:
            DataFailure: nothing is there, or the store refuses.
        """

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """The file's bytes, in chunks."""

    def delete(self, file: StoredFile) -> None:
        """Remove a file that was copied."""


class FileSink(Protocol):
    """A folder to write files to. Its methods are called from the copy's threads."""

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
