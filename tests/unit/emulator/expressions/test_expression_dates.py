"""Dates: parsing, formatting, arithmetic and time zones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.emulator.expressions import ExpressionError, Scope, evaluate_text

# 2018-03-15T13:07:06.1234567Z, a Thursday, in each standard format under en-US.
STANDARD_FORMATS = {
    "d": "3/15/2018",
    "D": "Thursday, March 15, 2018",
    "f": "Thursday, March 15, 2018 1:07 PM",
    "F": "Thursday, March 15, 2018 1:07:06 PM",
    "g": "3/15/2018 1:07 PM",
    "G": "3/15/2018 1:07:06 PM",
    "m": "March 15",
    "M": "March 15",
    "o": "2018-03-15T13:07:06.1234567Z",
    "O": "2018-03-15T13:07:06.1234567Z",
    "r": "Thu, 15 Mar 2018 13:07:06 GMT",
    "R": "Thu, 15 Mar 2018 13:07:06 GMT",
    "s": "2018-03-15T13:07:06",
    "t": "1:07 PM",
    "T": "1:07:06 PM",
    "u": "2018-03-15 13:07:06Z",
    "U": "Thursday, March 15, 2018 1:07:06 PM",
    "y": "March 2018",
    "Y": "March 2018",
    "": "3/15/2018 1:07:06 PM",
}

CUSTOM_FORMATS = {
    "yyyy-MM-dd HH:mm:ss.fff": "2018-03-15 13:07:06.123",
    "%d": "15",
    "dd ddd dddd ddddd": "15 Thu Thursday Thursday",
    "M/MM/MMM/MMMM": "3/03/Mar/March",
    "y yy yyy yyyy yyyyy": "18 18 2018 2018 02018",
    "h hh H HH": "1 01 13 13",
    "m mm s ss": "7 07 6 06",
    "t tt ttt": "P PM PM",
    "f ff fffffff": "1 12 1234567",
    "F FF FFFFFFF": "1 12 1234567",
    "z zz zzz": "+0 +00 +00:00",
    "yyyy gg": "2018 A.D.",
    "yyyy'-W'MM": "2018-W03",
    'yyyy"T"': "2018T",
    r"\yyyy": "y2018",
    r"HH\h": "13h",
    "yyyyMMddTHHmmssK": "20180315T130706Z",
    "dd.MM.yyyy": "15.03.2018",
    "yyyy年": "2018年",
}


@pytest.mark.parametrize("layout", STANDARD_FORMATS)
def test_standard_formats(layout: str) -> None:
    """One letter stands for a pattern of the culture en-US."""
    scope = Scope(parameters={"f": layout})

    written = evaluate_text("@formatDateTime('2018-03-15T13:07:06.1234567Z', pipeline().parameters.f)", scope)

    assert written == STANDARD_FORMATS[layout]


@pytest.mark.parametrize("layout", CUSTOM_FORMATS)
def test_custom_formats(layout: str) -> None:
    """Runs of letters are parts of the date; quotes, backslashes and other characters are literals."""
    scope = Scope(parameters={"f": layout})

    written = evaluate_text("@formatDateTime('2018-03-15T13:07:06.1234567Z', pipeline().parameters.f)", scope)

    assert written == CUSTOM_FORMATS[layout]


@pytest.mark.parametrize("layout", ["q", "a", "yyyy'", 'yy"', "dd\\", "dd%", "%%", "ffffffff", "FFFFFFFF"])
def test_an_invalid_format_is_rejected(layout: str) -> None:
    """Unknown letters on their own, open quotes, and more digits than a tick has."""
    with pytest.raises(
        ExpressionError, match="In function 'utcNow', the value provided for date time format"
    ):
        evaluate_text("@utcNow(pipeline().parameters.f)", Scope(parameters={"f": layout}))


@pytest.mark.parametrize(
    ("text", "round_trip"),
    [
        ("2018-03-15", "2018-03-15T00:00:00.0000000"),
        ("2018-3-5", "2018-03-05T00:00:00.0000000"),
        ("2018/03/15", "2018-03-15T00:00:00.0000000"),
        ("2018-03", "2018-03-01T00:00:00.0000000"),
        ("2018-03-15 13:27", "2018-03-15T13:27:00.0000000"),
        ("2018-03-15T13:27:36Z", "2018-03-15T13:27:36.0000000Z"),
        ("2018-03-15t13:27:36z", "2018-03-15T13:27:36.0000000Z"),
        (" 2018-03-15T13:27:36 Z ", "2018-03-15T13:27:36.0000000Z"),
        ("2018-03-15T13:27:36.1Z", "2018-03-15T13:27:36.1000000Z"),
        ("2018-03-15T13:27:36.12345678Z", "2018-03-15T13:27:36.1234568Z"),
        ("2018-03-15T13:27:59.99999999Z", "2018-03-15T13:28:00.0000000Z"),
        ("2018-03-15T13:27:36+0530", "2018-03-15T07:57:36.0000000+00:00"),
        ("2018-03-15T13:27:36-05", "2018-03-15T18:27:36.0000000+00:00"),
        ("2018-03-15T00:30:00+01:00", "2018-03-14T23:30:00.0000000+00:00"),
        ("03/15/2018 12:00:00", "2018-03-15T12:00:00.0000000"),
        ("3/15/2018 1:05 PM", "2018-03-15T13:05:00.0000000"),
        ("3/15/2018 12:05:06 am", "2018-03-15T00:05:06.0000000"),
        ("March 15, 2018", "2018-03-15T00:00:00.0000000"),
        ("Mar 15 2018 1:02", "2018-03-15T01:02:00.0000000"),
        ("15 March 2018", "2018-03-15T00:00:00.0000000"),
        ("15-Mar-2018", "2018-03-15T00:00:00.0000000"),
        ("Thu, 15 Mar 2018 13:27:36 GMT", "2018-03-15T13:27:36.0000000+00:00"),
        ("Thursday, March 15, 2018", "2018-03-15T00:00:00.0000000"),
        ("0001-01-01", "0001-01-01T00:00:00.0000000"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"),
    ],
)
def test_accepted_dates(text: str, round_trip: str, value_of: Callable[[str], Any]) -> None:
    """ISO 8601 and the forms of en-US; the text's zone decides how the instant is written."""
    assert value_of(f"formatDateTime('{text}')") == round_trip


