"""Parses Retry-After, as Azure's services send it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_LONGEST_WAIT = 86_400.0
"""Seconds. More than a day is a fault of the service, and might overflow dates."""


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds that Retry-After asks to wait, given as seconds or as an HTTP date; None if it is absent or invalid."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        return min(float(value), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), _LONGEST_WAIT)
