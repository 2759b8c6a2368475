"""Date functions, from text to text; the default format is the round-trip one, `o`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from adf_trigger.emulator.expressions.functions.arguments import (
    FIRST,
    ONLY,
    SECOND,
    THIRD,
    integer,
    text,
    wrong_type,
)
from adf_trigger.emulator.expressions.runtime.errors import ArgumentError
from adf_trigger.emulator.expressions.runtime.formats import ROUND_TRIP, format_moment
from adf_trigger.emulator.expressions.runtime.moments import TICKS_PER_SECOND, Kind, Moment, parse
from adf_trigger.emulator.expressions.runtime.scope import Scope
from adf_trigger.emulator.expressions.runtime.zones import find_zone, from_utc, is_utc, to_utc

_IN_FUNCTION: Final = "In function '{}', "
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_MONTHS: Final = {"month": 1, "year": 12}


def utc_now(scope: Scope, layout: Any = ROUND_TRIP) -> str:
    """The current time, in UTC."""
    return _written(Moment.of(scope.clock()), layout)


def format_date_time(timestamp: Any, layout: Any = ROUND_TRIP) -> str:
    """A timestamp in another format."""
    return _written(_moment(timestamp), layout)


def adder(unit: str) -> Callable[..., str]:
    """addDays, addHours, addMinutes or addSeconds."""

    def add(timestamp: Any, count: Any, layout: Any = ROUND_TRIP) -> str:
        return _written(_shifted(_moment(timestamp), integer(count, SECOND), unit), layout)

    return add


def add_to_time(timestamp: Any, interval: Any, unit: Any, layout: Any = ROUND_TRIP) -> str:
    """A timestamp moved by a number of units."""
    return _written(_shifted(_moment(timestamp), integer(interval, SECOND), text(unit, THIRD)), layout)


def subtract_from_time(timestamp: Any, interval: Any, unit: Any, layout: Any = ROUND_TRIP) -> str:
    """A timestamp moved back by a number of units."""
    return _written(_shifted(_moment(timestamp), -integer(interval, SECOND), text(unit, THIRD)), layout)


def get_future_time(scope: Scope, interval: Any, unit: Any, layout: Any = ROUND_TRIP) -> str:
    """The current time moved by a number of units."""
    now = Moment.of(scope.clock())
    return _written(_shifted(now, integer(interval, FIRST), text(unit, SECOND)), layout)


def get_past_time(scope: Scope, interval: Any, unit: Any, layout: Any = ROUND_TRIP) -> str:
    """The current time moved back by a number of units."""
    now = Moment.of(scope.clock())
    return _written(_shifted(now, -integer(interval, FIRST), text(unit, SECOND)), layout)


def start_of(cut: Callable[[datetime], datetime]) -> Callable[..., str]:
    """startOfDay, startOfHour or startOfMonth, which apply `cut` to the wall clock."""

    def start(timestamp: Any, layout: Any = ROUND_TRIP) -> str:
        moment = _moment(timestamp)
        return _written(Moment.of_wall_clock(cut(moment.wall_clock), moment.kind), layout)

    return start


def to_day(at: datetime) -> datetime:
    """The start of the day."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def to_hour(at: datetime) -> datetime:
    """The start of the hour."""
    return at.replace(minute=0, second=0, microsecond=0)


def to_month(at: datetime) -> datetime:
    """The start of the month."""
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def day_of_month(timestamp: Any) -> int:
    """1 to 31."""
    return _moment(timestamp, ONLY).wall_clock.day


def day_of_week(timestamp: Any) -> int:
    """Sunday is 0."""
    return _moment(timestamp, ONLY).wall_clock.isoweekday() % 7


def day_of_year(timestamp: Any) -> int:
    """1 to 366."""
    return _moment(timestamp, ONLY).wall_clock.timetuple().tm_yday


def ticks(timestamp: Any) -> int:
    """Units of 100 ns since the year 1."""
    return _moment(timestamp, ONLY).ticks


def convert_from_utc(timestamp: Any, target: Any, layout: Any = ROUND_TRIP) -> str:
    """A UTC timestamp converted to a time zone's wall clock."""
    moment, zone = _moment(timestamp), _zone(target, SECOND)
    return _written(_in_range(lambda: from_utc(moment, zone)), layout)


def convert_to_utc(timestamp: Any, source: Any, layout: Any = ROUND_TRIP) -> str:
    """A time zone's wall clock converted to UTC."""
    return _written(_utc(_moment(timestamp), source), layout)


def convert_time_zone(timestamp: Any, source: Any, target: Any, layout: Any = ROUND_TRIP) -> str:
    """One time zone's wall clock converted to another's."""
    moment, zone = _utc(_moment(timestamp), source), _zone(target, THIRD)
    return _written(_in_range(lambda: from_utc(moment, zone)), layout)


def _moment(timestamp: Any, position: str = FIRST) -> Moment:
    if not isinstance(timestamp, str):
        raise wrong_type(position, "a string that contains the time", timestamp)
    moment = parse(timestamp)
    if moment is None:
        raise ArgumentError(
            f"the value provided for date time string '{timestamp}' was not valid. "
            "The datetime string must match ISO 8601 format.",
            opening=_IN_FUNCTION,
        )
    return moment


def _written(moment: Moment, layout: Any) -> str:
    if not isinstance(layout, str):
        raise ArgumentError("expects its format parameter to be a string.")
    try:
        return format_moment(moment, layout)
    except ValueError as exc:
        raise ArgumentError(
            f"the value provided for date time format '{layout}' was not valid. "
            "The datetime format string must be a standard or custom .NET one.",
            opening=_IN_FUNCTION,
        ) from exc


def _shifted(moment: Moment, interval: int, unit: str) -> Moment:
    name = unit.lower()
    if name in _SECONDS:
        return _in_range(lambda: moment.plus_ticks(interval * _SECONDS[name] * TICKS_PER_SECOND))
    if name in _MONTHS:
        return _in_range(lambda: moment.plus_months(interval * _MONTHS[name]))
    raise ArgumentError(
        f"the value provided for the time unit '{unit}' was not valid. "
        "It must be one of 'Second', 'Minute', 'Hour', 'Day', 'Week', 'Month' and 'Year'.",
        opening=_IN_FUNCTION,
    )


def _in_range(make: Callable[[], Moment]) -> Moment:
    try:
        return make()
    except OverflowError as exc:
        raise ArgumentError(
            "the resulting date is outside the years 1 to 9999.", opening=_IN_FUNCTION
        ) from exc


def _zone(name: Any, position: str) -> ZoneInfo:
    zone = find_zone(text(name, position))
    if zone is None:
        raise ArgumentError(
            f"the value provided for the time zone id '{name}' was not valid.", opening=_IN_FUNCTION
        )
    return zone


def _utc(moment: Moment, source: Any) -> Moment:
    """The instant; a text that names its zone must match the source zone, as .NET's TimeZoneInfo requires."""
    zone = _zone(source, SECOND)
    if is_utc(zone):
        return Moment(moment.ticks, Kind.UTC)
    if moment.kind is not Kind.UNSPECIFIED:
        raise ArgumentError(
            "expects its second parameter to be a time zone matching the time zone indicated by the timestamp. "
            f"The provided value '{source}' does not match."
        )
    try:
        return _in_range(lambda: to_utc(moment, zone))
    except ValueError as exc:
        raise ArgumentError(
            f"the value provided for date time string was not valid: the clock of '{source}' skips it.",
            opening=_IN_FUNCTION,
        ) from exc
