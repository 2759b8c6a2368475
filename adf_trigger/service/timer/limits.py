"""How long a tick, and each part of it, may begin new work."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adf_trigger.settings.schedule import Schedule

TICK_SECONDS = 100.0
"""Maximum seconds in which a tick begins new work, whatever its schedule. Beyond functionTimeout, five minutes in
host.json, the platform kills the worker with every call that runs in it: the rest is for what is under way then and for
what follows a tick, on storage that hangs."""

SHARE_OF_PERIOD = 0.9
"""A tick ends before the next one is due: what it leaves is the first that the next one does."""

LEAST_SECONDS = 5.0
"""Minimum seconds of each part of a tick, however long those before it took, so that none starves."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Until when a tick begins new work.

    Attributes:
        soft: the limit that its schedule sets.
        hard: the limit that the platform sets.
        seconds: the monotonic clock of both.
    """

    soft: float
    hard: float
    seconds: Callable[[], float]

    @classmethod
    def of_tick(cls, schedule: Schedule, begun: datetime, seconds: Callable[[], float]) -> "TimeLimits":
        """The limits of a tick that begins now.

        Args:
            schedule: of the timer: a tick ends before the next one is due, where that leaves it any time.
            begun: the current time, by which the schedule is read.
            seconds: a monotonic clock.
        """
        due = schedule.next_after(begun)
        period = (schedule.next_after(due) - due).total_seconds()
        started = seconds()
        most = min(TICK_SECONDS, max(SHARE_OF_PERIOD * period, 2 * LEAST_SECONDS))
        return cls(started + most, started + TICK_SECONDS, seconds)

    @property
    def are_over(self) -> bool:
        """Whether the time of the schedule is over."""
        return self.seconds() >= self.soft

    def until(self, share: float) -> float:
        """When a part ends that has a share of the time that is left, and at least LEAST_SECONDS."""
        now = self.seconds()
        return min(self.hard, max(now + (self.soft - now) * share, now + LEAST_SECONDS))
