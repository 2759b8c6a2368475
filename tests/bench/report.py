"""One table for people, one JSON file for comparisons."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench.figures import Figure

PIPED_WIDTH = 150
_WHOLE = 100
"""From here on a figure is shown without decimals."""

Results = Mapping[str, Sequence[Figure]]
"""The figures of each bench, by its name."""


def machine() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was before."""
    return {
        "cores": os.cpu_count(),
        "memoryMegabytes": psutil.virtual_memory().total // 1_000_000,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "loadAverage": os.getloadavg()[0],
    }


def show(results: Results, facts: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the table; plain text where it is piped."""
    console = console or _standard_output()
    table = Table("bench", "figure", "median", "min", "max", "of", "unit", "wanted", "met", box=None)
    for column in table.columns[2:6]:
        column.justify = "right"
    for bench, figures in results.items():
        for number, figure in enumerate(figures):
            table.add_row(
                "" if number else bench,
                figure.name,
                shown(figure.median),
                shown(min(figure.values)),
                shown(max(figure.values)),
                str(len(figure.values)),
                figure.unit,
                wanted(figure),
                _met(figure),
            )
    console.print(table)
    console.print(
        f"\nMedians. {facts['cores']} cores, Python {facts['python']}, {facts['system']}; "
        f"load average before: {facts['loadAverage']:.1f}."
    )


def save(path: Path, results: Results, facts: Mapping[str, Any], at: datetime) -> None:
    """Write the file, and its folder where that is not there.

    Raises:
        OSError: it cannot be written.
    """
    document = {
        "at": at.isoformat(timespec="seconds"),
        "machine": facts,
        "figures": [_entry(bench, figure) for bench, figures in results.items() for figure in figures],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def shown(value: float) -> str:
    """A figure with as many digits as it deserves."""
    return f"{value:,.0f}" if value >= _WHOLE or value == int(value) else f"{value:.2f}"


def _entry(bench: str, figure: Figure) -> dict[str, Any]:
    return {
        "bench": bench,
        "figure": figure.name.strip(),
        "unit": figure.unit,
        "median": figure.median,
        "min": min(figure.values),
        "max": max(figure.values),
        "values": list(figure.values),
        "atLeast": figure.at_least,
        "below": figure.below,
        "met": figure.met,
    }


def wanted(figure: Figure) -> str:
    """The limit of the median, in a few characters."""
    if figure.at_least is not None:
        return f"≥ {shown(figure.at_least)}"
    return "" if figure.below is None else f"< {shown(figure.below)}"


def _met(figure: Figure) -> Text:
    match figure.met:
        case None:
            return Text("")
        case True:
            return Text("yes", "green")
        case _:
            return Text("NO", "bold red")


def _standard_output() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED_WIDTH)