@pytest.mark.parametrize(
    "text",
    [
        "", "garbage", "2018", "20180315", "2018-02-30", "2018-13-01", "15/03/2018", "2018-03-15T24:00:00",
        "2018-03-15T13:60:00", "2018-03-15T13", "2018-03-15Tx", "13:27", "2018-03-15T00:00:00+15:00",
        "3/15/2018 13:00 PM", "Fri, 15 Mar 2018 13:27:36 GMT", "15 Foo 2018", "0000-01-01", "0001-01-01T00:00+01:00",
        "9999-12-31T23:59:59.99999999Z", "\u0662\u0660\u0661\u0668-\u0660\u0663-\u0661\u0665",
    ],
)  # fmt: skip
def test_an_invalid_date_is_rejected(text: str, value_of: Callable[[str], Any]) -> None:
    """The error names the function and quotes the text."""
    with pytest.raises(ExpressionError) as caught:
        value_of(f"addDays('{text}', 1)")

    assert caught.value.message == (
        f"In function 'addDays', the value provided for date time string '{text}' was not valid. "
        "The datetime string must match ISO 8601 format."
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("addHours('2018-03-15T00:00:00Z', 10)", "2018-03-15T10:00:00.0000000Z"),
        ("addMinutes('2018-03-15T00:20:00Z', -5)", "2018-03-15T00:15:00.0000000Z"),
        ("addSeconds('2018-03-15T00:00:30.1234567Z', -5)", "2018-03-15T00:00:25.1234567Z"),
        ("addToTime('2018-01-01T00:00:00Z', 1, 'Day', 'D')", "Tuesday, January 2, 2018"),
        ("addToTime('2018-01-01', 2, 'week')", "2018-01-15T00:00:00.0000000"),
        ("addToTime('2024-02-29', 1, 'Year')", "2025-02-28T00:00:00.0000000"),
        ("addToTime('2024-02-29T01:02:03.1234567Z', -12, 'MONTH')", "2023-02-28T01:02:03.1234567Z"),
        ("subtractFromTime('2018-03-31T00:00:00Z', 1, 'Month')", "2018-02-28T00:00:00.0000000Z"),
        ("startOfMonth('2018-03-15T13:30:30+02:00')", "2018-03-01T00:00:00.0000000+00:00"),
        ("startOfDay('2018-03-15T13:30:30.1234567Z')", "2018-03-15T00:00:00.0000000Z"),
        ("dayOfMonth('2018-03-15T23:30:00-02:00')", 16),
        ("dayOfYear('2018-03-15T13:27:36Z')", 74),
        ("ticks('1970-01-01T00:00:00Z')", 621355968000000000),
        ("ticks('0001-01-01T00:00:00.0000001')", 1),
        ("utcNow()", "2026-03-05T14:07:09.1234560Z"),
        ("utcNow('D')", "Thursday, March 5, 2026"),
        ("getFutureTime(5, 'Day')", "2026-03-10T14:07:09.1234560Z"),
        ("getFutureTime(1, 'Month', 'yyyy-MM-dd')", "2026-04-05"),
        ("getPastTime(5, 'Day', 'D')", "Saturday, February 28, 2026"),
        ("getPastTime(90, 'Minute', 's')", "2026-03-05T12:37:09"),
    ],
)
def test_arithmetic(expression: str, expected: object, value_of: Callable[[str], Any]) -> None:
    """Months are clipped to their last day, ticks are kept, now is the scope's clock."""
    assert value_of(expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "addDays('9999-12-31', 1)",
            "In function 'addDays', the resulting date is outside the years 1 to 9999.",
        ),
        ("addToTime('0001-01-31', -1, 'Month')", "In function 'addToTime', the resulting date is outside"),
        (
            "addToTime('2018-01-01', 1, 'Hours')",
            "In function 'addToTime', the value provided for the time unit",
        ),
        (
            "addToTime('2018-01-01', 1.5, 'Hour')",
            "The function 'addToTime' expects its second parameter to be an",
        ),
        (
            "addDays(null, 1)",
            "The function 'addDays' expects its first parameter to be a string that contains the",
        ),
        ("ticks(1)", "The function 'ticks' expects its parameter to be a string that contains the time."),
        (
            "addDays('2018-01-01', 1, null)",
            "The function 'addDays' expects its format parameter to be a string.",
        ),
        (
            "convertFromUtc('2018-01-01', 'Nowhere')",
            "In function 'convertFromUtc', the value provided for the time",
        ),
        (
            "convertFromUtc('2018-01-01', 'America')",
            "In function 'convertFromUtc', the value provided for the time",
        ),
        (
            "convertFromUtc('2018-01-01', '../etc/passwd')",
            "In function 'convertFromUtc', the value provided for",
        ),
        (
            "convertToUtc('2018-01-01Z', 'Tokyo Standard Time')",
            "The function 'convertToUtc' expects its second",
        ),
        (
            "convertToUtc('2024-03-10T02:30', 'Pacific Standard Time')",
            "In function 'convertToUtc', the value",
        ),
        (
            "convertFromUtc('0001-01-01', 'Hawaiian Standard Time')",
            "In function 'convertFromUtc', the resulting",
        ),
        (
            "convertToUtc('9999-12-31T23:00', 'Hawaiian Standard Time')",
            "In function 'convertToUtc', the resulting",
        ),
    ],
)
def test_invalid_date_arithmetic(expression: str, message: str, value_of: Callable[[str], Any]) -> None:
    """Years beyond .NET's, unknown units and zones, and timestamps that contradict their zone are rejected."""
    with pytest.raises(ExpressionError) as caught:
        value_of(expression)

    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("convertFromUtc('2018-01-01T08:00:00Z', 'Pacific Standard Time')", "2018-01-01T00:00:00.0000000"),
        (
            "convertFromUtc('2018-07-01T08:00:00.1234567', 'Pacific Standard Time')",
            "2018-07-01T01:00:00.1234567",
        ),
        ("convertFromUtc('2018-01-01T08:00:00Z', 'Pacific Standard Time', 'D')", "Monday, January 1, 2018"),
        ("convertFromUtc('2018-01-01T08:00:00Z', 'UTC')", "2018-01-01T08:00:00.0000000Z"),
        ("convertFromUtc('2018-01-01T08:00:00+02:00', 'Asia/Tokyo')", "2018-01-01T15:00:00.0000000"),
        ("convertFromUtc('2018-01-01', 'w. europe standard time')", "2018-01-01T01:00:00.0000000"),
        ("convertFromUtc('2018-01-01', 'India Standard Time')", "2018-01-01T05:30:00.0000000"),
        ("convertToUtc('01/01/2018 00:00:00', 'Pacific Standard Time')", "2018-01-01T08:00:00.0000000Z"),
        ("convertToUtc('2024-11-03T01:30', 'Pacific Standard Time')", "2024-11-03T09:30:00.0000000Z"),
        ("convertToUtc('2018-07-01T02:00', 'Europe/Berlin', 'o')", "2018-07-01T00:00:00.0000000Z"),
        ("convertToUtc('2018-07-01T02:00Z', 'UTC')", "2018-07-01T02:00:00.0000000Z"),
        (
            "convertTimeZone('2018-01-01T08:00:00.0000000Z', 'UTC', 'Pacific Standard Time')",
            "2018-01-01T00:00:00.0000000",
        ),
        ("convertTimeZone('2018-01-01T09:00', 'Tokyo Standard Time', 'UTC')", "2018-01-01T00:00:00.0000000Z"),
        (
            "convertTimeZone('2018-07-01T09:00', 'Tokyo Standard Time', 'Eastern Standard Time')",
            "2018-06-30T20:00:00.0000000",
        ),
    ],
)
def test_time_zones(expression: str, expected: str, value_of: Callable[[str], Any]) -> None:
    """Windows and IANA names; summer time is the zone's; of two equal times the standard one is meant."""
    assert value_of(expression) == expected


MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001 - made naive


@given(MOMENTS)
def test_a_formatted_date_is_parsed_back(moment: datetime) -> None:
    """The round-trip format is parsed back to itself."""
    text = f"{moment.isoformat(timespec='microseconds')}0Z"

    assert evaluate_text(f"@formatDateTime('{text}')", Scope()) == text


@given(
    MOMENTS, st.sampled_from(["s", "o", "u", "G", "F", "r", "yyyy-MM-dd HH:mm:ss", "dd MMM yyyy HH:mm:ss"])
)
def test_formats_to_the_second_can_be_parsed(moment: datetime, layout: str) -> None:
    """A full format denotes the same second when parsed."""
    text = moment.replace(microsecond=0).isoformat()
    scope = Scope(parameters={"t": f"{text}Z", "f": layout})

    written = evaluate_text("@formatDateTime(pipeline().parameters.t, pipeline().parameters.f)", scope)

    assert evaluate_text(f"@formatDateTime('{written}', 's')", scope) == text


@given(MOMENTS, st.integers(-(10**6), 10**6), st.sampled_from(["Second", "Minute", "Hour", "Day", "Week"]))
def test_adding_and_subtracting_time_are_inverse(moment: datetime, interval: int, unit: str) -> None:
    """Adding and subtracting ends at the start, and Python's own arithmetic agrees."""
    seconds = {"Second": 1, "Minute": 60, "Hour": 3600, "Day": 86400, "Week": 604800}[unit] * interval
    try:
        expected = moment + timedelta(seconds=seconds)
    except OverflowError:
        return
    start = f"{moment.isoformat(timespec='microseconds')}0"

    there = evaluate_text(f"@addToTime('{start}',{interval},'{unit}')", Scope())

    assert there == f"{expected.isoformat(timespec='microseconds')}0"
    assert evaluate_text(f"@subtractFromTime('{there}',{interval},'{unit}')", Scope()) == start


