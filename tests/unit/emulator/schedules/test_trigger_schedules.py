"""When a schedule trigger fires: the article's examples, and a slow reference of the rules."""

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.emulator.schedules.occurrences import next_occurrence
from adf_trigger.emulator.schedules.recurrence import Recurrence, RecurrenceError, read_recurrence

CREATED = datetime(2026, 1, 1, 12, 25, tzinfo=UTC)
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def reading(frequency: str, start: str = "2026-01-01T00:00:00Z", **others: Any) -> Recurrence:
    """A recurrence with an interval of one."""
    return read_recurrence(
        {"frequency": frequency, "interval": 1, "startTime": start, **others}, created=CREATED
    )


def occurrences(recurrence: Recurrence, count: int, after: datetime | None = None) -> list[str]:
    """The next few occurrences after an instant, or from the start on."""
    found: list[str] = []
    instant: datetime | None = after or recurrence.start - timedelta(microseconds=1)
    while len(found) < count and instant is not None:
        instant = next_occurrence(recurrence, instant)
        if instant is not None:
            assert instant.tzinfo is UTC
            found.append(instant.strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("frequency", "interval", "expected"),
    [
        ("Minute", 15, ["01-31 09:30", "01-31 09:45", "01-31 10:00"]),
        ("Hour", 5, ["01-31 09:30", "01-31 14:30", "01-31 19:30"]),
        ("Day", 2, ["01-31 09:30", "02-02 09:30", "02-04 09:30"]),
        ("Week", 1, ["01-31 09:30", "02-07 09:30", "02-14 09:30"]),
        ("Month", 1, ["01-31 09:30", "02-28 09:30", "03-31 09:30"]),
        ("month", 12, ["01-31 09:30", "01-31 09:30"]),
    ],
)
def test_without_a_schedule_it_fires_at_the_start_and_every_interval(
    frequency: str, interval: int, expected: list[str]
) -> None:
    """The start is the first occurrence; frequencies match without case."""
    recurrence = reading(frequency, "2026-01-31T09:30:00Z", interval=interval)

    assert occurrences(recurrence, len(expected)) == expected


def test_a_start_in_the_past_gives_the_next_occurrence_in_the_future() -> None:
    """The article's example: every two days from 2017-04-07 14:00, asked at 2017-04-08 13:00."""
    now = datetime(2017, 4, 8, 13, tzinfo=UTC)

    for start in ("2017-04-07T14:00:00Z", "2017-04-05T14:00:00Z", "2017-04-01T14:00:00Z"):
        recurrence = reading("Day", start, interval=2)
        assert occurrences(recurrence, 3, now) == ["04-09 14:00", "04-11 14:00", "04-13 14:00"]


def test_the_end_is_no_occurrence() -> None:
    """The article's example: every 15 minutes for an hour gives 15, 30 and 45 after the start."""
    recurrence = reading("Minute", "2017-12-08T00:00:00", interval=15, endTime="2017-12-08T01:00:00")

    assert occurrences(recurrence, 10, recurrence.start) == ["12-08 00:15", "12-08 00:30", "12-08 00:45"]


FRIDAY_1 = {"day": "friday", "occurrence": 1}
FRIDAY_LAST = {"day": "Friday", "occurrence": -1}


