"""A small chaos on real processes, and the row that has no other with it; `make chaos` is the large one."""

from itertools import chain
from pathlib import Path

import pytest

from tests.acceptance.chaos.row_smoke import PARTS, a_row_loses_and_doubles_nothing
from tests.chaos.chaos import Chaos, run
from tests.chaos.factory_rows import ROWS


@pytest.mark.timeout(300)
def test_a_small_chaos_loses_and_doubles_nothing(tmp_path: Path, warm: str) -> None:
    """Hosts killed, storage and Data Factory failing: every request or event has one run, one end, one event id."""
    chaos = Chaos(requests=40, events=15, minutes=0.2, seed=20, official=10, folder=tmp_path, warm=warm)
    verdict = run(chaos, lambda _: None)
    assert verdict.kills > 0
    assert verdict.storage_faults > 0
    assert verdict.factory_faults > 0
    assert verdict.violations == []
    assert verdict.ordered_pairs > 0
    assert verdict.refused == []
    assert (verdict.requests, verdict.acknowledged, verdict.runs) == (55, 55, 55)
    assert {ids: each.requests for ids, each in verdict.official.items()} == {"honoured": 10, "ignored": 10}


@pytest.mark.chaos
@pytest.mark.timeout(400)
@pytest.mark.parametrize("row", PARTS["ids"])
def test_a_row_of_the_chaos_loses_and_doubles_nothing(tmp_path: Path, warm: str, row: str) -> None:
    """Each kind of its faults is met; every request ran once and was published once."""
    a_row_loses_and_doubles_nothing(row, tmp_path, warm)


def test_every_row_is_tested() -> None:
    """A new row cannot escape: each is in one of the files."""
    assert sorted(chain.from_iterable(PARTS.values())) == sorted(ROWS)
