"""The expiry of a message gives the time since when it waits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.messages.waiting import LIFE, LONGEST_WAIT, life_left, waits_since

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SECONDS = st.integers(0, int(LONGEST_WAIT.total_seconds()))


@given(waited=SECONDS, until_put=st.integers(0, 5))
def test_a_wait_is_read_back(waited: int, until_put: int) -> None:
    """Through any number of requeues, but for the seconds that each takes."""
    since = NOW - timedelta(seconds=waited)
    put_at = NOW + timedelta(seconds=until_put)
    assert waits_since(put_at, put_at + life_left(since, NOW)) == since + timedelta(seconds=until_put)


@pytest.mark.parametrize(
    "life", [timedelta(days=7), timedelta(hours=1), LIFE - LONGEST_WAIT * 2, LIFE * 2, LIFE + timedelta(1)]
)
def test_default_expiries_of_senders_give_no_wait(life: timedelta) -> None:
    """Seven days are the default, and never is the year 9999."""
    assert waits_since(NOW, NOW + life) is None
    assert waits_since(NOW, datetime.max.replace(tzinfo=UTC)) is None
    assert waits_since(NOW, None) is None


def test_an_impossible_wait_is_bounded() -> None:
    """Clocks differ, and the time of a message's insertion may be unknown."""
    assert life_left(NOW + timedelta(hours=1), NOW) == LIFE
    assert life_left(datetime.fromtimestamp(0, tz=UTC), NOW) == LIFE - LONGEST_WAIT
