"""Standard and custom date format strings of .NET, in the culture en-US."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from adf_trigger.emulator.expressions.runtime.moments import DAYS, MONTHS, TICKS_PER_SECOND, Kind, Moment

ROUND_TRIP: Final = "o"

_STANDARD: Final = {
    "d": "M/d/yyyy",
    "D": "dddd, MMMM d, yyyy",
    "f": "dddd, MMMM d, yyyy h:mm tt",
    "F": "dddd, MMMM d, yyyy h:mm:ss tt",
    "g": "M/d/yyyy h:mm tt",
    "G": "M/d/yyyy h:mm:ss tt",
    "m": "MMMM d",
    "M": "MMMM d",
    "o": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
    "O": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
    "r": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "s": "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
    "t": "h:mm tt",
    "T": "h:mm:ss tt",
    "u": "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
    "U": "dddd, MMMM d, yyyy h:mm:ss tt",
    "y": "MMMM yyyy",
    "Y": "MMMM yyyy",
}
_MAX_FRACTION_DIGITS: Final = 7
_TOKEN: Final = re.compile(
    r"""'(?P<single>(?:[^'\\]|\\.)*)' | "(?P<double>(?:[^"\\]|\\.)*)" | \\(?P<escaped>.) |
        %(?P<alone>[dfFghHKmMstyz:/]) | (?P<run>([dfFghHKmMstyz:/])\6*) | (?P<bad>['"\\%]) | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def format_moment(moment: Moment, layout: str) -> str:
    """A moment as DateTime.ToString(layout) writes it.

    Raises:
        ValueError: the format is not valid.
    """
    if len(layout) <= 1:
        pattern = _STANDARD.get(layout or "G")
        if pattern is None:
            raise ValueError(f"no standard format is called {layout!r}")
    else:
        pattern = layout
    written: list[str] = []
    for token in _TOKEN.finditer(pattern):
        _write(written, token, moment)
    return "".join(written)


def _write(written: list[str], token: re.Match[str], moment: Moment) -> None:
    groups = token.groupdict()
    quoted = groups["single"] if groups["single"] is not None else groups["double"]
    if groups["bad"]:
        raise ValueError(f"{groups['bad']!r} at position {token.start()} is not completed")
    if quoted is not None:
        written.append(re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
    elif groups["alone"] or groups["run"]:
        specifier = groups["alone"] or groups["run"]
        if specifier[0] == "F":
            _write_short_fraction(written, moment, len(specifier))
        else:
            written.append(_SPECIFIERS[specifier[0]](moment, len(specifier)))
    else:
        written.append(groups["escaped"] or groups["other"])


def _fraction(moment: Moment, count: int) -> str:
    if count > _MAX_FRACTION_DIGITS:
        raise ValueError("a fraction has seven digits at most")
    return f"{moment.ticks % TICKS_PER_SECOND:07d}"[:count]


def _write_short_fraction(written: list[str], moment: Moment, count: int) -> None:
    """`F` omits trailing zeros, and the point before it if no digits are left."""
    digits = _fraction(moment, count).rstrip("0")
    if not digits and written and written[-1].endswith("."):
        written[-1] = written[-1][:-1]
    written.append(digits)


def _padded(part: Callable[[datetime], int]) -> Callable[[Moment, int], str]:
    """A number with at least one digit, or with two."""
    return lambda moment, count: f"{part(moment.wall_clock):0{min(count, 2)}d}"


def _named(part: Callable[[datetime], int], name: Callable[[datetime], str]) -> Callable[[Moment, int], str]:
    """A number for one or two letters, an abbreviated name for three, the full name for more."""

    def write(moment: Moment, count: int) -> str:
        match count:
            case 1 | 2:
                return f"{part(moment.wall_clock):0{count}d}"
            case 3:
                return name(moment.wall_clock)[:3]
            case _:
                return name(moment.wall_clock)

    return write


def _year(moment: Moment, count: int) -> str:
    year = moment.wall_clock.year
    return f"{year % 100:0{count}d}" if count <= 2 else f"{year:0{count}d}"  # noqa: PLR2004 - y and yy


def _half(moment: Moment, count: int) -> str:
    return ("AM" if moment.wall_clock.hour < 12 else "PM")[: min(count, 2)]  # noqa: PLR2004 - noon


def _offset(_: Moment, count: int) -> str:
    """The offset of UTC, the service's local time zone, for every kind of moment."""
    return ("+0", "+00", "+00:00")[min(count, 3) - 1]


def _kind(moment: Moment, count: int) -> str:
    return {Kind.UTC: "Z", Kind.LOCAL: "+00:00", Kind.UNSPECIFIED: ""}[moment.kind] * count


_SPECIFIERS: Final[dict[str, Callable[[Moment, int], str]]] = {
    "d": _named(lambda at: at.day, lambda at: DAYS[at.weekday()]),
    "f": _fraction,
    "g": lambda _moment, _count: "A.D.",
    "h": _padded(lambda at: at.hour % 12 or 12),
    "H": _padded(lambda at: at.hour),
    "K": _kind,
    "m": _padded(lambda at: at.minute),
    "M": _named(lambda at: at.month, lambda at: MONTHS[at.month - 1]),
    "s": _padded(lambda at: at.second),
    "t": _half,
    "y": _year,
    "z": _offset,
    ":": lambda _moment, count: ":" * count,
    "/": lambda _moment, count: "/" * count,
}
