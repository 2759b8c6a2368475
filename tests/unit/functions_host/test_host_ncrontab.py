"""NCRONTAB: how an expression is parsed, and when it fires next."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.functions_host.timers.ncrontab import InvalidSchedule, Schedule

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LIMITS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/30 * * * * *", "2026-11-22T12:00:30"),
        ("0 */5 * * * *", "2026-11-22T12:05:00"),
        ("0 0 * * * *", "2026-11-22T13:00:00"),
        ("0 30 9 * * *", "2026-11-23T09:30:00"),
        ("0 30 9 * * 1-5", "2026-11-23T09:30:00"),
        ("0 0 0 1 Jan *", "2027-01-01T00:00:00"),
        ("0 0 0 * jan Mon", "2027-01-04T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 29 2 MONDAY", "2044-02-29T00:00:00"),
        ("5,8,10 * * * * *", "2026-11-22T12:00:05"),
        ("10/20 * * * * *", "2026-11-22T12:00:10"),
        ("50-10/20 * * * * *", "2026-11-22T12:00:10"),
        ("*/5 * * * *", "2026-11-22T12:05:00"),
        ("0 0 0 * * sa", "2026-11-28T00:00:00"),
        ("*/-1 * * * * *", "2026-11-22T12:00:01"),
        ("00:05:00", "2026-11-22T12:05:00"),
        ("00:00:15", "2026-11-22T12:00:15"),
        ("15", "2026-12-07T12:00:00"),
    ],
)
def test_an_expression_fires_like_on_the_platform(expression: str, expected: str) -> None:
    """Known expressions give the platform's next occurrence."""
    assert Schedule(expression).next_after(NOON) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_both_day_fields_must_match() -> None:
    """Friday the 13th is both a Friday and the 13th, where cron would accept either."""
    assert Schedule("0 0 0 13 * Fri").next_after(NOON) == datetime(2027, 8, 13, tzinfo=UTC)


def test_an_occurrence_is_not_its_own_next() -> None:
    """At noon exactly the next noon is tomorrow's; a moment before noon it is today's."""
    schedule = Schedule("0 0 12 * * *")
    assert schedule.next_after(NOON) == NOON + timedelta(days=1)
    assert schedule.next_after(NOON - timedelta(microseconds=1)) == NOON


def test_a_date_that_never_occurs_has_no_next() -> None:
    """The 30th of February never occurs, which is found out quickly."""
    assert Schedule("0 0 0 30 2 *").next_after(NOON) is None


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * * *",
        "60 * * * * *",
        "* 60 * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * 32 * *",
        "* * * * 13 *",
        "* * * * * 7",
        "* * * * Foo *",
        "a * * * * *",
        "1,,2 * * * * *",
        "-1 * * * * *",
        "1- * * * * *",
        "*-5 * * * * *",
        "*/x * * * * *",
        "@daily",
        "every 15 seconds",
        "0\t0\t0\t*\t*\t*",
        "0 0 0 ? * *",
        "0 0 0 L * *",
        "0 0 0 * * 1#2",
        "24:00:00",
        "00:00:00",
    ],
)
def test_an_invalid_expression_is_rejected_with_its_text(expression: str) -> None:
    """An invalid expression raises, with the platform's own message."""
    with pytest.raises(InvalidSchedule) as refusal:
        Schedule(expression)
    assert str(refusal.value) == (
        f"The schedule expression '{expression}' was not recognized as a valid cron expression or timespan string."
    )


@pytest.mark.parametrize(
    ("expression", "frequent"),
    [
        ("*/30 * * * * *", True),
        ("0,30 * * * * *", True),
        ("* * * * * *", True),
        ("0 * * * * *", False),
        ("*/10 * 9 * * *", False),
        ("*/10 0-58 * * * *", False),
        ("*/10 0-59 0-23 1-31 Jan-Dec Sun-Sat", True),
        ("00:00:59", True),
        ("00:01:00", False),
    ],
)
def test_only_schedules_within_every_minute_are_too_frequent_to_monitor(
    expression: str, *, frequent: bool
) -> None:
    """A schedule that fires more than once in every minute is not monitored; any other is."""
    assert Schedule(expression).more_than_once_a_minute is frequent


@dataclass(frozen=True)
class _Field:
    """A field as it is written, and the values that it must match."""

    text: str
    values: frozenset[int]


def _fields(low: int, high: int) -> st.SearchStrategy[_Field]:
    value = st.integers(low, high)
    single = value.map(lambda n: _Field(str(n), frozenset({n})))
    span = st.tuples(value, value, st.integers(1, 20)).map(
        lambda t: _Field(f"{t[0]}-{t[1]}/{t[2]}", frozenset(range(min(t[:2]), max(t[:2]) + 1, t[2])))
    )
    every = st.integers(1, 40).map(lambda n: _Field(f"*/{n}", frozenset(range(low, high + 1, n))))
    onwards = st.tuples(value, st.integers(1, 40)).map(
        lambda t: _Field(f"{t[0]}/{t[1]}", frozenset(range(t[0], high + 1, t[1])))
    )
    one = st.one_of(single, span, every, onwards)
    return st.lists(one, min_size=1, max_size=3).map(
        lambda items: _Field(
            ",".join(item.text for item in items), frozenset().union(*(item.values for item in items))
        )
    )


SCHEDULES = st.tuples(*(_fields(low, high) for low, high in LIMITS))
INSTANTS = st.datetimes(datetime(1996, 1, 1), datetime(2104, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def _by_brute_force(fields: tuple[_Field, ...], instant: datetime) -> datetime | None:
    """The first match among all the days of the next thirty years, and all times of a day."""
    seconds, minutes, hours, days, months, weekdays = (field.values for field in fields)
    times = [time(*parts) for parts in product(sorted(hours), sorted(minutes), sorted(seconds))]
    day = instant.date()
    while day < date(instant.year + 30, 1, 1):
        weekday = (day.weekday() + 1) % 7
        if day.day in days and day.month in months and weekday in weekdays:
            for moment in times:
                found = datetime.combine(day, moment, UTC)
                if found > instant.replace(microsecond=0):
                    return found
        day += timedelta(days=1)
    return None


@settings(deadline=None)
@given(SCHEDULES, INSTANTS)
def test_the_next_occurrence_is_the_first_match_after_the_instant(
    fields: tuple[_Field, ...], instant: datetime
) -> None:
    """A search through every second would find the same."""
    expected = _by_brute_force(fields, instant)
    found = Schedule(" ".join(field.text for field in fields)).next_after(instant)
    if expected is None:
        assert found is None or found.year >= instant.year + 30
    else:
        assert found == expected
