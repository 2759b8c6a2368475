"""Partition discovery: parent folders of a file named `name=value` become columns of its records."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adf_trigger.emulator.connectors.common.failures import InvalidSettings
from adf_trigger.emulator.connectors.common.flow import Piece, Source
from adf_trigger.emulator.connectors.common.records import Columns, Item, Items
from adf_trigger.emulator.connectors.common.settings import flag, text
from adf_trigger.emulator.connectors.common.stores import StoredFile

_SETTINGS = frozenset({"enablePartitionDiscovery", "partitionRootPath"})


@dataclass(frozen=True, slots=True)
class PartitionDiscovery:
    """The partition discovery of a source.

    Attributes:
        root: the path below which folders count, with or without the container's name. If empty, they count
            below the folder where the search for files starts: the dataset's folder, or the path before the
            first wildcard.
    """

    root: str = ""

    @classmethod
    def taken_from(cls, settings: dict[str, Any]) -> tuple["PartitionDiscovery | None", dict[str, Any]]:
        """Split storeSettings into the partition discovery (None if it is not enabled) and the other settings.

        Raises:
            InvalidSettings: a setting has the wrong type.
        """
        others = {name: value for name, value in settings.items() if name not in _SETTINGS}
        if not flag(settings, "enablePartitionDiscovery"):
            return None, others
        return cls(text(settings, "partitionRootPath").strip("/")), others

    def columns(self, file: StoredFile, container: str) -> dict[str, str]:
        """The columns of a file's partition folders, in their order.

        Args:
            file: the file.
            container: its container.

        Raises:
            InvalidSettings: the file is not below the root.
        """
        folders = self._below_root(file, container).split("/")[:-1]
        return {
            name: value
            for name, sign, value in (folder.partition("=") for folder in folders)
            if sign and name
        }

    def _below_root(self, file: StoredFile, container: str) -> str:
        if not self.root:
            return file.relative_path
        for path in (file.path, f"{container}/{file.path}"):
            if path.startswith(f"{self.root}/"):
                return path[len(self.root) + 1 :]
        raise InvalidSettings(f"The file '{file.path}' is not below the partitionRootPath '{self.root}'.")


class WithPartitions:
    """A source that appends the columns of a file's partitions to its records."""

    def __init__(self, source: Source[Item]) -> None:
        self.root = source.root
        self._source = source

    def pieces(self) -> Iterator[Piece[Item]]:
        """The source's pieces, with the columns added to their records."""
        for piece in self._source.pieces():
            yield Piece(_items(piece), piece.path, None, piece.traits, piece.done)


def _items(piece: Piece[Item]) -> Items:
    for item in piece.items:
        if isinstance(item, Columns):
            yield Columns((*item, *(name for name in piece.columns if name not in item)))
        else:
            yield item | piece.columns
