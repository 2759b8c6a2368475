"""Time zones by their Windows names, as the service documents them, and by their IANA names."""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal.windows_tz import win_tz

from adf_trigger.emulator.expressions.runtime.moments import TICKS_PER_SECOND, Kind, Moment

_UTC_KEYS = frozenset({"UTC", "Etc/UTC"})
_IANA_BY_WINDOWS_NAME = {name.lower(): iana for name, iana in win_tz.items()}


@lru_cache(maxsize=512)
def find_zone(name: str) -> ZoneInfo | None:
    """The zone of a name; Windows names are case-insensitive."""
    try:
        return ZoneInfo(_IANA_BY_WINDOWS_NAME.get(name.lower(), name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # OSError: the name of a folder of zones, such as `America`.
        return None


def is_utc(zone: ZoneInfo) -> bool:
    """Whether the zone is UTC itself, not just one with the same clock, such as London in winter."""
    return zone.key in _UTC_KEYS


def from_utc(moment: Moment, zone: ZoneInfo) -> Moment:
    """A moment, taken as UTC, converted to the zone's wall clock.

    Raises:
        OverflowError: that is outside the years 1 to 9999.
    """
    if is_utc(zone):
        return Moment(moment.ticks, Kind.UTC)
    offset = moment.wall_clock.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).utcoffset()
    return Moment(moment.ticks, Kind.UNSPECIFIED).plus_ticks(_ticks(offset))


def to_utc(moment: Moment, zone: ZoneInfo) -> Moment:
    """The moment at which the zone's clock shows this time; of two moments, the one in standard time.

    Raises:
        ValueError: the clock skips that time.
        OverflowError: that is outside the years 1 to 9999.
    """
    # The second of two equal times is the one after the clock was set back.
    local = moment.wall_clock.replace(tzinfo=zone, fold=1)
    if _skipped(local):
        raise ValueError("the clock skips this time")
    return Moment(moment.ticks, Kind.UTC).plus_ticks(-_ticks(local.utcoffset()))


def _skipped(local: datetime) -> bool:
    shown = local.astimezone(ZoneInfo("UTC")).astimezone(local.tzinfo)
    return shown.replace(tzinfo=None) != local.replace(tzinfo=None)


def _ticks(offset: timedelta | None) -> int:
    return int((offset or timedelta()).total_seconds()) * TICKS_PER_SECOND
