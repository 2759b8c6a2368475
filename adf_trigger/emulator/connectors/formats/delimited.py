"""DelimitedText: rows of columns, with or without a header."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from adf_trigger.emulator.connectors.common.failures import DataFailure, InvalidSettings, NotEmulated
from adf_trigger.emulator.connectors.common.records import Columns, Item
from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.connectors.common.settings import flag, forbid_unknown, text, whole_number
from adf_trigger.emulator.connectors.formats.delimited_rows import (
    MAX_ROW_LENGTH,
    BadRow,
    Dialect,
    NoRow,
)
from adf_trigger.emulator.connectors.formats.encodings import Encoding
from adf_trigger.emulator.connectors.formats.values import as_text
from adf_trigger.emulator.contract.activity import ResolvedDataset

_DATASET = frozenset(
    {
        "columnDelimiter",
        "compressionCodec",
        "compressionLevel",
        "encodingName",
        "escapeChar",
        "firstRowAsHeader",
        "location",
        "nullValue",
        "quoteChar",
        "rowDelimiter",
    }
)
_PIECE = 64 * 1024


class DelimitedText:
    """The format, as its dataset configures it."""

    def decoder(
        self, dataset: ResolvedDataset, settings: dict[str, Any], rejects: Rejects
    ) -> "DelimitedTextDecoder":
        """A reader; settings are DelimitedTextReadSettings."""
        forbid_unknown(settings, {"skipLineCount", "compressionProperties"}, "formatSettings")
        skip = whole_number(settings, "skipLineCount", 0) or 0
        return DelimitedTextDecoder(_Layout.read(dataset), skip, rejects)

    def encoder(self, dataset: ResolvedDataset, settings: dict[str, Any]) -> "DelimitedTextEncoder":
        """A writer; settings are DelimitedTextWriteSettings."""
        forbid_unknown(settings, {"quoteAllText", "fileExtension"}, "formatSettings")
        return DelimitedTextEncoder(
            _Layout.read(dataset), text(settings, "fileExtension"), quote_all=flag(settings, "quoteAllText")
        )


@dataclass(frozen=True, slots=True)
class _Layout:
    """The layout of a dataset's files."""

    dialect: Dialect
    header: bool
    null: str
    encoding: Encoding

    @classmethod
    def read(cls, dataset: ResolvedDataset) -> "_Layout":
        properties = dataset.properties
        where = f"the dataset '{dataset.name}'"
        forbid_unknown(properties, _DATASET, where)
        dialect = Dialect(
            column=text(properties, "columnDelimiter", ","),
            row=text(properties, "rowDelimiter"),
            quote=text(properties, "quoteChar", '"'),
            escape=text(properties, "escapeChar", "\\"),
        )
        if not dialect.column:
            raise InvalidSettings(f"The column delimiter of {where} must not be empty in a Copy activity.")
        if len(dialect.quote) > 1 or len(dialect.escape) > 1:
            raise InvalidSettings(f"The quote and escape characters of {where} must be single characters.")
        if dialect.quote and not dialect.escape:
            raise InvalidSettings(f"Without an escape character, {where} must not have a quote character.")
        if len(dialect.column) > 1 and not dialect.quote:
            raise NotEmulated(
                f"A column delimiter of several characters without a quote character in {where}"
            )
        return cls(
            dialect=dialect,
            header=flag(properties, "firstRowAsHeader"),
            null=text(properties, "nullValue"),
            encoding=Encoding.named(text(properties, "encodingName")),
        )


