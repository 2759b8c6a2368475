"""The last measurement as a page of the documentation, with its plots."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.bench.plots import growth
from tests.bench.report import Results, shown, wanted

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "bench.md"
_SIZE = re.compile(r"(?P<active>[\d,]+) active, (?P<what>nothing changed|[\d,]+ ended)(?P<end>: .*)")
_GET = "the SDK's pipeline_runs.get"

_INTRODUCTION = """# What it costs

Measured by `make bench`: the last table that was kept, at commit `{commit}`, {at:%Y-%m-%d}, on {cores} cores that
everything shares (callers, Azurite on Node, the local Data Factory, the functions host; load average before:
{load:.1f}), Python {python}. Seconds are of this kind of machine; the counts of calls are held by the tests
(`tests/unit/service/test_tick_storage.py`), whatever the machine. Medians of {repeats}.
"""


_BUSY = """The machine was busy with other work meanwhile, so that the stack had a part of its cores alone: seconds,
rates and their limits are to be measured again on one that is idle. Counts, and ratios of processor time, stand.
"""


def write(results: Results, facts: Mapping[str, Any], repeats: int, at: datetime, page: Path = PAGE) -> None:
    """Write the page, and beside it a plot for each growth curve that was measured."""
    page.parent.mkdir(parents=True, exist_ok=True)
    text = [
        _INTRODUCTION.format(
            commit=_commit(),
            at=at,
            cores=facts["cores"],
            load=facts["loadAverage"],
            python=facts["python"],
            repeats=repeats,
        )
    ]
    if facts["loadAverage"] > facts["cores"]:
        text.append(_BUSY)
    for name, chart in charts(results).items():
        (page.parent / f"{name}.svg").write_text(chart)
        text.append(f"![{name.replace('-', ' ')}]({name}.svg)\n")
    text.append(table(results))
    page.write_text("\n".join(text))


def table(results: Results) -> str:
    """All figures as a table of Markdown."""
    rows = [
        "| bench | figure | median | least | most | unit | wanted | met |",
        "|---|---|--:|--:|--:|---|---|---|",
    ]
    for bench, figures in results.items():
        rows += [_row(bench if not number else "", figure) for number, figure in enumerate(figures)]
    return "\n".join([*rows, ""])


def charts(results: Results) -> dict[str, str]:
    """The growth curves by the name of their file, where they were measured."""
    figures = results.get("watching", ())
    lines: dict[str, list[tuple[float, float]]] = {"nothing changed": [], "1% ended": []}
    for figure in figures:
        match = _SIZE.match(figure.name)
        if match is not None:
            what = "nothing changed" if match["what"] == "nothing changed" else "1% ended"
            lines[what].append((float(match["active"].replace(",", "")), figure.median))
    if not lines["nothing changed"]:
        return {}
    sizes = [size for size, _ in lines["nothing changed"]]
    lines |= _peers(results.get("peers", ()), sizes)
    return {"tick-seconds": growth("Seconds of a tick", "active runs", "s", lines)}


def _peers(figures: Sequence[Figure], sizes: Sequence[float]) -> dict[str, list[tuple[float, float]]]:
    """One GET a run and tick takes as many times as long as there are runs."""
    for figure in figures:
        if figure.name.strip() == _GET:
            return {"one GET a run, official SDK": [(size, size * figure.median / 1000) for size in sizes]}
    return {}


def _row(bench: str, figure: Figure) -> str:
    met = {None: "", True: "yes", False: "**no**"}[figure.met]
    cells = (
        bench,
        figure.name.strip(),
        shown(figure.median),
        shown(min(figure.values)),
        shown(max(figure.values)),
        figure.unit,
        wanted(figure),
        met,
    )
    return f"| {' | '.join(cells)} |"


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    done = subprocess.run(
        [git, "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
