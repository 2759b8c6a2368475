"""A small chaos on real processes; `make chaos` is the large one."""

from pathlib import Path

import pytest

from tests.chaos.chaos import Chaos, run


@pytest.mark.timeout(300)
def test_a_small_chaos_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Hosts killed, storage and Data Factory failing: every request has one run, one end and one event id."""
    said: list[str] = []
    verdict = run(Chaos(requests=40, minutes=0.2, seed=20, official=10, folder=tmp_path), said.append)
    assert verdict.kills > 0
    assert verdict.storage_faults > 0
    assert verdict.factory_faults > 0
    assert verdict.violations == []
    assert verdict.refused == []
    assert (verdict.requests, verdict.acknowledged, verdict.runs) == (40, 40, 40)
    assert {ids: each.requests for ids, each in verdict.official.items()} == {"honoured": 10, "ignored": 10}
