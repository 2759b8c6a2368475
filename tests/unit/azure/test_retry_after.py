"""Retry-After, as seconds or as a date."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from adf_trigger.azure.retry_after import retry_after
from tests.unit.datafactory.service import NOW


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17),
        (" 0 ", 0),
        ("0.5", 0.5),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        ("Sun, 22 Nov 2026 12:00:30 -0000", 30),
        ("999999999", 86_400),
        ("-5", None),
        ("inf", None),
        ("nan", None),
        ("1e9", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    """A date is counted from now, the past is now, more than a day is a day, and anything else is None."""
    headers = {} if value is None else {"retry-after": value}
    assert retry_after(headers, now=NOW) == seconds
