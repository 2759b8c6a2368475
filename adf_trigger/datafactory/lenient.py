"""Lenient types for replies: one odd value never fails a whole reply.

Parsed numbers and times are within bounds, so that calculations with them are safe.
"""

import json
import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Instants outside are no times of runs: .NET writes the years 1 and 9999 for a missing time."""

MOST_DURATION = 2**53 - 1
"""Longest duration, in milliseconds: every JSON parser reads it exactly."""

MOST_REMAINING = 1_000_000
"""Maximum plausible number of remaining calls."""

_COUNT = re.compile(r"(-?)0*([0-9]+)", re.ASCII)
_LONGEST_COUNT = 9
_LONGEST_INTEGER = 309
"""Digits. A longer integer overflows a double in JavaScript and most other languages, and Python limits its parsing."""


def loads(body: bytes) -> object:
    """Parse JSON. NaN, infinities and numbers that most parsers cannot read become None.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    return json.loads(body, parse_int=_integer, parse_float=_finite, parse_constant=lambda _: None)


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def count(value: str) -> int | None:
    """The remaining calls in a header, from 0 to MOST_REMAINING; None if it is no whole number."""
    found = _COUNT.fullmatch(value.strip())
    if found is None:
        return None
    if found[1]:
        return 0
    return MOST_REMAINING if len(found[2]) > _LONGEST_COUNT else min(int(found[2]), MOST_REMAINING)


def text(value: object) -> str:
    """A text; "" for anything else."""
    return value if isinstance(value, str) else ""


def json_object(value: object) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


_STATUS_SPELLINGS = {"Canceled": "Cancelled", "In Progress": "InProgress"}


def _status(value: object) -> str:
    """Normalise a status: two of the service's documents spell one differently from its replies."""
    word = text(value)
    return _STATUS_SPELLINGS.get(word, word)


def _none_if_unreadable(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    try:
        return handler(value)
    except ValidationError:
        return None


def _in_utc(value: datetime | None) -> datetime | None:
    """The service writes UTC, with or without a `Z`."""
    if value is None:
        return None
    try:
        instant = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        return None
    return instant if EARLIEST <= instant < LATEST else None


def _duration(value: int | None) -> int | None:
    return None if value is None else max(0, min(value, MOST_DURATION))


Text = Annotated[str, BeforeValidator(text)]
"""A text; "" if the service sends none."""

Status = Annotated[str, BeforeValidator(_status)]
"""The status of a run, any word."""

JsonObject = Annotated[dict[str, Any], BeforeValidator(json_object)]
"""A JSON object; empty if the service sends none."""

OptionalText = Annotated[str | None, WrapValidator(_none_if_unreadable)]
OptionalDuration = Annotated[int | None, AfterValidator(_duration), WrapValidator(_none_if_unreadable)]
"""A duration or a count, from 0 to MOST_DURATION."""
OptionalBool = Annotated[bool | None, WrapValidator(_none_if_unreadable)]
OptionalInstant = Annotated[datetime | None, AfterValidator(_in_utc), WrapValidator(_none_if_unreadable)]
"""An aware instant in UTC, from EARLIEST to LATEST."""
