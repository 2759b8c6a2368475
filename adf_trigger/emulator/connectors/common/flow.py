"""The two ends of a copy: a source that yields pieces, and a sink that writes them. Pieces contain bytes or records."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from adf_trigger.emulator.connectors.common.stores import FileTraits

T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Piece(Generic[T_co]):
    """The content of one source file, or of a whole source without files.

    Attributes:
        items: read lazily, only once.
        path: the file's path below the source folder; None without a file.
        size: bytes to be written; None if not known in advance.
        traits: the file's metadata and content settings.
        done: to be called when the sink has written the whole piece.
        columns: columns that the file's path adds to each of its records.
    """

    items: Iterator[T_co]
    path: str | None = None
    size: int | None = None
    traits: FileTraits = field(default_factory=FileTraits)
    done: Callable[[], None] = _nothing
    columns: dict[str, str] = field(default_factory=dict)


class Source(Protocol[T_co]):
    """A source of data. Threads of the copy iterate over it."""

    @property
    def root(self) -> str:
        """URL of the folder that it reads files from; empty if it has no files."""

    def pieces(self) -> Iterator[Piece[T_co]]:
        """The pieces to copy, listed lazily."""


class Sink(Protocol[T_contra]):
    """A destination of data. Called from threads of the copy."""

    @property
    def root(self) -> str:
        """URL of the folder that it writes files to; empty if it has no files."""

    @property
    def merges(self) -> bool:
        """Whether all pieces are merged into one, which a single thread must write."""

    def expect_several(self) -> None:
        """Called before `take` if there is more than one piece.

        Raises:
            InvalidSettings: the second would overwrite the first.
        """

    def take(self, pieces: Iterator[Piece[T_contra]]) -> None:
        """Write all pieces."""
