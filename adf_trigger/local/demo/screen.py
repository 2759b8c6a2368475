"""What the demo shows: a table and colours on a terminal, plain text when it is piped."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 170

COLOURS = {
    "Succeeded": "green",
    "Failed": "red",
    "Rejected": "red",
    "Cancelled": "yellow",
    "Unknown": "magenta",
    "Accepted": "cyan",
    "Queued": "cyan",
    "InProgress": "cyan",
}


class Screen:
    """Prints the demo.

    Args:
        console: where to; standard output unless told otherwise.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _standard_output()

    def heading(self, text: str) -> None:
        """Begin a part."""
        self._console.print()
        self._console.print(Text(text, style="bold"))

    def line(self, text: str) -> None:
        """A plain line, indented."""
        self._console.print(Text(f"  {text}"), soft_wrap=True)

    def exchange(self, asked: str, answered: str, *, good: bool) -> None:
        """What was asked and what came back."""
        arrow = Text(f" → {answered}", "green" if good else "yellow")
        self._console.print(Text.assemble("  ", asked, arrow), soft_wrap=True)

    @contextmanager
    def waiting(self, text: str) -> Iterator[Status]:
        """A spinner on a terminal; where it is piped, the one line."""
        if not self._console.is_terminal:
            self.line(text)
        with self._console.status(text) as status:
            yield status

    def events(self, events: Sequence[Mapping[str, Any]]) -> None:
        """The completion events as they came off the queue."""
        table = Table(box=None)
        for column in ("request", "pipeline", "status", "took", "event id", "why"):
            table.add_column(column, overflow="fold")
        for event in events:
            run = event["data"]
            why = "; ".join(f"{error['activityName']}: {reason_of(error)}" for error in run["errors"])
            table.add_row(
                run["requestId"],
                run["pipeline"],
                Text(run["status"], COLOURS.get(run["status"], "")),
                took(run.get("durationMs")),
                event["id"],
                why or "-",
            )
        self._console.print(table)

    def activities(self, activities: Sequence[Mapping[str, Any]]) -> None:
        """The copy activities of a run."""
        table = Table("activity", "type", "status", "dataRead", "dataWritten", "took", box=None)
        for activity in activities:
            output = activity["output"]
            table.add_row(
                activity["name"],
                activity["type"],
                Text(activity["status"], COLOURS.get(activity["status"], "")),
                f"{output.get('dataRead', '-')} bytes",
                f"{output.get('dataWritten', '-')} bytes",
                took(activity["durationMs"]),
            )
        self._console.print(table)

    def verdict(self, faults: Sequence[str], seconds: float) -> None:
        """Whether everything was as it should be."""
        self._console.print()
        for fault in faults:
            self._console.print(Text(f"✗ {fault}", style="bold red"))
        if not faults:
            self._console.print(
                Text(
                    f"✓ Everything is as it should be, in {seconds:.0f} s. Nothing left this machine.",
                    style="bold green",
                )
            )


def reason_of(error: Mapping[str, str]) -> str:
    """The name that Data Factory gives an error inside its message, else its code."""
    named = re.search(r"ErrorCode=(\w+)", error["message"])
    return named[1] if named else error["errorCode"]


def took(milliseconds: int | None) -> str:
    """A duration for people."""
    return "-" if milliseconds is None else f"{milliseconds / 1000:.1f} s"


def _standard_output() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED_WIDTH)
