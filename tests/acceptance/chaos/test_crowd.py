"""Callers wait over two hosts, of which one is killed; `python -m tests.chaos.crowd` has five hundred of them."""

from pathlib import Path

import pytest

from tests.chaos.crowd import gather

CALLERS = 24


@pytest.mark.timeout(400)
def test_callers_who_wait_get_their_answer_or_a_reset_and_nothing_is_doubled(
    tmp_path: Path, warm: str
) -> None:
    """Half wait by POST, half by GET; who was reset asks again, and each has one run, one end and one event id."""
    crowd = gather(CALLERS, tmp_path, beside=4, warm=warm)
    assert crowd.faults == []
    assert set(crowd.first) <= {"answered", "not yet", "reset"}
    assert crowd.first["reset"] > 0
    assert crowd.first["answered"] > 0
    assert crowd.killed >= CALLERS * 9 // 10
    assert (sum(crowd.runs.values()), len(crowd.beside)) == (CALLERS + 4, 4)
    assert len(crowd.news) == CALLERS
