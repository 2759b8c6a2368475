"""Whether a timer has missed an occurrence while no host was looking."""

from dataclasses import dataclass
from datetime import UTC, datetime

from adf_trigger.functions_host.timers.ncrontab import Schedule
from adf_trigger.functions_host.timers.ports import NEVER, ScheduleStatus

FOREVER = datetime.max.replace(tzinfo=UTC)
"""The next occurrence of a schedule that has none."""


@dataclass(frozen=True, slots=True)
class Startup:
    """What a timer starts with.

    Attributes:
        status: its status.
        changed: whether that must be saved: there was none, or the schedule is another than it was.
        past_due: whether an occurrence was missed; however many were, the function runs once for them.
    """

    status: ScheduleStatus
    changed: bool
    past_due: bool


def upcoming(schedule: Schedule, instant: datetime) -> datetime:
    """The next occurrence after an instant."""
    return schedule.next_after(instant) or FOREVER


def on_startup(schedule: Schedule, saved: ScheduleStatus | None, now: datetime) -> Startup:
    """Reckon a timer's start from what was saved, as the platform's schedule monitor does.

    Args:
        schedule: as it is now.
        saved: the status in storage; None for a timer that never had one.
        now: the current time.
    """
    if saved is None:
        status = ScheduleStatus(last=NEVER, next=upcoming(schedule, now), last_updated=now)
        return Startup(status, changed=True, past_due=False)
    basis = next((instant for instant in (saved.last, saved.last_updated) if instant != NEVER), now)
    expected = upcoming(schedule, basis)
    if saved.next == expected:
        return Startup(saved, changed=False, past_due=now > saved.next)
    # The schedule is not the one that the status was reckoned with, so nothing of the new one was missed.
    if now > expected:
        basis, expected = now, upcoming(schedule, now)
    status = ScheduleStatus(last=NEVER, next=expected, last_updated=basis)
    return Startup(status, changed=True, past_due=now > expected)


def after_run(
    schedule: Schedule, status: ScheduleStatus, ran_at: datetime, *, on_schedule: bool
) -> ScheduleStatus:
    """The status once the function has returned.

    Args:
        schedule: the timer's.
        status: before the run.
        ran_at: when the run began.
        on_schedule: whether the schedule caused it; if so and it began a little early, as clocks may have it,
            it counts as on time, so that the same occurrence does not come twice.
    """
    basis = max(ran_at, status.next) if on_schedule else ran_at
    return ScheduleStatus(last=basis, next=upcoming(schedule, basis), last_updated=basis)
