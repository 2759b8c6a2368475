"""Round-robin over runs that no list has shown for a long time: chooses the ones to read by id next."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.ledger.notes import Notes
from adf_trigger.ledger.records import ActiveRun
from adf_trigger.service.elapsed import CLOCKS_APART
from adf_trigger.service.steps import Steps

NEVER = datetime.min.replace(tzinfo=UTC)

NOTE = "sweep"
"""Name of the note that holds the position of a factory's sweep: the run that was read last."""


class Sweeper:
    """Chooses a few runs of a factory per tick, in turn. Its position is one row, so that an idle run costs no write.

    Args:
        notes: where the position in each factory is kept.
        clock: returns the current time.
        steps: surrounds each write.
        stale_after: how long a run must have been unseen to take part.
    """

    def __init__(self, notes: Notes, clock: Clock, steps: Steps, *, stale_after: timedelta) -> None:
        self._notes = notes
        self._clock = clock
        self._steps = steps
        self._stale_after = stale_after

    def next_of(self, factory: str, rows: Sequence[ActiveRun], calls: int) -> Sequence[ActiveRun]:
        """The next `calls` rows of those that are due; the position advances past them.

        Args:
            factory: its resource id.
            rows: the started runs, in order of arrival.
            calls: how many may be read.

        Raises:
            LedgerError: the position could not be read or written.
        """
        now = self._clock()
        due = [row for row in rows if now - _last_seen(row, now) >= self._stale_after]
        if not due or calls <= 0:
            return []
        note = self._notes.get(factory, NOTE)
        position = note.value.get("after") if note is not None else None
        rest = [row for row in due if _position(row) > position] if isinstance(position, str) else due
        turn = (
            [*rest, *(row for row in due if row not in rest)][:calls] if len(rest) < calls else rest[:calls]
        )
        with self._steps("sweep.save"):
            self._notes.put(factory, NOTE, {"after": _position(turn[-1])})
        return turn


def _position(row: ActiveRun) -> str:
    """Sort key of rows: by arrival, then by request id."""
    return f"{row.requested_at.isoformat(timespec='microseconds')}|{row.request_id}"


def _last_seen(row: ActiveRun, now: datetime) -> datetime:
    """When it was last seen; a time in the future was written by a clock ahead of ours, and is ignored."""
    instants = (row.last_seen_at, row.sent_at, row.requested_at)
    return next((each for each in instants if each is not None and each <= now + CLOCKS_APART), NEVER)