@pytest.mark.parametrize(
    ("frequency", "schedule", "expected"),
    [
        ("Day", {"hours": [5]}, ["01-02 05:25", "01-03 05:25"]),
        ("Day", {"minutes": [15], "hours": [5]}, ["01-02 05:15", "01-03 05:15"]),
        ("Day", {"minutes": [15, 45], "hours": [17, 5]}, ["01-01 17:15", "01-01 17:45", "01-02 05:15"]),
        ("Day", {"minutes": 15, "hours": "5"}, ["01-02 05:15"]),
        ("Day", {"minutes": [0, 15, 30, 45]}, ["01-01 12:30", "01-01 12:45", "01-01 13:00"]),
        ("Hour", {"minutes": [0, 15, 30, 45]}, ["01-01 12:30", "01-01 12:45", "01-01 13:00"]),
        ("Day", {"hours": list(range(24))}, ["01-01 12:25", "01-01 13:25", "01-01 14:25"]),
        ("Hour", {"hours": [9, 14]}, ["01-01 14:25", "01-02 09:25"]),
        ("Minute", {"hours": [9], "minutes": [25, 26]}, ["01-02 09:25", "01-02 09:26", "01-03 09:25"]),
        ("Day", {"minutes": [0]}, ["01-01 13:00", "01-01 14:00"]),
        ("Week", {"hours": [17], "weekDays": ["saturday"]}, ["01-03 17:25", "01-10 17:25"]),
        (
            "Week",
            {"minutes": [15, 45], "hours": [17], "weekDays": ["Monday", "wednesday", "FRIDAY"]},
            ["01-02 17:15", "01-02 17:45", "01-05 17:15", "01-05 17:45", "01-07 17:15"],
        ),
        ("Week", {"weekDays": ["tuesday", "thursday"]}, ["01-01 12:25", "01-06 12:25", "01-08 12:25"]),
        ("Week", {"minutes": [30], "weekDays": ["saturday"]}, ["01-03 00:30", "01-03 01:30"]),
        ("Week", {"hours": [6]}, ["01-08 06:25", "01-15 06:25"]),
        ("Month", {"minutes": [0], "hours": [6], "monthDays": [28]}, ["01-28 06:00", "02-28 06:00"]),
        ("Month", {"minutes": [0], "hours": [6], "monthDays": [-1]}, ["01-31 06:00", "02-28 06:00"]),
        ("Month", {"minutes": [0], "hours": [6], "monthDays": [1, -1]}, ["01-31 06:00", "02-01 06:00"]),
        ("Month", {"monthDays": [1, 14]}, ["01-01 12:25", "01-14 12:25", "02-01 12:25"]),
        ("Month", {"monthDays": [31]}, ["01-31 12:25", "03-31 12:25", "05-31 12:25"]),
        (
            "Month",
            {"minutes": [0], "hours": [5], "monthlyOccurrences": [FRIDAY_1]},
            ["01-02 05:00", "02-06 05:00"],
        ),
        (
            "Month",
            {"monthlyOccurrences": [{"day": "friday", "occurrence": -3}]},
            ["01-16 12:25", "02-13 12:25"],
        ),
        (
            "Month",
            {"monthlyOccurrences": [FRIDAY_1, FRIDAY_LAST]},
            ["01-02 12:25", "01-30 12:25", "02-06 12:25"],
        ),
        (
            "Month",
            {"monthlyOccurrences": [{"day": "friday", "occurrence": 5}]},
            ["01-30 12:25", "05-29 12:25"],
        ),
        ("Month", {"monthlyOccurrences": [{"day": "Sunday"}]}, ["01-04 12:25", "01-11 12:25", "01-18 12:25"]),
        (
            "Month",
            {"minutes": [0, 30], "monthlyOccurrences": [FRIDAY_LAST]},
            ["01-30 00:00", "01-30 00:30", "01-30 01:00"],
        ),
        ("Month", {"hours": [3]}, ["02-01 03:25", "03-01 03:25"]),
    ],
)
def test_the_articles_examples_fire_as_described(
    frequency: str, schedule: dict[str, Any], expected: list[str]
) -> None:
    """From Thursday 2026-01-01 12:25 on."""
    recurrence = reading(frequency, "2026-01-01T12:25:00Z", schedule=schedule)

    assert occurrences(recurrence, len(expected)) == expected


def test_an_interval_skips_whole_periods() -> None:
    """Every second week: Monday and Sunday of the start's week (which began on Sunday), then two weeks on."""
    schedule = {"weekDays": ["Sunday", "Monday", "Saturday"]}
    recurrence = reading("Week", "2026-01-05T08:00:00Z", interval=2, schedule=schedule)

    assert occurrences(recurrence, 5) == [
        "01-05 08:00",
        "01-10 08:00",
        "01-18 08:00",
        "01-19 08:00",
        "01-24 08:00",
    ]


def test_days_keep_their_wall_clock_when_the_clocks_change() -> None:
    """08:00 in Berlin is 07:00 UTC in winter and 06:00 in summer; Windows names are accepted."""
    for zone in ("W. Europe Standard Time", "Europe/Berlin"):
        recurrence = reading("Day", "2026-03-28T08:00:00", timeZone=zone)
        assert occurrences(recurrence, 3) == ["03-28 07:00", "03-29 06:00", "03-30 06:00"]


def test_hours_and_minutes_ignore_clock_changes() -> None:
    """Every twelve hours means elapsed hours."""
    recurrence = reading("Hour", "2026-03-28T08:00:00", interval=12, timeZone="Europe/Berlin")

    assert occurrences(recurrence, 4) == ["03-28 07:00", "03-28 19:00", "03-29 07:00", "03-29 19:00"]


