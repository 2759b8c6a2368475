"""Rows of delimited text, parsed from a stream of text: the syntax of DelimitedText."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

# Maximum characters of a row: if no row ends within them, the row delimiter must be wrong.
MAX_ROW_LENGTH = 64 * 1024 * 1024


class NoRow(Exception):
    """A row does not end within MAX_ROW_LENGTH characters."""


class BadRow(Exception):
    """A quoted value is followed by something other than a delimiter, or never ends."""

    def __init__(self, row_number: int) -> None:
        super().__init__(row_number)
        self.row_number = row_number


@dataclass(frozen=True, slots=True)
class Dialect:
    r"""The characters that structure delimited text.

    Attributes:
        column: separates columns; one character or more.
        row: separates rows; empty means any of `\r\n`, `\n`, `\r`.
        quote: encloses values; empty if values are never enclosed.
        escape: precedes a quote within an enclosed value or, if there is no quote, a column delimiter; empty if
            there is none.
    """

    column: str = ","
    row: str = ""
    quote: str = '"'
    escape: str = "\\"
    _end: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _value: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _special: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        end = re.escape(self.row) if self.row else r"\r\n|\n|\r"
        object.__setattr__(self, "_end", re.compile(end))
        stops = "|".join(
            [re.escape(self.column), end] + ([re.escape(self.escape)] if self.escapes_delimiter else [])
        )
        object.__setattr__(self, "_value", re.compile(stops))
        special = {*self.column, *(self.row or "\r\n"), self.quote or self.escape} - {""}
        object.__setattr__(self, "_special", re.compile("|".join(map(re.escape, special))))

    @property
    def escapes_delimiter(self) -> bool:
        """Whether the escape character makes a delimiter literal, which requires that values are never enclosed."""
        return bool(self.escape) and not self.quote

    def rows(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """The rows of a text split anywhere, without empty rows.

        Raises:
            BadRow: the text is not of this dialect.
            NoRow: the row delimiter must be wrong.
        """
        buffer = ""
        number = 0
        for text, final in _with_final(texts):
            buffer += text
            position = 0
            while (found := self._row(buffer, position, number + 1, final=final)) is not None:
                row, position = found
                if row != [""]:
                    number += 1
                    yield row
            buffer = buffer[position:]
            if len(buffer) > MAX_ROW_LENGTH:
                raise NoRow

    def _row(self, text: str, start: int, number: int, *, final: bool) -> tuple[list[str], int] | None:
        """One row and the position of the next; None if the available text may contain only part of it."""
        if start >= len(text):
            return None
        end = self._end.search(text, start)
        line = text[start : end.start() if end else len(text)]
        special = self.quote or (self.escape if self.escapes_delimiter else "")
        if not special or special not in line:
            # Fast path for the common case: nothing is enclosed or escaped.
            after = self._after(text, end, final=final)
            return None if after is None else (line.split(self.column), after)
        return self._quoted_row(text, start, number, final=final)

    def _after(self, text: str, end: re.Match[str] | None, *, final: bool) -> int | None:
        """The position of the row after this end; None if it is not known yet."""
        if end is None:
            return len(text) if final else None
        if not final and end.end() == len(text) and end.group() == "\r" and not self.row:
            return None  # A line feed may follow that belongs to it.
        return end.end()

    def _quoted_row(self, text: str, start: int, number: int, *, final: bool) -> tuple[list[str], int] | None:
        row: list[str] = []
        position = start
        while True:
            if self.quote and text.startswith(self.quote, position):
                found = self._enclosed(text, position + len(self.quote), number, final=final)
            else:
                found = self._bare(text, position)
            if found is None:
                return None
            value, position = found
            row.append(value)
            if text.startswith(self.column, position):
                position += len(self.column)
                continue
            end = self._end.match(text, position)
            if end is None and position < len(text):
                if not final and len(text) - position < max(len(self.column), len(self.row)):
                    return None
                raise BadRow(number)
            after = self._after(text, end, final=final)
            return None if after is None else (row, after)

    def _enclosed(self, text: str, position: int, number: int, *, final: bool) -> tuple[str, int] | None:
        parts: list[str] = []
        begin = position
        while True:
            if position >= len(text):
                if final:
                    raise BadRow(number)
                return None
            character = text[position]
            following = text[position + 1 : position + 2]
            if self.escape and character == self.escape and following in (self.quote, self.escape):
                parts.append(text[begin:position] + following)
                begin = position = position + 2
            elif character == self.quote:
                if not following and not final:
                    return None  # The next character shows whether the quote is escaped by doubling.
                return "".join(parts) + text[begin:position], position + 1
            elif self.escape and character == self.escape and not following and not final:
                return None
            else:
                position = self._next_special(text, position + 1)

    def _next_special(self, text: str, position: int) -> int:
        places = [text.find(mark, position) for mark in (self.quote, self.escape) if mark]
        return min((place for place in places if place >= 0), default=len(text))

    def _bare(self, text: str, position: int) -> tuple[str, int] | None:
        parts: list[str] = []
        while True:
            stop = self._value.search(text, position)
            end = stop.start() if stop else len(text)
            parts.append(text[position:end])
            if stop is None or not self.escapes_delimiter or stop.group() != self.escape:
                return "".join(parts), end
            for literal in (self.column, self.escape):
                if text.startswith(literal, end + 1):
                    parts.append(literal)
                    position = end + 1 + len(literal)
                    break
            else:
                parts.append(self.escape)
                position = end + 1

    def write(self, values: Sequence[str], *, enclose: Sequence[bool] | None = None) -> str:
        """One row, without its end.

        Args:
            values: texts of the columns.
            enclose: for each, whether to enclose it even if it needs no quotes.
        """
        row = self.column.join(values)
        columns = row.count(self.column) + 1
        if enclose is None and columns == len(values) and self._plain(row.replace(self.column, "")):
            # Fast path for the common case: nothing needs to be enclosed or escaped.
            return row or self._empty_row
        always = enclose if enclose is not None else [False] * len(values)
        return self.column.join(map(self._written, values, always)) or self._empty_row

    def _plain(self, text: str) -> bool:
        """Whether a text contains no character of a delimiter and no quote (without quotes: no escape)."""
        return self._special.search(text) is None

    @property
    def _empty_row(self) -> str:
        """A row of one empty value, in quotes since readers skip empty rows."""
        return self.quote * 2

    def _written(self, value: str, always: bool) -> str:  # noqa: FBT001 - mapped over pairs
        if not self.quote:
            if self.escape:
                value = value.replace(self.escape, self.escape * 2)
                return value.replace(self.column, self.escape + self.column)
            return value
        if not always and self._plain(value):
            return value
        if self.escape and self.escape != self.quote:
            value = value.replace(self.escape, self.escape * 2)
        return self.quote + value.replace(self.quote, (self.escape or self.quote) + self.quote) + self.quote


def _with_final(texts: Iterable[str]) -> Iterator[tuple[str, bool]]:
    for text in texts:
        yield text, False
    yield "", True
