"""Summary of holds for health: why, until when, by whom, and how many requests wait for each."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adf_trigger.ledger.notes import Note
from adf_trigger.ledger.records import ActiveRun
from adf_trigger.service.holds.hold import shown_first
from adf_trigger.service.holds.notes import HoldNotes

MOST_COUNTED = 200
"""Holds for which a tick's note says how many requests wait."""

HELD = "held"
"""The member of a tick's note that counts held requests: {factory: {scope: count}}."""


class HoldSummary:
    """Lists the holds of all factories.

    Args:
        holds: where they are kept.
    """

    def __init__(self, holds: HoldNotes) -> None:
        self._holds = holds

    def __call__(self) -> Sequence[Mapping[str, Any]]:
        """One entry per hold, of all factories.

        Raises:
            LedgerError: they could not be read.
        """
        return [
            {
                "factory": alias,
                "scope": hold.scope.id,
                "pipeline": hold.scope.pipeline,
                "admissionKey": hold.scope.key,
                "reason": hold.reason,
                "since": hold.since.isoformat(),
                "until": hold.until.isoformat(),
                "by": hold.by,
            }
            for alias, holds in sorted(self._holds.all().items())
            for hold in shown_first(holds)
        ]


def counted_by_hold(rows: Iterable[ActiveRun]) -> Mapping[str, int]:
    """The number of requests that each hold keeps from being started."""
    return Counter(row.held.by for row in rows if row.held is not None)


def for_note(counts: Sequence[tuple[str, Mapping[str, int]]]) -> Mapping[str, Mapping[str, int]]:
    """The counts of a tick, by factory, as many as its note lists."""
    found: dict[str, Counter[str]] = {}
    for alias, count in counts:
        for scope, number in count.items():
            if sum(map(len, found.values())) < MOST_COUNTED:
                found.setdefault(alias, Counter())[scope] += number
    return found


def with_waiting(holds: Sequence[Mapping[str, Any]], ticks: Sequence[Note | None]) -> list[dict[str, Any]]:
    """The holds with the number of requests that waited at the last tick; null where no tick has counted since."""
    notes = [note.value for note in ticks if note is not None and isinstance(note.value.get("at"), str)]
    last = max(notes, key=lambda value: str(value["at"]), default=None)
    counts = None if last is None else last.get(HELD)
    return [
        {
            **{name: value for name, value in each.items() if name != "scope"},
            "waiting": _number(counts, each) if last is not None and last["at"] > each["since"] else None,
        }
        for each in holds
    ]


def _number(counts: object, hold: Mapping[str, Any]) -> int | None:
    if not isinstance(counts, dict):
        return None
    of_factory: object = counts.get(hold["factory"], {})
    number: object = of_factory.get(hold["scope"], 0) if isinstance(of_factory, dict) else None
    return number if isinstance(number, int) else None
