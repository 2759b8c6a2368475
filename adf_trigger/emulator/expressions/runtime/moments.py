"""Points in time like .NET's DateTime: ticks of 100 nanoseconds and a kind, parsed from text."""

import enum
import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

TICKS_PER_SECOND: Final = 10_000_000
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST_DAY: Final = datetime(1, 1, 1)  # noqa: DTZ001 - the wall clock of a Moment has its zone in `kind`
_MAX_TICKS: Final = 3_155_378_975_999_999_999
_LAST_YEAR: Final = 9999

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_TIME: Final = (
    r"(?:(?:\s*T|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,30}))?)?"
    r"(?:\s*(?P<half>[AP]M))?)?"
)
_ZONE: Final = r"\s*(?P<zone>Z|GMT|[+-]\d{1,2}(?::?\d{2})?)?"
_WEEKDAY: Final = r"(?:(?P<weekday>[A-Z]{3,9}),?\s+)?"
_LAYOUTS: Final = tuple(
    re.compile(rf"\s*{date}{_TIME}{_ZONE}\s*", re.IGNORECASE | re.ASCII)
    for date in (
        r"(?P<year>\d{4})[-/](?P<month>\d{1,2})(?:[-/](?P<day>\d{1,2}))?",
        r"(?P<month>\d{1,2})[-/](?P<day>\d{1,2})[-/](?P<year>\d{4})",
        rf"{_WEEKDAY}(?P<name>[A-Z]{{3,9}})\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})",
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})[\s-]+(?P<name>[A-Z]{{3,9}})[\s-]+(?P<year>\d{{4}})",
    )
)
"""Formats that DateTime.Parse accepts under en-US: ISO 8601 and similar, month first, and months by name."""


class Kind(enum.Enum):
    """DateTime.Kind; the service's local time zone is UTC, so LOCAL is UTC written with an offset."""

    UTC = "Z"
    LOCAL = "+00:00"
    UNSPECIFIED = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A DateTime.

    Attributes:
        ticks: of 100 ns since 0001-01-01T00:00:00.
        kind: the zone according to the parsed text.
    """

    ticks: int
    kind: Kind

    @classmethod
    def of(cls, instant: datetime) -> "Moment":
        """An aware instant, in UTC."""
        return cls.of_wall_clock(
            instant.replace(tzinfo=None) - (instant.utcoffset() or timedelta()), Kind.UTC
        )

    @classmethod
    def of_wall_clock(cls, wall_clock: datetime, kind: Kind) -> "Moment":
        """A naive date and time."""
        return cls((wall_clock - _FIRST_DAY) // _MICROSECOND * 10, kind)

    @property
    def wall_clock(self) -> datetime:
        """As a naive datetime, to the microsecond."""
        return _FIRST_DAY + timedelta(microseconds=self.ticks // 10)

    def plus_ticks(self, ticks: int) -> "Moment":
        """Moved by ticks.

        Raises:
            OverflowError: that is before the year 1 or after 9999.
        """
        moved = self.ticks + ticks
        if not 0 <= moved <= _MAX_TICKS:
            raise OverflowError("the date is out of range")
        return replace(self, ticks=moved)

    def plus_months(self, months: int) -> "Moment":
        """Moved by months; the day is limited to the month's last.

        Raises:
            OverflowError: that is before the year 1 or after 9999.
        """
        start = self.wall_clock
        year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
        if not 1 <= year <= _LAST_YEAR:
            raise OverflowError("the date is out of range")
        day = min(start.day, monthrange(year, month0 + 1)[1])
        moved = start.replace(year=year, month=month0 + 1, day=day)
        return self.plus_ticks((moved - start) // _MICROSECOND * 10)


def parse(text: str) -> Moment | None:
    """The moment that a text names, or None if DateTime.Parse would reject it.

    A text with `Z` is UTC, one with an offset is LOCAL, converted to UTC, and one with neither is UNSPECIFIED.
    """
    for layout in _LAYOUTS:
        if found := layout.fullmatch(text):
            try:
                return _moment(found)
            except (ValueError, OverflowError):
                return None
    return None


def _moment(found: re.Match[str]) -> Moment:
    parts = found.groupdict()
    wall_clock = datetime(  # noqa: DTZ001 - the zone is applied below, as ticks and kind
        int(parts["year"]),
        _month(parts["name"]) if parts.get("name") else int(parts["month"]),
        int(parts["day"] or 1),
        _hour(int(parts["hour"] or 0), parts["half"]),
        int(parts["minute"] or 0),
        int(parts["second"] or 0),
    )
    if parts.get("weekday") and not _names(parts["weekday"], DAYS[wall_clock.weekday()]):
        raise ValueError("the day of the week does not match the date")
    moment = Moment.of_wall_clock(wall_clock, Kind.UNSPECIFIED).plus_ticks(_fraction(parts["fraction"]))
    match parts["zone"]:
        case None:
            return moment
        case "Z" | "z":
            return replace(moment, kind=Kind.UTC)
        case zone:
            return replace(moment.plus_ticks(-_offset(zone)), kind=Kind.LOCAL)


def _month(name: str) -> int:
    for number, month in enumerate(MONTHS, start=1):
        if _names(name, month):
            return number
    raise ValueError("no such month")


def _names(text: str, name: str) -> bool:
    return text.lower() in {name.lower(), name[:3].lower()}


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:  # noqa: PLR2004 - a clock with two halves
        raise ValueError("no such hour")
    return hour % 12 + (12 if half.lower() == "pm" else 0)


def _fraction(digits: str | None) -> int:
    """Ticks of a fraction of a second, rounded to the nearest."""
    if not digits:
        return 0
    scale: int = 10 ** len(digits)
    return (int(digits) * TICKS_PER_SECOND * 2 + scale) // (2 * scale)


def _offset(zone: str) -> int:
    if zone.lower() == "gmt":
        return 0
    hours, minutes = zone[1:].split(":") if ":" in zone else (zone[1:3], zone[3:])
    seconds = int(hours) * 3600 + int(minutes or 0) * 60
    if seconds > 14 * 3600:
        raise ValueError("no such offset")
    return (-seconds if zone[0] == "-" else seconds) * TICKS_PER_SECOND
