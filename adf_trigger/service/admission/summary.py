"""Summary of the lines of a factory for health: how many requests wait, in how many lines, and since when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adf_trigger.ledger.notes import Note
from adf_trigger.ledger.records import ActiveRun
from adf_trigger.service.admission.line import is_in_line

LINES = "lines"
"""The member of a tick's note about requests in line: one entry per factory in which any waits."""

MOST_NOTED = 100
"""Maximum factories whose lines the note of a tick lists."""


@dataclass(slots=True)
class LinesOf:
    """The requests of a factory that wait in line and are not held.

    Attributes:
        waiting: how many.
        longest: how many in the longest line.
        lines: how many lines there are.
        since: when the earliest was requested.
    """

    waiting: int = 0
    longest: int = 0
    lines: int = 0
    since: datetime | None = field(default=None)

    @classmethod
    def among(cls, rows: Sequence[ActiveRun]) -> "LinesOf":
        """Count them among the active rows of a factory."""
        counts: dict[str | None, int] = {}
        found = cls()
        for row in rows:
            if is_in_line(row) and row.held is None:
                counts[row.places] = counts.get(row.places, 0) + 1
                found.since = row.requested_at if found.since is None else min(found.since, row.requested_at)
        found.waiting, found.lines = sum(counts.values()), len(counts)
        found.longest = max(counts.values(), default=0)
        return found

    def plus(self, other: "LinesOf") -> "LinesOf":
        """The sum of both, for a factory whose records are kept under two ids."""
        instants = [each for each in (self.since, other.since) if each is not None]
        return LinesOf(
            self.waiting + other.waiting,
            max(self.longest, other.longest),
            self.lines + other.lines,
            min(instants, default=None),
        )


def lines_for_note(found: Sequence[tuple[str, LinesOf]]) -> Sequence[Mapping[str, Any]]:
    """The lines of all factories, by alias, as many as the note of a tick lists."""
    by_alias: dict[str, LinesOf] = {}
    for alias, lines in found:
        by_alias[alias] = by_alias.get(alias, LinesOf()).plus(lines)
    return [
        {
            "factory": alias,
            "waiting": each.waiting,
            "lines": each.lines,
            "longest": each.longest,
            "since": None if each.since is None else each.since.isoformat(),
        }
        for alias, each in sorted(by_alias.items())
        if each.waiting
    ][:MOST_NOTED]


def last_lines(ticks: Sequence[Note | None]) -> Sequence[Any]:
    """The lines as the last tick counted them; empty where none has, or it was another version's."""
    notes = [note.value for note in ticks if note is not None and isinstance(note.value.get("at"), str)]
    last = max(notes, key=lambda value: str(value["at"]), default={})
    lines = last.get(LINES)
    return lines if isinstance(lines, list) else []
