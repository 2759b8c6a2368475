"""The timer's schedule: checked before the platform sees it, and used to compute when the timer is due.

The platform takes NCRONTAB: `{second} {minute} {hour} {day} {month} {day of week}`, in UTC. It puts a function whose
schedule it cannot read in error, and silently never runs one whose date does not exist; five fields mean second 0,
which is once a minute at most. This service requires all six.
"""

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta

MISSED = 4
"""The timer counts as stopped after this many missed occurrences and GRACE: a host that takes over from one that was
killed waits up to two minutes for the timer's lock, and was measured to need a minute and a half."""
GRACE = timedelta(seconds=30)

_FIELD_COUNT = 6
_CALENDAR_REPEATS_YEARS = 400
_ITEM = re.compile(
    r"(?P<first>\*|[A-Za-z]+|[0-9]{1,2})(?:-(?P<last>[A-Za-z]+|[0-9]{1,2}))?(?:/(?P<step>[0-9]{1,2}))?"
)
_FORM = "six NCRONTAB fields: second minute hour day month day-of-week"


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def values(self, text: str) -> tuple[int, ...]:
        return tuple(sorted({value for item in text.split(",") for value in self._item(item)}))

    def _item(self, item: str) -> range:
        match = _ITEM.fullmatch(item)
        if match is None or (match["first"] == "*" and match["last"]) or match["step"] in ("0", "00"):
            raise ValueError(f"the field {self.name} cannot be read")
        step = int(match["step"] or 1)
        if match["first"] == "*":
            return range(self.low, self.high + 1, step)
        first = self._value(match["first"])
        if match["last"] is not None:
            first, last = sorted((first, self._value(match["last"])))
        else:
            last = self.high if match["step"] else first
        return range(first, last + 1, step)

    def _value(self, text: str) -> int:
        if text.isdigit():
            if not self.low <= int(text) <= self.high:
                raise ValueError(f"the field {self.name} has values from {self.low} to {self.high}")
            return int(text)
        # The platform's library takes the first name with this prefix.
        for offset, name in enumerate(self.names):
            if name.startswith(text.lower()):
                return self.low + offset
        raise ValueError(f"the field {self.name} cannot be read")


_MONTHS = ("january", "february", "march", "april", "may", "june", "july")
_MORE_MONTHS = ("august", "september", "october", "november", "december")
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS + _MORE_MONTHS),
    _Field("day of week", 0, 6, _DAYS),
)


class Schedule:
    """When the timer is due.

    Args:
        expression: six NCRONTAB fields, in UTC.

    Raises:
        ValueError: it is malformed, or no such day exists; the text says what is wrong.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        parts = expression.strip(" ").split(" ")
        parts = [part for part in parts if part]
        if len(parts) != _FIELD_COUNT or re.search(r"[^\S ]", expression):
            raise ValueError(f"must be {_FORM}")
        try:
            sets = [field.values(part) for field, part in zip(_FIELDS, parts, strict=True)]
        except ValueError as exc:
            raise ValueError(f"must be {_FORM}; {exc}") from exc
        self._seconds, self._minutes, self._hours, self._days, self._months, self._weekdays = sets
        if next(self._dates_from(date(2000, 1, 1)), None) is None:
            raise ValueError("names a day that exists in no year, so the timer would never run")

    def next_after(self, instant: datetime) -> datetime:
        """The first time the timer is due after an aware instant."""
        start = instant.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        for day in self._dates_from(start.date()):
            found = self._time_from(start.time() if day == start.date() else time.min)
            if found is not None:
                return datetime.combine(day, found, UTC)
        raise OverflowError("the calendar ends before the timer is due")

    def due_after(self, instant: datetime, times: int) -> datetime:
        """When the timer is due for the n-th time after an instant."""
        for _ in range(times):
            instant = self.next_after(instant)
        return instant

    def is_missed(self, last: datetime, now: datetime, *, spent: float = 0.0) -> bool:
        """Whether work of the timer that was last done at an instant has been missed for several periods.

        Args:
            last: when it was done.
            now: the current time.
            spent: seconds that it took; the next one may take twice as long.
        """
        return now > self.missed_from(last, spent=spent)

    def missed_from(self, last: datetime, *, spent: float = 0.0) -> datetime:
        """The time from which work that was last done at an instant counts as missed; see `is_missed`."""
        return self.due_after(last, MISSED) + max(GRACE, timedelta(seconds=2 * spent))

    def _dates_from(self, first: date) -> Iterator[date]:
        for year in range(first.year, min(first.year + _CALENDAR_REPEATS_YEARS, MAXYEAR) + 1):
            for month in self._months[bisect_left(self._months, first.month) if year == first.year else 0 :]:
                within = first.day if (year, month) == (first.year, first.month) else 1
                last = monthrange(year, month)[1]
                for number in self._days[bisect_left(self._days, within) :]:
                    if number > last:
                        break
                    day = date(year, month, number)
                    if day.isoweekday() % 7 in self._weekdays:
                        yield day

    def _time_from(self, floor: time) -> time | None:
        for hour in self._hours[bisect_left(self._hours, floor.hour) :]:
            within = floor if hour == floor.hour else time(hour)
            for minute in self._minutes[bisect_left(self._minutes, within.minute) :]:
                second = within.second if minute == within.minute else 0
                index = bisect_left(self._seconds, second)
                if index < len(self._seconds):
                    return time(hour, minute, self._seconds[index])
        return None
