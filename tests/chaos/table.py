"""The verdict as a table."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.chaos.verdict import Verdict

MOST_EXAMPLES = 20

_COLUMNS: Mapping[str, str] = {
    "honoured": "official SDK,\nids honoured",
    "ignored": "official SDK,\nids ignored",
}


def show(verdict: Verdict, console: Console) -> None:
    """Print the table, and what was broken."""
    table = Table(title="Chaos", title_justify="left")
    table.add_column("")
    table.add_column("adf-trigger", justify="right")
    for ids in verdict.official:
        table.add_column(_COLUMNS[ids], justify="right")
    for name, ours, theirs in _rows(verdict):
        table.add_row(name, *("" if each is None else f"{each:,}" for each in (ours, *theirs)))
    table.add_section()
    for name, broken in _promises(verdict).items():
        style = "bold red" if broken else "bold green"
        table.add_row(name, f"{len(broken):,}", style=style)
    console.print(table)
    for broken in (*_promises(verdict).values(), verdict.refused):
        for sentence in broken[:MOST_EXAMPLES]:
            console.print(f"  {sentence}", soft_wrap=True, highlight=False)


def _promises(verdict: Verdict) -> Mapping[str, Sequence[str]]:
    return {
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "events missing": verdict.events_missing,
        "repeated events with another id": verdict.ids_differing,
        "times with too many runs at once": verdict.too_many,
        "started out of order": verdict.out_of_order,
    }


_Number = int | float | None
_Row = tuple[str, _Number, list[_Number]]


def _rows(verdict: Verdict) -> list[_Row]:
    theirs = list(verdict.official.values())
    nothing: list[_Number] = [None] * len(theirs)

    def of(attribute: str) -> list[_Number]:
        return [getattr(each, attribute) for each in theirs]

    return [
        ("requests", verdict.requests, of("requests")),
        ("acknowledged", verdict.acknowledged, nothing),
        ("calls made", verdict.calls, of("calls")),
        ("calls that failed or raised, made again", verdict.failed_calls, of("raised")),
        ("messages on the queue", verdict.messages, nothing),
        ("hosts killed", verdict.kills, nothing),
        ("hosts that ended for a fault, as the platform's do", verdict.ended, nothing),
        ("hosts that failed, or failed to start", verdict.deaths, nothing),
        *((kind, count, nothing) for kind, count in verdict.row_faults.items()),
        ("hosts paused past their leases", verdict.pauses, nothing),
        ("storage outages", verdict.outages, nothing),
        ("faults of storage", verdict.storage_faults, nothing),
        ("calls that reached Data Factory", verdict.factory_calls, of("factory_calls")),
        ("faults of Data Factory", verdict.factory_faults, of("factory_faults")),
        ("acknowledged, then rejected", verdict.rejected, nothing),
        ("runs started", verdict.runs, of("runs")),
        ("most runs for one request", verdict.most_runs, of("most_runs")),
        ("requests with two runs or more", verdict.with_two_runs, of("with_two_runs")),
        ("of them, by a single call", None, of("doubled_by_one_call")),
        ("requests without a run after the first call", None, of("not_started")),
        ("pairs of requests whose order was known", verdict.ordered_pairs, nothing),
        ("events read", verdict.events, nothing),
        ("seconds", verdict.seconds, nothing),
    ]