@given(MOMENTS, st.sampled_from(["Asia/Tokyo", "India Standard Time", "UTC", "Etc/GMT+5"]))
def test_a_round_trip_through_a_zone_without_summer_time(moment: datetime, zone: str) -> None:
    """Converting from UTC and back gives the same instant where the clock never jumps."""
    recent = moment.replace(year=1990 + moment.year % 100, day=min(moment.day, 28))
    start = f"{recent.isoformat(timespec='microseconds')}0Z"

    local = evaluate_text(f"@convertFromUtc('{start}','{zone}')", Scope())

    assert evaluate_text(f"@convertToUtc('{local}','{zone}')", Scope()) == start


@given(st.text(max_size=30), st.text(alphabet="dfFghHKmMstyz:/'\"\\%-T .", max_size=12))
def test_no_timestamp_or_format_raises_anything_else(timestamp: str, layout: str) -> None:
    """Whatever the texts, the outcome is a string or an ExpressionError."""
    scope = Scope(parameters={"t": timestamp, "f": layout}, clock=lambda: datetime(2026, 3, 5, tzinfo=UTC))
    for expression in (
        "formatDateTime(pipeline().parameters.t, 'o')",
        "utcNow(pipeline().parameters.f)",
        "convertFromUtc('2018-01-01', pipeline().parameters.t)",
    ):
        try:
            assert isinstance(evaluate_text(f"@{expression}", scope), str)
        except ExpressionError:
            continue
