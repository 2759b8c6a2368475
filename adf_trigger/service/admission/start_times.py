"""When a request may be taken up, and until when it may be started."""

from datetime import timedelta

from adf_trigger.clock import Clock
from adf_trigger.ledger.records import ActiveRun, RunRecord
from adf_trigger.service.calls.throttling import LONGEST_THROTTLED_WAIT
from adf_trigger.service.elapsed import Leases, bounded
from adf_trigger.service.holds.hold import Holds

LONGEST_WAIT = LONGEST_THROTTLED_WAIT
"""Maximum postponement of a request: an instant that is further ahead was written by a wrong clock."""


class StartTimes:
    """Judges unstarted requests by their leases, their waits and the deadline.

    Args:
        clock: returns the current time.
        leases: which requests are leased to another process.
        deadline: how long an accepted request may wait to be started.
    """

    def __init__(self, clock: Clock, leases: Leases, *, deadline: timedelta) -> None:
        self._clock = clock
        self._leases = leases
        self._deadline = deadline

    def is_free(self, row: ActiveRun | RunRecord) -> bool:
        """Whether no other process holds the request's lease."""
        return self._leases.is_over(row)

    def is_due(self, row: ActiveRun | RunRecord) -> bool:
        """Whether it may be taken up now."""
        now = self._clock()
        waits = row.not_before is not None and bounded(row.not_before, now, LONGEST_WAIT) > now
        return self.is_free(row) and not waits

    def is_too_late(self, row: ActiveRun | RunRecord, holds: Holds) -> bool:
        """Whether its start deadline has passed. Time in which it is or was held does not count."""
        now = self._clock()
        waited = now - (row.resubmitted_at or row.requested_at) - timedelta(seconds=row.held_seconds)
        if row.held is not None:
            waited -= (now if holds.keep(row.held) else holds.end_of(row.held, now)) - row.held.since
        return waited > self._deadline