def test_a_time_that_the_clocks_skip_moves_forward() -> None:
    """02:30 on the day of the change in Berlin is 03:30 there."""
    recurrence = reading("Day", "2026-03-28T02:30:00", timeZone="Europe/Berlin")

    assert occurrences(recurrence, 3) == ["03-28 01:30", "03-29 01:30", "03-30 00:30"]


def test_hours_of_a_schedule_are_those_of_the_zone() -> None:
    """Minutes past nine in Calcutta, at an offset of half an hour."""
    recurrence = reading(
        "Hour", "2026-01-01T00:10:00", timeZone="Asia/Kolkata", schedule={"hours": [9], "minutes": [5, 50]}
    )

    assert occurrences(recurrence, 3) == ["01-01 03:35", "01-01 04:20", "01-02 03:35"]


def test_a_start_with_an_offset_is_an_instant() -> None:
    """The article's sample has an offset of its own."""
    recurrence = reading("Hour", "2017-11-01T09:00:00-08:00", endTime="2017-11-01T11:30:00-08:00")

    assert occurrences(recurrence, 9) == ["11-01 17:00", "11-01 18:00", "11-01 19:00"]


def test_without_a_start_the_creation_is_the_start() -> None:
    """The minutes are those of the creation."""
    recurrence = read_recurrence({"frequency": "Hour"}, created=CREATED)

    assert occurrences(recurrence, 2) == ["01-01 12:25", "01-01 13:25"]


@pytest.mark.parametrize(
    "recurrence",
    [
        reading("Month", "2026-02-01T00:00:00Z", interval=12, schedule={"monthDays": [30], "hours": [0]}),
        reading("Hour", "2026-01-01T00:00:00Z", interval=24, schedule={"hours": [5]}),
        reading("Minute", "2026-01-01T00:05:00Z", interval=60, schedule={"minutes": [10]}),
        reading("Day", "2026-01-01T00:00:00Z", endTime="2025-01-01T00:00:00Z"),
        reading("Month", "9999-12-31T00:00:00Z", interval=1000),
    ],
)
def test_a_recurrence_may_have_no_further_occurrence(recurrence: Recurrence) -> None:
    """30 February, an hour or a minute that never occurs, an end before the start, the end of time: none."""
    assert next_occurrence(recurrence, recurrence.start) is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({}, "frequency 'None' is not one of Minute, Hour, Day, Week, Month"),
        ({"frequency": "Year"}, "frequency 'Year' is not one of"),
        ({"frequency": "Day", "interval": 0}, "0 of interval is out of bounds"),
        ({"frequency": "Day", "interval": 1001}, "1001 of interval is out of bounds"),
        ({"frequency": "Day", "interval": "often"}, "'often' of interval is not a whole number"),
        ({"frequency": "Day", "interval": True}, "True of interval is not a whole number"),
        ({"frequency": "Day", "startTime": "today"}, "startTime 'today' is not an ISO 8601 time"),
        ({"frequency": "Day", "timeZone": "Middle Earth"}, "time zone 'Middle Earth' is not known"),
        ({"frequency": "Day", "schedule": {"hours": [24]}}, "24 of hours is out of bounds"),
        ({"frequency": "Day", "schedule": {"minutes": [60]}}, "60 of minutes is out of bounds"),
        ({"frequency": "Day", "schedule": {"weekDays": ["Monday"]}}, "only with a frequency of Week"),
        ({"frequency": "Week", "schedule": {"weekDays": ["Moonday"]}}, "day of the week 'Moonday'"),
        ({"frequency": "Week", "schedule": {"monthDays": [1]}}, "only with a frequency of Month"),
        ({"frequency": "Month", "schedule": {"monthDays": [0]}}, "0 of monthDays is out of bounds"),
        ({"frequency": "Month", "schedule": {"monthDays": [32]}}, "32 of monthDays is out of bounds"),
        (
            {"frequency": "Month", "schedule": {"monthlyOccurrences": [{"day": "Monday", "occurrence": 6}]}},
            "6 of occurrence is out of bounds",
        ),
        (
            {"frequency": "Month", "schedule": {"monthDays": [1], "monthlyOccurrences": [FRIDAY_1]}},
            "cannot be given together",
        ),
    ],
)
def test_an_invalid_recurrence_is_rejected(written: dict[str, Any], said: str) -> None:
    """The error is a sentence for its author."""
    with pytest.raises(RecurrenceError, match=said):
        read_recurrence(written, created=CREATED)


