"""Whether a timer has missed an occurrence while no host was running."""

from dataclasses import dataclass
from datetime import UTC, datetime

from adf_trigger.functions_host.timers.ncrontab import Schedule
from adf_trigger.functions_host.timers.ports import NEVER, ScheduleStatus

FOREVER = datetime.max.replace(tzinfo=UTC)
"""The next occurrence of a schedule that has none."""


@dataclass(frozen=True, slots=True)
class Startup:
    """The state of a timer at its start.

    Attributes:
        status: its status.
        changed: whether the status must be saved: there was none, or the schedule has changed.
        past_due: whether an occurrence was missed; the function runs once for any number of them.
    """

    status: ScheduleStatus
    changed: bool
    past_due: bool


def upcoming(schedule: Schedule, instant: datetime) -> datetime:
    """The next occurrence after an instant."""
    return schedule.next_after(instant) or FOREVER


def on_startup(schedule: Schedule, saved: ScheduleStatus | None, now: datetime) -> Startup:
    """Compute a timer's start from the saved status, as the platform's schedule monitor does.

    Args:
        schedule: the current one.
        saved: the status in storage; None for a new timer.
        now: the current time.
    """
    if saved is None:
        status = ScheduleStatus(last=NEVER, next=upcoming(schedule, now), last_updated=now)
        return Startup(status, changed=True, past_due=False)
    basis = next((instant for instant in (saved.last, saved.last_updated) if instant != NEVER), now)
    expected = upcoming(schedule, basis)
    if saved.next == expected:
        return Startup(saved, changed=False, past_due=now > saved.next)
    # The status was computed with another schedule, so no occurrence of the current one was missed.
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
        on_schedule: whether the schedule caused it; if so, a run that began slightly early, as clocks may cause,
            counts as on time, so that the same occurrence does not fire twice.
    """
    basis = max(ran_at, status.next) if on_schedule else ran_at
    return ScheduleStatus(last=basis, next=upcoming(schedule, basis), last_updated=basis)
