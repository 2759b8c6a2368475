"""The timer's schedule: an impossible one is rejected, and due times are the platform's."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.functions_host.timers.ncrontab import Schedule as HostSchedule
from adf_trigger.settings.schedule import Schedule

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    [
        "every 15 seconds",
        "*/15 * * * *",
        "* * * * * * *",
        "",
        "00:00:15",
        "15",
        "@daily",
        "*/15\t* * * * *",
        "0 0 0 30 2 *",
        "0 0 0 31 4,6,9,11 *",
        "60 * * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * * 13 *",
        "* * * * * 7",
        "* * * ? * *",
        "* * * L * *",
        "*/-1 * * * * *",
        "*/0 * * * * *",
        "*-5 * * * * *",
        "1- * * * * *",
        ", * * * * *",
        "* * * * * Blursday",
        "\N{ARABIC-INDIC DIGIT ONE} * * * * *",
    ],
)
def test_an_unusable_schedule_is_rejected(expression: str) -> None:
    """A schedule that the platform rejects, never runs, or reads differently is a fault."""
    with pytest.raises(ValueError, match=r"must be six NCRONTAB fields|exists in no year"):
        Schedule(expression)


def test_the_next_times_are_in_order() -> None:
    """Due times follow one another over the end of a day, a month and a year."""
    every = Schedule("*/15 * * * * *")
    assert every.next_after(NOON) == NOON + timedelta(seconds=15)
    assert every.due_after(NOON, 3) == NOON + timedelta(seconds=45)
    assert Schedule("0 0 0 29 Feb *").next_after(NOON) == datetime(2028, 2, 29, tzinfo=UTC)
    assert Schedule("0 30 9 * * Mon-Fri").next_after(NOON) == datetime(2026, 1, 6, 9, 30, tzinfo=UTC)


def _fields(low: int, high: int) -> st.SearchStrategy[str]:
    values = st.integers(low, high)
    item = st.one_of(
        st.just("*"),
        values.map(str),
        st.tuples(values, values).map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.tuples(st.one_of(st.just("*"), values.map(str)), st.integers(1, high)).map(
            lambda pair: f"{pair[0]}/{pair[1]}"
        ),
    )
    return st.lists(item, min_size=1, max_size=3).map(",".join)


@given(
    fields=st.tuples(
        _fields(0, 59), _fields(0, 59), _fields(0, 23), _fields(1, 28), _fields(1, 12), _fields(0, 6)
    ),
    after=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
)
def test_it_is_due_when_the_host_fires(fields: tuple[str, ...], after: datetime) -> None:
    """For any schedule and instant the expected time is the one at which a host fires."""
    expression, instant = " ".join(fields), after.replace(tzinfo=UTC)
    assert Schedule(expression).next_after(instant) == HostSchedule(expression).next_after(instant)
