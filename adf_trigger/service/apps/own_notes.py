"""The notes that each app keeps for itself, where several apps share one ledger table."""

from collections.abc import Sequence
from typing import Any

from adf_trigger.ledger.notes import APP_SCOPE, Note, Notes

HEALTH_NOTE = "health"
"""The app's report of its components."""

TICK_NOTE = "tick"
"""The app's note of the timer's last complete tick."""

FALLBACK_NOTE = "stand-in"
"""The app's note of the last tick that another function ran because the timer's was overdue."""

OWN = frozenset({HEALTH_NOTE, FALLBACK_NOTE, TICK_NOTE})
"""Notes that an app writes about itself: another app's ticks must not hide a timer that has stopped."""


def own_names(mark: str) -> Sequence[str]:
    """The names under which the ledger keeps the own notes of an app."""
    return [f"{name}|{mark}" for name in sorted(OWN)]


class OwnNotes:
    """The notes of the ledger, an app's own ones under its mark.

    Args:
        notes: of the ledger.
        mark: distinguishes this app from others on the same ledger.
    """

    def __init__(self, notes: Notes, mark: str) -> None:
        self._notes = notes
        self._mark = mark

    def get(self, scope: str, name: str) -> Note | None:
        """See Notes."""
        return self._notes.get(scope, self._own(scope, name))

    def put(
        self,
        scope: str,
        name: str,
        value: dict[str, Any],
        etag: str | None = None,
        *,
        secret: str | None = None,
    ) -> Note:
        """See Notes."""
        return self._notes.put(scope, self._own(scope, name), value, etag, secret=secret)

    def named(self, scope: str, prefix: str = "") -> Sequence[Note]:
        """See Notes. An app's own notes are found only by their full names."""
        return self._notes.named(scope, prefix)

    def remove(self, scope: str, name: str, etag: str | None = None) -> None:
        """See Notes."""
        self._notes.remove(scope, self._own(scope, name), etag)

    def _own(self, scope: str, name: str) -> str:
        return f"{name}|{self._mark}" if scope == APP_SCOPE and name in OWN else name
