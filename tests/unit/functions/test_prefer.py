"""The Prefer header, as specified by RFC 7240."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.functions.prefer import MOST_SECONDS, seconds_to_wait


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("wait=10", 10),
        ("WAIT = 10", 10),
        ('wait="7"', 7),
        ("wait=0", 0),
        ("wait=007", 7),
        ("wait=200", 200),
        ("wait=3600", MOST_SECONDS),
        ("wait=" + "9" * 400, MOST_SECONDS),
        ("respond-async, wait=10", 10),
        ("respond-async; x=1; y, wait=5; strict", 5),
        ('note="a, wait=1", wait=2', 2),
        ("wait=3, wait=9", 3),
        ("return=minimal,,wait=8,", 8),
        ("handling=lenient; wait=3", None),
        ("respond-async", None),
    ],
)
def test_how_long_a_caller_would_wait(header: str | None, seconds: int | None) -> None:
    """The first wait counts, up to 200 seconds; other preferences and their parameters are ignored."""
    assert seconds_to_wait(header) == seconds


@pytest.mark.parametrize(
    "header",
    ["wait", "wait=", "wait=-1", "wait=1.5", "wait=soon", "wait=5 seconds", "wait=\u0663", 'wait=""'],
)
def test_an_unreadable_wait_is_ignored(header: str) -> None:
    """It is no reason to refuse the request."""
    assert seconds_to_wait(header) is None


@pytest.mark.parametrize("header", ["@@@, wait=4", '"half, wait=4', "a b c, wait=4", ";;, wait=4"])
def test_an_invalid_preference_hides_no_other(header: str) -> None:
    """The next comma ends it."""
    assert seconds_to_wait(header) == 4


@given(st.text(alphabet='wait=09;, "\\@\u00e9\x00\x7f', max_size=40) | st.text(max_size=40))
def test_any_text_is_a_number_of_seconds_or_none(header: str) -> None:
    """Nothing is raised, and no wait exceeds the limit."""
    assert seconds_to_wait(header) is None or 0 <= seconds_to_wait(header) <= MOST_SECONDS  # type: ignore[operator]
