"""Parses and checks the recurrence of a schedule trigger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from adf_trigger.emulator.expressions.runtime.zones import find_zone

FREQUENCIES = ("Minute", "Hour", "Day", "Week", "Month")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MAX_INTERVAL = 1000


class RecurrenceError(Exception):
    """A recurrence is invalid; the message is for the trigger's author."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """When a trigger fires.

    Attributes:
        frequency: one of FREQUENCIES.
        interval: number of minutes, hours, etc. between occurrences, from 1.
        start: aware; no occurrence is before it.
        end: aware; every occurrence is before it.
        zone: the time zone of all wall-clock times.
        minutes: minutes of the hour, sorted; empty if not given. The same holds for the following.
        hours: hours of the day.
        weekdays: 0 for Monday.
        month_days: from 1, or from -1 backwards.
        month_weekdays: weekday and its number in the month, from 1, or from -1 backwards; None for every one.
    """

    frequency: str
    interval: int
    start: datetime
    end: datetime | None
    zone: ZoneInfo
    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    month_weekdays: tuple[tuple[int, int | None], ...] = ()

    @property
    def has_schedule(self) -> bool:
        """Whether there is a schedule in addition to frequency and interval."""
        return any((self.minutes, self.hours, self.weekdays, self.month_days, self.month_weekdays))


def read_recurrence(written: Mapping[str, Any], *, created: datetime) -> Recurrence:
    """Read `typeProperties.recurrence` of a ScheduleTrigger.

    Args:
        written: frequency, interval, startTime, endTime, timeZone, schedule. Times without an offset are
            in timeZone, a Windows or IANA name (default: UTC).
        created: default of startTime.

    Raises:
        RecurrenceError: a value is missing, out of bounds, or not allowed with the frequency.
    """
    frequency = _one_of(FREQUENCIES, written.get("frequency"), "frequency")
    zone = find_zone(str(written.get("timeZone") or "UTC"))
    if zone is None:
        raise RecurrenceError(f"The time zone '{written.get('timeZone')}' is not known.")
    schedule = written.get("schedule") or {}
    if schedule.get("weekDays") and frequency != "Week":
        raise RecurrenceError("weekDays can be given only with a frequency of Week.")
    if (schedule.get("monthDays") or schedule.get("monthlyOccurrences")) and frequency != "Month":
        raise RecurrenceError("monthDays and monthlyOccurrences can be given only with a frequency of Month.")
    if schedule.get("monthDays") and schedule.get("monthlyOccurrences"):
        raise RecurrenceError("monthDays and monthlyOccurrences cannot be given together.")
    return Recurrence(
        frequency=frequency,
        interval=_whole(written.get("interval", 1), "interval", range(1, MAX_INTERVAL + 1)),
        start=_time(written.get("startTime"), "startTime", zone) or created,
        end=_time(written.get("endTime"), "endTime", zone),
        zone=zone,
        minutes=_numbers(schedule, "minutes", range(60)),
        hours=_numbers(schedule, "hours", range(24)),
        weekdays=tuple(sorted({_weekday(day) for day in _as_list(schedule.get("weekDays"))})),
        month_days=_numbers(schedule, "monthDays", (*range(-31, 0), *range(1, 32))),
        month_weekdays=tuple(_occurrence(it) for it in _as_list(schedule.get("monthlyOccurrences"))),
    )


def _occurrence(written: Mapping[str, Any]) -> tuple[int, int | None]:
    weekday = _weekday(written.get("day"))
    if written.get("occurrence") is None:
        return weekday, None
    return weekday, _whole(written["occurrence"], "occurrence", (*range(-5, 0), *range(1, 6)))


def _weekday(written: Any) -> int:
    return WEEKDAYS.index(_one_of(WEEKDAYS, written, "day of the week"))


def _one_of(known: tuple[str, ...], written: Any, what: str) -> str:
    for name in known:
        if str(written).casefold() == name.casefold():
            return name
    raise RecurrenceError(f"The {what} '{written}' is not one of {', '.join(known)}.")


def _numbers(schedule: Mapping[str, Any], key: str, allowed: range | tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted({_whole(number, key, allowed) for number in _as_list(schedule.get(key))}))


def _whole(written: Any, what: str, allowed: range | tuple[int, ...]) -> int:
    if isinstance(written, bool) or not isinstance(written, int | str) or not _is_number(written):
        raise RecurrenceError(f"The value {written!r} of {what} is not a whole number.")
    if int(written) not in allowed:
        raise RecurrenceError(f"The value {written} of {what} is out of bounds.")
    return int(written)


def _is_number(written: int | str) -> bool:
    return isinstance(written, int) or written.lstrip("-").isdecimal()


def _as_list(written: Any) -> list[Any]:
    if written is None:
        return []
    return written if isinstance(written, list) else [written]


def _time(written: Any, what: str, zone: ZoneInfo) -> datetime | None:
    if not written:
        return None
    try:
        instant = datetime.fromisoformat(str(written))
    except ValueError as exc:
        raise RecurrenceError(f"The {what} '{written}' is not an ISO 8601 time.") from exc
    return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)
