"""The two ends of a copy: a source gives pieces, a sink takes them. What flows is bytes or records."""

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
    """What one file of the source holds, or all of a source that has no files.

    Attributes:
        items: read as they are asked for, once.
        path: the file's path below the source folder; None if it is no file.
        size: bytes to be written, where that is known beforehand.
        traits: what the file carries besides its bytes.
        done: to be called when all of it is safe in the sink.
        columns: what the file's place adds to each of its records.
    """

    items: Iterator[T_co]
    path: str | None = None
    size: int | None = None
    traits: FileTraits = field(default_factory=FileTraits)
    done: Callable[[], None] = _nothing
    columns: dict[str, str] = field(default_factory=dict)


class Source(Protocol[T_co]):
    """Where data comes from. Iterated from threads of the copy."""

    @property
    def root(self) -> str:
        """URL of the folder whose files it reads; empty if it has no files."""

    def pieces(self) -> Iterator[Piece[T_co]]:
        """What there is to copy, listed as it goes."""


class Sink(Protocol[T_contra]):
    """Where data goes to. Called from threads of the copy."""

    @property
    def root(self) -> str:
        """URL of the folder that it writes files to; empty if it has no files."""

    @property
    def merges(self) -> bool:
        """Whether all pieces become one: then one thread takes them all."""

    def expect_several(self) -> None:
        """Told that there is more than one piece.

        Raises:
            InvalidSettings: the second would overwrite the first.
        """

    def take(self, pieces: Iterator[Piece[T_contra]]) -> None:
        """Write pieces until there are no more."""