class DelimitedTextDecoder:
    """Reads rows as records; without a header, columns are named Prop_0, Prop_1, …."""

    def __init__(self, layout: _Layout, skip: int, rejects: Rejects) -> None:
        self._layout = layout
        self._skip = skip
        self._rejects = rejects

    def decode(self, chunks: Iterable[bytes], name: str) -> Iterator[Item]:
        """The columns, then the rows; missing columns of a row are null."""
        try:
            yield from self._records(chunks, name)
        except BadRow as exc:
            raise DataFailure(
                "DelimitedTextBadDataDetected",
                f"Bad data is found at line {exc.row_number} in source {name}.",
            ) from exc
        except NoRow as exc:
            raise DataFailure(
                "DelimitedTextIncorrectRowDelimiter",
                f"The specified row delimiter {self._layout.dialect.row} is incorrect. "
                f"Cannot detect a row after parse {MAX_ROW_LENGTH // 1024 // 1024} MB data.",
            ) from exc

    def _records(self, chunks: Iterable[bytes], name: str) -> Iterator[Item]:
        rows = self._layout.dialect.rows(self._layout.encoding.decode(chunks))
        null = self._layout.null
        columns: Columns | None = None
        for number, row in enumerate(rows, start=1):
            if number <= self._skip:
                continue
            if columns is None:
                columns = self._columns(row)
                yield columns
                if self._layout.header:
                    continue
            if len(row) > len(columns):
                self._rejects.row(_too_many_columns(name, number, len(columns)))
                continue
            values: list[str | None] = [None if value == null else value for value in row]
            values.extend([None] * (len(columns) - len(values)))
            yield dict(zip(columns, values, strict=True))

    def _columns(self, row: list[str]) -> Columns:
        if not self._layout.header:
            return Columns(f"Prop_{index}" for index in range(len(row)))
        for index, name in enumerate(row):
            if not name:
                raise DataFailure(
                    "DelimitedTextColumnNameNotAllowNull",
                    f"The name of column index {index} is empty. "
                    "Make sure column name is properly specified in the header row.",
                )
        if len(set(row)) < len(row):
            repeated = next(name for name in row if row.count(name) > 1)
            raise DataFailure("UserErrorDuplicateColumnName", f"The column name '{repeated}' is not unique.")
        return Columns(row)


class DelimitedTextEncoder:
    """Writes records as rows. The first record, or the mapping, determines the columns."""

    def __init__(self, layout: _Layout, extension: str, *, quote_all: bool) -> None:
        self.extension = extension
        self._layout = layout
        self._quote_all = quote_all

    def encode(self, items: Iterable[Item]) -> Iterator[bytes]:
        """The header, if the dataset has one, and the rows."""
        yield from self._layout.encoding.encode(self._texts(items))

    def _texts(self, items: Iterable[Item]) -> Iterator[str]:
        # The default row delimiter of the Copy activity.
        end = self._layout.dialect.row or "\r\n"
        columns: tuple[str, ...] | None = None
        known: frozenset[str] = frozenset()
        pending: list[str] = []
        size = 0
        for item in items:
            if columns is None:
                columns = item if isinstance(item, Columns) else tuple(item)
                known = frozenset(columns)
                if self._layout.header:
                    pending.append(self._row(columns) + end)
            if isinstance(item, Columns):
                _no_others(item, columns)
                continue
            if not item.keys() <= known:
                _no_others(item, columns)
            pending.append(self._row([item.get(column) for column in columns]) + end)
            size += len(pending[-1])
            if size > _PIECE:
                yield "".join(pending)
                pending, size = [], 0
        if pending:
            yield "".join(pending)

    def _row(self, values: Iterable[Any]) -> str:
        given = list(values)
        texts = [self._layout.null if value is None else as_text(value) for value in given]
        enclose = [isinstance(value, str) for value in given] if self._quote_all else None
        return self._layout.dialect.write(texts, enclose=enclose)


def _no_others(names: Iterable[str], columns: tuple[str, ...]) -> None:
    for name in names:
        if name not in columns:
            raise DataFailure(
                "UserErrorColumnNotInFirstRecord",
                f"The column '{name}' is not one of the first record's columns, which are written. "
                "Map the columns in the translator.",
                side="Sink",
            )


def _too_many_columns(name: str, row_number: int, expected: int) -> DataFailure:
    return DataFailure(
        "DelimitedTextMoreColumnsThanDefined",
        f"Error found when processing 'Csv/Tsv Format Text' source '{name}' with row number {row_number}: "
        f"found more columns than expected column count {expected}.",
        side="Source",
    )
