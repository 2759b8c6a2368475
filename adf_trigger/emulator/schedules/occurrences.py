"""When a schedule trigger fires next. Pure functions of a recurrence and an instant.

The rules are those of the article on pipeline execution and triggers and of its examples. Where these are
ambiguous: `endTime` itself is not an occurrence (the fifteen-minute example over an hour has three occurrences
after the start); in a month that lacks the start's day, a recurrence without a schedule uses the month's last day,
and one with a schedule has no occurrence; weeks begin on Sunday, which matters if the interval is not one; a time
that the clocks skip moves forward by as much as they do.
"""

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice

from adf_trigger.emulator.schedules.recurrence import Recurrence

MAX_EMPTY_PERIODS = 20_000
"""Minutes, hours, days, weeks or months that are searched before a schedule counts as never firing."""

_FIXED = {"Minute": timedelta(minutes=1), "Hour": timedelta(hours=1)}


def next_occurrence(recurrence: Recurrence, after: datetime) -> datetime | None:
    """The first occurrence later than an instant, in UTC; None if there is no further one.

    Occurrences in the past are not made up for: pass the current time.

    Args:
        recurrence: of the trigger.
        after: an aware instant. To get an occurrence at the start itself, pass an instant just before it.
    """
    earliest = max(after + timedelta(microseconds=1), recurrence.start)
    try:
        for period in islice(_periods(recurrence, earliest), MAX_EMPTY_PERIODS):
            for occurrence in period:
                if recurrence.end is not None and occurrence >= recurrence.end:
                    return None
                if occurrence >= earliest:
                    return occurrence
    except OverflowError:
        return None  # past the year 9999
    return None


def _periods(recurrence: Recurrence, earliest: datetime) -> Iterator[list[datetime]]:
    """The occurrences of each period in turn, from a period no later than the one that contains `earliest`."""
    if recurrence.frequency in _FIXED:
        return _short_periods(recurrence, earliest)
    return _long_periods(recurrence, earliest)


def _short_periods(recurrence: Recurrence, earliest: datetime) -> Iterator[list[datetime]]:
    """Minutes and hours: of constant length, whatever the clocks of the zone do."""
    step = _FIXED[recurrence.frequency] * recurrence.interval
    # Hours with a schedule of minutes begin at the full hour, not at the start's minute.
    expands = recurrence.frequency == "Hour" and bool(recurrence.minutes)
    local_start = recurrence.start.astimezone(recurrence.zone)
    offset = timedelta(
        minutes=local_start.minute, seconds=local_start.second, microseconds=local_start.microsecond
    )
    first = recurrence.start - offset if expands else recurrence.start
    for number in count(max(0, (earliest - first) // step - 1)):
        begin = first + number * step
        minutes = recurrence.minutes if expands else (0,)
        found = [(begin + timedelta(minutes=minute)).astimezone(recurrence.zone) for minute in minutes]
        yield [
            it.astimezone(UTC)
            for it in found
            if (not recurrence.hours or it.hour in recurrence.hours)
            and (not recurrence.minutes or it.minute in recurrence.minutes)
        ]


def _long_periods(recurrence: Recurrence, earliest: datetime) -> Iterator[list[datetime]]:
    """Days, weeks and months: by the wall clock of the zone."""
    start = recurrence.start.astimezone(recurrence.zone)
    passed = _periods_between(recurrence.frequency, start.date(), earliest.astimezone(recurrence.zone).date())
    for number in count(max(0, passed // recurrence.interval - 1)):
        days = _days(recurrence, start.date(), number * recurrence.interval)
        yield sorted(
            datetime.combine(day, at, tzinfo=recurrence.zone).astimezone(UTC)
            for day in days
            for at in _times(recurrence, start.time())
        )


def _periods_between(frequency: str, start: date, other: date) -> int:
    match frequency:
        case "Day":
            return (other - start).days
        case "Week":
            return (_sunday(other) - _sunday(start)).days // 7
        case _:
            return (other.year - start.year) * 12 + other.month - start.month


def _days(recurrence: Recurrence, start: date, offset: int) -> list[date]:
    """The days of the period that is `offset` days, weeks or months after the start's."""
    match recurrence.frequency:
        case "Day":
            return [start + timedelta(days=offset)]
        case "Week":
            sunday = _sunday(start) + timedelta(weeks=offset)
            weekdays = recurrence.weekdays or (start.weekday(),)
            return [sunday + timedelta(days=(weekday + 1) % 7) for weekday in weekdays]
        case _:
            return _month_days(recurrence, start, offset)


def _month_days(recurrence: Recurrence, start: date, offset: int) -> list[date]:
    months = start.year * 12 + start.month - 1 + offset
    year, month = months // 12, months % 12 + 1
    if year > date.max.year:
        raise OverflowError
    length = calendar.monthrange(year, month)[1]
    if recurrence.month_weekdays:
        numbers = _month_weekdays(recurrence, year, month, length)
    elif recurrence.month_days:
        numbers = {day if day > 0 else length + 1 + day for day in recurrence.month_days}
    else:
        numbers = {start.day if recurrence.has_schedule else min(start.day, length)}
    return [date(year, month, day) for day in sorted(numbers) if 1 <= day <= length]


def _month_weekdays(recurrence: Recurrence, year: int, month: int, length: int) -> set[int]:
    first_weekday = date(year, month, 1).weekday()
    found: set[int] = set()
    for weekday, which in recurrence.month_weekdays:
        days = list(range(1 + (weekday - first_weekday) % 7, length + 1, 7))
        if which is None:
            found.update(days)
        elif -len(days) <= which <= len(days):
            found.add(days[which - 1 if which > 0 else which])
    return found


def _times(recurrence: Recurrence, start: time) -> list[time]:
    """Times of the day. Minutes without hours mean every hour; otherwise missing parts are taken from the start."""
    if not recurrence.hours and not recurrence.minutes:
        return [start]
    hours = recurrence.hours or range(24)
    return [time(hour, minute) for hour in hours for minute in recurrence.minutes or (start.minute,)]


def _sunday(day: date) -> date:
    return day - timedelta(days=(day.weekday() + 1) % 7)
