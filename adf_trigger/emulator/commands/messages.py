"""Messages of the commands on standard error. Importing this needs only the standard library."""

import argparse
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, Never

_USAGE = 2


def say(text: str) -> None:
    """Print a message on standard error. On a terminal its lines are wrapped between words.

    Args:
        text: one or more sentences; each line is wrapped separately.
    """
    if not sys.stderr.isatty():
        sys.stderr.write(f"{text}\n")
        return
    width = shutil.get_terminal_size().columns
    for line in text.splitlines():
        sys.stderr.write("\n".join(_folded(line, width)) + "\n")


class Parser(argparse.ArgumentParser):
    """A parser that reports errors as `say` does.

    Args:
        fill: adds the options of a command once it is called, so that only its modules are imported.
        kwargs: of ArgumentParser.
    """

    def __init__(self, *, fill: Callable[["Parser"], None] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._fill = fill

    def parse_known_args(  # type: ignore[override]  # argparse gives a namespace of its own type if it is given one
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """See ArgumentParser."""
        fill, self._fill = self._fill, None
        if fill is not None:
            fill(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> Never:
        """End with the usage and the fault."""
        self.print_usage(sys.stderr)
        say(f"{self.prog}: error: {message}")
        sys.exit(_USAGE)


def _folded(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(
        line.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
