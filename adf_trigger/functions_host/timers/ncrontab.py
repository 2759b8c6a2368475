"""NCRONTAB expressions: `{second} {minute} {hour} {day} {month} {day of week}`, in UTC.

The platform parses them with the .NET library NCrontab, whose behaviour is kept: both day fields must match (cron
accepts either); names may be abbreviated and have any case (`Jan`, `MONDAY`, `tu`), and the first match counts;
Sunday is 0, and 7 is invalid; `a-b` may run backwards and means the same as `b-a`; `n/step` counts from n to
the field's end, and a step below 1 counts as 1. With five fields the second is 0. croniter, the usual library,
differs in each of these. Any other expression may be a .NET TimeSpan, `hh:mm:ss` or a number of days.
"""

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta

from adf_trigger.functions_host.common.host_json import parse_timespan

_MONTHS = "january february march april may june july august september october november december"
_DAYS = "sunday monday tuesday wednesday thursday friday saturday"
_WITH_SECONDS, _WITHOUT_SECONDS = 6, 5
_CALENDAR_REPEATS_YEARS = 400
_ITEM = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(-?\d+))?")
_DAYS_ONLY = re.compile(r"\d{1,7}")


class InvalidSchedule(ValueError):
    """The expression is not NCRONTAB."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One field: its limits, and the names of its values."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    def parse(self, text: str) -> tuple[int, ...]:
        """The values of a field's text, in order."""
        return tuple(sorted({value for item in text.split(",") for value in self._item(item)}))

    def _item(self, text: str) -> range:
        match = _ITEM.fullmatch(text)
        if match is None or (match[1] == "*" and match[2]):
            raise InvalidSchedule(f"{text!r} is not a value of the field {self.name}")
        first, last, every = match.groups()
        step = max(1, int(every or 1))
        if first == "*":
            return range(self.low, self.high + 1, step)
        low = self._value(first)
        if last is not None:
            low, high = sorted((low, self._value(last)))
        else:
            high = self.high if every else low
        return range(low, high + 1, step)

    def _value(self, text: str) -> int:
        if text.isascii() and text.isdigit():
            if not self.low <= int(text) <= self.high:
                raise InvalidSchedule(f"{text} is not within {self.low}-{self.high}, as {self.name} must be")
            return int(text)
        for offset, name in enumerate(self.names):
            if name.startswith(text.lower()):
                return self.low + offset
        raise InvalidSchedule(f"{text!r} is not a value of the field {self.name}")


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS.split())),
    _Field("day of week", 0, 6, tuple(_DAYS.split())),
)


class Schedule:
    """When a timer fires.

    Args:
        expression: NCRONTAB of six fields, or of five without the second; or a TimeSpan.

    Raises:
        InvalidSchedule: it is neither; with the platform's own sentence.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._every = _timespan(expression)
        if self._every is not None:
            return
        try:
            values = _parsed(expression)
        except InvalidSchedule as exc:
            raise InvalidSchedule(
                f"The schedule expression '{expression}' was not recognized as a valid cron expression or "
                "timespan string."
            ) from exc
        self._seconds, self._minutes, self._hours, self._days, self._months, self._weekdays = values

    @property
    def more_than_once_a_minute(self) -> bool:
        """Whether the schedule is too frequent for the platform to store its status.

        It is if only the second is restricted, and to more than one value, and with a TimeSpan below a minute.
        """
        if self._every is not None:
            return self._every < timedelta(minutes=1)
        above = (self._minutes, self._hours, self._days, self._months, self._weekdays)
        unrestricted = all(
            len(values) == field.size for values, field in zip(above, _FIELDS[1:], strict=True)
        )
        return unrestricted and len(self._seconds) > 1

    def next_after(self, instant: datetime) -> datetime | None:
        """The first occurrence after an instant; None if there is none, as for the 30th of February.

        Args:
            instant: aware; its fraction of a second is dropped, as in the platform's library. A TimeSpan counts
                from it.
        """
        if self._every is not None:
            return instant.astimezone(UTC) + self._every
        start = instant.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        for day in self._dates_from(start.date()):
            floor = start.time() if day == start.date() else time.min
            if (found := self._time_from(floor)) is not None:
                return datetime.combine(day, found, UTC)
        return None

    def _dates_from(self, first: date) -> Iterator[date]:
        for year in range(first.year, min(first.year + _CALENDAR_REPEATS_YEARS, MAXYEAR) + 1):
            for month in self._months:
                last = monthrange(year, month)[1]
                for day in (date(year, month, number) for number in self._days if number <= last):
                    if day >= first and day.isoweekday() % 7 in self._weekdays:
                        yield day

    def _time_from(self, floor: time) -> time | None:
        for hour in self._hours[bisect_left(self._hours, floor.hour) :]:
            within = floor if hour == floor.hour else time(hour)
            for minute in self._minutes[bisect_left(self._minutes, within.minute) :]:
                second = within.second if minute == within.minute else 0
                if (index := bisect_left(self._seconds, second)) < len(self._seconds):
                    return time(hour, minute, self._seconds[index])
        return None


def _parsed(expression: str) -> list[tuple[int, ...]]:
    parts = [part for part in expression.split(" ") if part]
    if len(parts) == _WITHOUT_SECONDS:
        parts.insert(0, "0")
    if len(parts) != _WITH_SECONDS:
        raise InvalidSchedule(f"{len(parts)} fields, not six")
    return [field.parse(part) for field, part in zip(_FIELDS, parts, strict=True)]


def _timespan(expression: str) -> timedelta | None:
    """The expression as a TimeSpan; None if it is not one, or is zero."""
    text = expression.strip()
    if _DAYS_ONLY.fullmatch(text):
        return timedelta(days=int(text)) or None
    try:
        seconds = parse_timespan(text)
    except ValueError:
        return None
    return timedelta(seconds=seconds) or None
