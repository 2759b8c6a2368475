"""additionalColumns of a source: constants, the file's path, or a copy of a column under another name."""

from collections.abc import Iterator
from typing import Any

from adf_trigger.emulator.connectors.common.failures import DataFailure, InvalidSettings
from adf_trigger.emulator.connectors.common.flow import Piece, Source
from adf_trigger.emulator.connectors.common.records import Columns, Item, Items, Record

_FILE_PATH = "$$FILEPATH"
_COLUMN = "$$COLUMN:"


class WithColumns:
    """A source that appends columns to the records of another.

    Args:
        source: of the records.
        columns: additionalColumns of the activity, evaluated.

    Raises:
        InvalidSettings: the columns are not objects with a name.
    """

    def __init__(self, source: Source[Item], columns: list[Any]) -> None:
        self.root = source.root
        self._source = source
        self._columns: dict[str, Any] = {}
        for column in columns:
            if not isinstance(column, dict) or not column.get("name"):
                raise InvalidSettings("Each of additionalColumns needs a name and a value.")
            self._columns[str(column["name"])] = column.get("value")

    def pieces(self) -> Iterator[Piece[Item]]:
        """The source's pieces, with the columns added to their records."""
        for piece in self._source.pieces():
            yield Piece(self._items(piece), piece.path, None, piece.traits, piece.done)

    def _items(self, piece: Piece[Item]) -> Items:
        for item in piece.items:
            if isinstance(item, Columns):
                yield Columns((*item, *self._columns))
            else:
                added = {name: _value(value, item, piece.path) for name, value in self._columns.items()}
                yield item | added


def _value(value: Any, record: Record, path: str | None) -> Any:
    if value == _FILE_PATH:
        return path
    if isinstance(value, str) and value.startswith(_COLUMN):
        name = value.removeprefix(_COLUMN)
        if name not in record:
            raise DataFailure(
                "UserErrorInvalidColumnMappingColumnNotFound",
                f"Column '{name}' specified in additionalColumns cannot be found in source data.",
            )
        return record[name]
    return value
