"""Output of the command: coloured, word-wrapped text on a terminal, plain lines where it is piped, or JSON."""

import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

from adf_trigger.client.command.texts import json_text, plain

STYLES: Mapping[str, str] = {
    "Succeeded": "green",
    "Failed": "red",
    "Rejected": "red",
    "Cancelled": "yellow",
    "Canceling": "yellow",
    "Unknown": "magenta",
    "Accepted": "cyan",
    "Queued": "cyan",
    "InProgress": "cyan",
}
_MARKS = {"Succeeded": ("✓", "+"), "Failed": ("✗", "x"), "Rejected": ("✗", "x"), "Cancelled": ("∅", "-")}
_WIDEST_PIPED = 1_000_000
_LEAST_WIDTH = 20


class Screen:
    """Prints results, progress and errors.

    Args:
        as_json: whether results are JSON.
        out: for results; default: standard output.
        err: for progress and errors; default: standard error.
    """

    def __init__(
        self, *, as_json: bool = False, out: Console | None = None, err: Console | None = None
    ) -> None:
        self.as_json = as_json
        self.out = out or _console(sys.stdout)
        self.err = err or _console(sys.stderr)

    @property
    def is_terminal(self) -> bool:
        """Whether results go to a terminal."""
        return self.out.is_terminal

    def document(self, value: BaseModel | Sequence[BaseModel] | Mapping[str, Any] | Sequence[Any]) -> None:
        """Print a result as JSON."""
        self.out.file.write(json_text(_jsonable(value)) + "\n")

    def line(self, *parts: str | Text | tuple[str, str], indent: int = 0) -> None:
        """Print one line of a result from texts and styled texts. On a terminal it wraps between words."""
        _print(self.out, _assembled(parts), indent)

    def note(self, *parts: str | Text | tuple[str, str], indent: int = 0) -> None:
        """Print one line that is not part of the result: a hint, progress, an error."""
        _print(self.err, _assembled(parts), indent)

    def mark(self, status: str) -> tuple[str, str]:
        """The mark of a status and its style; ASCII where the terminal supports nothing else."""
        fancy, simple = _MARKS.get(status, ("…", "."))
        return (simple if self.out.options.ascii_only else fancy), STYLES.get(status, "")

    def columns(self, rows: Sequence[Sequence[str | tuple[str, str]]], *, indent: int = 0) -> None:
        """Print rows in aligned columns; tab-separated where it is piped."""
        if not self.is_terminal:
            for row in rows:
                self.out.file.write("\t".join(plain(_words(cell)) for cell in row) + "\n")
            return
        widths = [max(len(plain(_words(cell))) for cell in column) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [
                (plain(_words(cell)) + " " * (width - len(plain(_words(cell)))), _style(cell))
                for cell, width in zip(row, widths, strict=True)
            ]
            line = Text("  ").join(Text(text, style) for text, style in cells)
            line.rstrip()
            _print(self.out, line, indent, wrap=False)


def _console(file: TextIO) -> Console:
    if hasattr(file, "reconfigure"):
        file.reconfigure(errors="backslashreplace")  # a name that this terminal cannot show is no error
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    return (
        console
        if console.is_terminal
        else Console(file=file, highlight=False, markup=False, emoji=False, width=_WIDEST_PIPED)
    )


def _assembled(parts: Iterable[str | Text | tuple[str, str]]) -> Text:
    line = Text()
    for part in parts:
        if isinstance(part, Text):
            line.append_text(part)
        elif isinstance(part, tuple):
            line.append(plain(part[0]), part[1])
        else:
            line.append(plain(part))
    return line


def _print(console: Console, line: Text, indent: int, *, wrap: bool = True) -> None:
    """Print a line; on a terminal it wraps between words, never within one, with the same indent."""
    room = max(console.width - indent, _LEAST_WIDTH)
    if not (wrap and console.is_terminal) or len(line) <= room:
        _put(console, line, indent)
        return
    begin = 0
    for text in textwrap.wrap(
        line.plain, room, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    ):
        begin = line.plain.index(text, begin)
        _put(console, line[begin : begin + len(text)], indent)
        begin += len(text)


def _put(console: Console, line: Text, indent: int) -> None:
    console.print(Text(" " * indent).append_text(line), soft_wrap=True)


def _words(cell: str | tuple[str, str]) -> str:
    return cell if isinstance(cell, str) else cell[0]


def _style(cell: str | tuple[str, str]) -> str:
    return "" if isinstance(cell, str) else cell[1]


def _jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {name: _jsonable(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(each) for each in value]
    return value
