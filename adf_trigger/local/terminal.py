"""Output of `up`: each step as it happens, the next commands, and then one line for each run."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.text import Text

from adf_trigger.local.screen.screen import COLOURS
from adf_trigger.local.screen.texts import run_line, step, wrapped
from adf_trigger.local.stack.stack_config import Progress


class Terminal(Progress):
    """Colours and a spinner on a terminal, plain lines where it is piped.

    Args:
        console: to print on; default: standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, markup=False, emoji=False)
        self._status: Status | None = None
        self._since = time.monotonic()

    def __enter__(self) -> None:
        """Print nothing yet."""

    def __exit__(self, *_: object) -> None:
        self._quiet()

    def starting(self, part: str) -> None:
        """Show a spinner on a terminal."""
        self._quiet()
        self._since = time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status(f"{part} …")
            self._status.start()

    def started(self, part: str, where: str) -> None:
        """Print the line of a part that is ready."""
        self._quiet()
        line = Text(step(part, where, time.monotonic() - self._since))
        line.stylize("green", 0, 1)
        self._line(line)
        self._since = time.monotonic()

    def note(self, line: str) -> None:
        """Print a sentence, wrapped between words; an indented line is already wrapped."""
        self._quiet()
        for each in [line] if line.startswith(" ") else wrapped(line):
            self._line(Text(each))

    def shown(self, line: str) -> None:
        """Print a line without wrapping it."""
        self._quiet()
        self._line(Text(line, "bold green" if line.startswith("Ready.") else ""))

    def ended(self, run: Mapping[str, Any]) -> None:
        """Print the line of a run that has ended."""
        at = datetime.now().astimezone().strftime("%H:%M:%S")
        before, status, after = run_line(at, run)
        self._line(Text.assemble(before, (status, COLOURS.get(status, "")), after))

    def _line(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)

    def _quiet(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
