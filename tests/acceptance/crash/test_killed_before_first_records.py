import pytest

from tests.acceptance.crash.crashes import Crashes
from tests.acceptance.crash.killing import FIRST_RECORDS, kill_at


@pytest.mark.timeout(600)
def test_killed_before_every_write_of_a_record_nothing_is_lost_or_doubled(crashes: Crashes) -> None:
    """Whatever is acknowledged has one record, one run and one event id."""
    kill_at(crashes, "before", FIRST_RECORDS)
