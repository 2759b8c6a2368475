"""Items of a copy that parses its data: records, and announcements of their columns."""

from collections.abc import Iterator
from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]


class Columns(tuple[str, ...]):
    """Announces the columns of the records that follow, so that a file without rows keeps its header."""

    __slots__ = ()


Item: TypeAlias = Record | Columns
Items: TypeAlias = Iterator[Item]