@st.composite
def recurrences(draw: st.DrawFn) -> dict[str, Any]:
    """Daily, weekly and monthly recurrences with schedules."""
    frequency = draw(st.sampled_from(["Day", "Week", "Month"]))
    schedule: dict[str, Any] = {
        "hours": draw(st.lists(st.integers(0, 23), max_size=2)),
        "minutes": draw(st.lists(st.integers(0, 59), max_size=2)),
    }
    if frequency == "Week":
        schedule["weekDays"] = draw(st.lists(st.sampled_from(DAYS), max_size=3))
    if frequency == "Month":
        key = draw(st.sampled_from(["monthDays", "monthlyOccurrences"]))
        day = st.integers(-31, 31).filter(bool)
        occurrence = st.fixed_dictionaries(
            {"day": st.sampled_from(DAYS)}, optional={"occurrence": st.integers(-5, 5).filter(bool)}
        )
        schedule[key] = draw(st.lists(day if key == "monthDays" else occurrence, max_size=3))
    start = draw(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)))  # noqa: DTZ001 - of the zone
    return {
        "frequency": frequency,
        "interval": draw(st.integers(1, 4)),
        "startTime": start.replace(second=0, microsecond=0).isoformat(),
        "timeZone": draw(st.sampled_from(["UTC", "Asia/Kolkata"])),
        "schedule": schedule,
    }


def fires_on(written: dict[str, Any], start: datetime, day: datetime) -> bool:
    """Whether a trigger fires on a day of its zone's calendar, rule by rule."""
    passed = {
        "Day": (day.date() - start.date()).days,
        "Week": day.date().toordinal() // 7 - start.date().toordinal() // 7,
        "Month": (day.year - start.year) * 12 + day.month - start.month,
    }[written["frequency"]]
    return passed % written["interval"] == 0 and _right_day(written, day, start)


def fires_at(schedule: dict[str, Any], start: datetime, at: datetime) -> bool:
    """Whether a trigger fires at a minute of such a day."""
    if not schedule["hours"] and not schedule["minutes"]:
        return (at.hour, at.minute) == (start.hour, start.minute)
    right_hour = at.hour in schedule["hours"] or (not schedule["hours"] and bool(schedule["minutes"]))
    return right_hour and at.minute in (schedule["minutes"] or [start.minute])


def walk(written: dict[str, Any], begin: datetime) -> Iterator[datetime]:
    """Every minute of the next hundred days at which a trigger fires."""
    start = datetime.fromisoformat(written["startTime"])
    midnight = begin.replace(hour=0, minute=0)
    for day in (midnight + timedelta(days=number) for number in range(100)):
        if fires_on(written, start, day):
            for at in (day + timedelta(minutes=number) for number in range(24 * 60)):
                if at >= max(start, begin) and fires_at(written["schedule"], start, at):
                    yield at


def _right_day(written: dict[str, Any], at: datetime, start: datetime) -> bool:
    schedule = written["schedule"]
    if written["frequency"] == "Day":
        return True
    if written["frequency"] == "Week":
        return DAYS[at.weekday()] in (schedule["weekDays"] or [DAYS[start.weekday()]])
    length = calendar.monthrange(at.year, at.month)[1]
    if schedule.get("monthlyOccurrences"):
        from_front, from_back = (at.day - 1) // 7 + 1, -((length - at.day) // 7 + 1)
        return any(
            it["day"] == DAYS[at.weekday()] and it.get("occurrence") in {None, from_front, from_back}
            for it in schedule["monthlyOccurrences"]
        )
    if schedule.get("monthDays"):
        return at.day in schedule["monthDays"] or at.day - length - 1 in schedule["monthDays"]
    if not any(schedule.values()):
        return at.day == min(start.day, length)
    return at.day == start.day


@settings(deadline=None)
@given(written=recurrences(), days_on=st.integers(-5, 200))
def test_any_schedule_fires_exactly_as_the_rules_say(written: dict[str, Any], days_on: int) -> None:
    """Up to thirty occurrences are compared with a walk through every minute of a hundred days."""
    recurrence = read_recurrence(written, created=CREATED)
    zone = ZoneInfo(written["timeZone"])
    begin = datetime.fromisoformat(written["startTime"]) + timedelta(days=days_on)
    expected = list(islice(walk(written, begin), 30))

    found: list[datetime] = []
    instant = begin.replace(tzinfo=zone) - timedelta(microseconds=1)
    for _ in expected:
        following = next_occurrence(recurrence, instant)
        assert following is not None
        found.append(following.astimezone(zone).replace(tzinfo=None))
        instant = following

    assert found == expected
