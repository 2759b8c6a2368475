"""Output of the demo: a table and colours on a terminal, plain text when it is piped."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from adf_trigger.local.screen.texts import COMMAND, WIDTH, env_line, up_command, wrapped

PLAIN = "Adfv2QuickStartPipeline"

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
        console: to print on; default: standard output.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _standard_output()

    def heading(self, text: str) -> None:
        """Print the heading of a step."""
        self._console.print()
        for line in wrapped(text, hanging=3):
            self._print(Text(line, style="bold"))

    def line(self, text: str, *, indent: int = 2) -> None:
        """Print a plain, indented line, wrapped between words."""
        for line in wrapped(text, indent=indent):
            self._print(Text(line))

    def exchange(self, request: str, answer: str, *, good: bool) -> None:
        """Print a request and its answer."""
        self.line(request)
        for line in wrapped(f"→ {answer}", indent=6, hanging=2):
            self._print(Text(line, "green" if good else "yellow"))

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)

    @contextmanager
    def waiting(self, text: str) -> Iterator[Status]:
        """Show a spinner on a terminal; print one line where it is piped."""
        if not self._console.is_terminal:
            self.line(text)
        with self._console.status(text) as status:
            yield status

    def events(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Print the completion events in order of arrival, each with its id and the errors of a failed run."""
        columns = [event["data"] for event in events]
        widths = [max([0, *(len(str(run[name])) for run in columns)]) for name in ("requestId", "pipeline")]
        for event in events:
            run = event["data"]
            request, pipeline = (
                f"{run[name]:<{width}}" for name, width in zip(("requestId", "pipeline"), widths, strict=True)
            )
            status = Text(f"{run['status']:<9}", COLOURS.get(run["status"], ""))
            self._print(
                Text.assemble(
                    "  ", request, "  ", pipeline, "  ", status, "  ", duration_text(run.get("durationMs"))
                )
            )
            why = "; ".join(f"{error['activityName']}: {reason_of(error)}" for error in run["errors"] or [])
            for below in (f"event {event['id']}", why):
                for line in wrapped(below, indent=6):
                    self._print(Text(line, "dim"))

    def activities(self, activities: Sequence[Mapping[str, Any]]) -> None:
        """Print the copy activities of a run."""
        table = Table(box=None)
        for column in ("activity", "type", "status", "dataRead", "dataWritten", "took"):
            table.add_column(column, no_wrap=True)
        for activity in activities:
            output = activity["output"]
            table.add_row(
                activity["name"],
                activity["type"],
                Text(activity["status"], COLOURS.get(activity["status"], "")),
                f"{output.get('dataRead', '-')} bytes",
                f"{output.get('dataWritten', '-')} bytes",
                duration_text(activity["durationMs"]),
            )
        self._console.print(table)

    def verdict(self, seconds: float) -> None:
        """Print that all checks passed, and what to do next."""
        self._console.print()
        self._print(
            Text(
                f"✓ All checks passed in {seconds:.0f} s. Nothing left this machine.",
                style="bold green",
            )
        )
        self._console.print()
        self._print(Text("Next: keep the same stack running, and use it."))
        for line in (f"{up_command()}", env_line(), f"{COMMAND} run {PLAIN} --wait"):
            self._print(Text(f"  {line}"))
        self._print(Text("Run the first line in this terminal, the others in another one."))


def reason_of(error: Mapping[str, str]) -> str:
    """The error code within Data Factory's message, else the code of the error."""
    named = re.search(r"ErrorCode=(\w+)", error["message"])
    return named[1] if named else error["errorCode"]


def duration_text(milliseconds: int | None) -> str:
    """A duration for people."""
    return "-" if milliseconds is None else f"{milliseconds / 1000:.1f} s"


def _standard_output() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)
