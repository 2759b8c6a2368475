"""Durations as Data Factory writes them: `d.hh:mm:ss`."""

import re

_TIMESPAN = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>[0-5]?\d):(?P<seconds>[0-5]?\d)(?P<fraction>\.\d{1,7})?"
)


def seconds_of(timespan: str) -> float:
    """The seconds in a timespan: `0.12:00:00` is 43200.

    Raises:
        ValueError: it is not a timespan.
    """
    match = _TIMESPAN.fullmatch(timespan.strip())
    if match is None or int(match["hours"]) > 23:  # noqa: PLR2004 - hours of a day
        raise ValueError(f"'{timespan}' is not a timespan of the form d.hh:mm:ss")
    minutes = (int(match["days"] or 0) * 24 + int(match["hours"])) * 60 + int(match["minutes"])
    return minutes * 60 + int(match["seconds"]) + float(match["fraction"] or 0)
