"""Partition discovery: folders called `name=value` above a file become columns of its records."""

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
    """What the store settings of a source ask for.

    Attributes:
        root: path below which folders count, from the container's name on or from within it. Without one they
            count below the folder that the files are looked for in: the dataset's, or what comes before the first
            wildcard.
    """

    root: str = ""

    @classmethod
    def taken_from(cls, settings: dict[str, Any]) -> tuple["PartitionDiscovery | None", dict[str, Any]]:
        """Read storeSettings; gives None if nothing is to be discovered, and the settings that are left.

        Raises:
            InvalidSettings: of the wrong type.
        """
        left = {name: value for name, value in settings.items() if name not in _SETTINGS}
        if not flag(settings, "enablePartitionDiscovery"):
            return None, left
        return cls(text(settings, "partitionRootPath").strip("/")), left

    def columns(self, file: StoredFile, container: str) -> dict[str, str]:
        """The columns that the folders of a file give, in their order.

        Args:
            file: whose path tells them.
            container: where it is.

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
    """A source of records, each with the columns of its file's partitions at its end."""

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
