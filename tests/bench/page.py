"""The results kept last, as a page of the documentation with its plots, and in short in the README."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench import kept as store
from tests.bench.figures import Figure
from tests.bench.kept import Kept
from tests.bench.plots import growth
from tests.bench.report import shown, wanted

_SIZE = re.compile(r"(?P<active>[\d,]+) active, (?P<what>nothing changed|[\d,]+ ended)(?P<end>: .*)")
_GET = "the SDK's pipeline_runs.get"
_MARKED = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)

_INTRODUCTION = """# What it costs

Measured by `make bench`; each bench shows its last kept results (`python -m tests.bench --keep`). All processes share
the processors: callers, Azurite on Node, the local Data Factory, the functions host. Seconds depend on the machine,
which is in the last table; the counts of calls do not, and are asserted by
`tests/unit/service/timer/test_tick_storage.py`.

Under submit, "the calls alone" are the two writes and the createRun of each request, made by the same clients and as
many threads in a bare process, without HTTP, a functions host or any check. The difference between them and storage's
ceiling is the cost of createRun and of two Python processes on these cores; the difference between a request and them
is the cost of the service.

A soak is measured after its first six minutes: lists look back over five, so that until then each tick reads more
runs than the one before.
"""

_BUSY = """The machine was busy with other work during {benches}, so that the stack had only a part of its cores:
seconds, rates and their limits need another measurement on an idle machine. Counts, and ratios of processor time, are
valid.
"""


def keep(new: Mapping[str, Kept], order: Sequence[str], root: Path = store.ROOT) -> None:
    """Keep new figures in the place of earlier ones, and write page, plots and README of all that are kept.

    Args:
        new: of the benches that were measured.
        order: of all benches there are: what is kept of another is forgotten.
        root: of the repository.
    """
    file = root / "docs" / "bench.json"
    known = {**store.read(file), **new}
    known = {name: known[name] for name in order if name in known}
    store.write(known, file)
    write(known, file.with_suffix(".md"))
    readme = root / "README.md"
    if readme.exists():
        readme.write_text(_MARKED.sub(lambda mark: mark[1] + summary(known) + mark[2], readme.read_text()))


def write(kept: Mapping[str, Kept], page: Path) -> None:
    """Write the page, and beside it a plot for each growth curve that was measured."""
    page.parent.mkdir(parents=True, exist_ok=True)
    text = [_INTRODUCTION]
    busy = [name for name, each in kept.items() if each.machine["loadAverage"] > each.machine["cores"]]
    if busy:
        text.append(_BUSY.format(benches=", ".join(busy)))
    for name, chart in charts({name: each.figures for name, each in kept.items()}).items():
        (page.parent / f"{name}.svg").write_text(chart)
        text.append(f"![{name.replace('-', ' ')}]({name}.svg)\n")
    text += [table(kept), _origins(kept)]
    page.write_text("\n".join(text))


def table(kept: Mapping[str, Kept]) -> str:
    """All figures as a table of Markdown."""
    rows = [
        "| bench | figure | median | least | most | of | unit | wanted | met |",
        "|---|---|--:|--:|--:|--:|---|---|---|",
    ]
    for bench, each in kept.items():
        rows += [_row(bench if not number else "", figure) for number, figure in enumerate(each.figures)]
    return "\n".join([*rows, ""])


def summary(kept: Mapping[str, Kept]) -> str:
    """The promised limits of the figures, as a Markdown table for the README."""
    rows = ["| measured | median | unit | wanted | met |", "|---|--:|---|---|---|"]
    for each in kept.values():
        subject = ""
        for figure in each.figures:
            subject = subject if figure.name.startswith("  ") else figure.name
            name = figure.name if figure.name is subject else f"{subject}:{figure.name[1:]}"
            if figure.met is not None:
                cells = (name, shown(figure.median), figure.unit, wanted(figure), _met(figure))
                rows.append(f"| {' | '.join(cells)} |")
    said = "All of it, and when and on what: [docs/bench.md](docs/bench.md)."
    return "\n".join(["![seconds of a tick](docs/tick-seconds.svg)", "", *rows, "", said, ""])


def charts(results: Mapping[str, Sequence[Figure]]) -> dict[str, str]:
    """The growth curves by the name of their file, where they were measured."""
    curves: dict[str, dict[str, list[tuple[float, float]]]] = {}
    active, what = 0.0, ""
    for figure in results.get("watching", ()):
        match = _SIZE.match(figure.name)
        if match is not None:
            active = float(match["active"].replace(",", ""))
            what = "nothing changed" if match["what"] == "nothing changed" else "1% ended"
            _curve(curves, "tick-seconds", what).append((active, figure.median))
        elif not figure.name.startswith("  "):
            what = ""
        elif what == "nothing changed":
            for name, of in (("tick-calls", "calls of Data Factory"), ("tick-storage", "calls of storage")):
                if figure.name.strip() == of and figure.median > 0:
                    _curve(curves, name, what).append((active, figure.median))
    if not curves:
        return {}
    sizes = [size for size, _ in curves["tick-seconds"]["nothing changed"]]
    curves["tick-seconds"] |= _peers(results.get("peers", ()), sizes)
    for name in ("tick-calls",):
        if name in curves:
            curves[name]["one GET a run, official SDK"] = [(size, size) for size in sizes]
    return {name: growth(*_AXES[name], lines) for name, lines in curves.items()}


_AXES = {
    "tick-seconds": ("Seconds of a tick", "active runs", "s"),
    "tick-calls": ("Calls of Data Factory in a tick", "active runs", "calls"),
    "tick-storage": ("Calls of storage in a tick", "active runs", "calls"),
}


def _curve(
    curves: dict[str, dict[str, list[tuple[float, float]]]], chart: str, line: str
) -> list[tuple[float, float]]:
    return curves.setdefault(chart, {}).setdefault(line, [])


def _peers(figures: Sequence[Figure], sizes: Sequence[float]) -> dict[str, list[tuple[float, float]]]:
    """One GET a run and tick takes as many times as long as there are runs."""
    for figure in figures:
        if figure.name.strip() == _GET:
            return {"one GET a run, official SDK": [(size, size * figure.median / 1000) for size in sizes]}
    return {}


def _row(bench: str, figure: Figure) -> str:
    cells = (
        bench,
        figure.name.strip(),
        shown(figure.median),
        shown(min(figure.values)),
        shown(max(figure.values)),
        str(len(figure.values)),
        figure.unit,
        wanted(figure),
        _met(figure),
    )
    return f"| {' | '.join(cells)} |"


def _met(figure: Figure) -> str:
    return {None: "", True: "yes", False: "**no**"}[figure.met]


def _origins(kept: Mapping[str, Kept]) -> str:
    rows = [
        "| bench | kept | commit | took | cores | Python | load average before |",
        "|---|---|---|--:|--:|---|--:|",
    ]
    for name, each in kept.items():
        facts = each.machine
        cells = (
            name,
            f"{each.at:%Y-%m-%d %H:%M}",
            f"`{each.commit}`",
            f"{each.seconds:.0f} s",
            str(facts["cores"]),
            str(facts["python"]),
            f"{facts['loadAverage']:.1f}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([*rows, ""])
