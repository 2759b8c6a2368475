"""Each row of the chaos, small, on real processes."""

from pathlib import Path

import pytest

from tests.chaos.chaos import Chaos, run
from tests.chaos.factory_rows import ROWS, RoleMissing, ScopeGone
from tests.chaos.rows import DeleteRefused, LockLost
from tests.chaos.settings_rows import FactoryMoved, SettingsChanged


@pytest.fixture(autouse=True)
def denser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults come more often than in the large run, so that few requests meet all of them."""
    monkeypatch.setattr(DeleteRefused, "rate", 0.25)
    monkeypatch.setattr(LockLost, "pause_seconds", (2.0, 4.0))
    monkeypatch.setattr(SettingsChanged, "quiet_seconds", (3.0, 5.0))
    monkeypatch.setattr(SettingsChanged, "dropped_seconds", 5.0)
    monkeypatch.setattr(FactoryMoved, "quiet_seconds", (3.0, 5.0))
    for row, seconds in ((ScopeGone, "gone_seconds"), (RoleMissing, "missing_seconds")):
        monkeypatch.setattr(row, "quiet_seconds", 4.0)
        monkeypatch.setattr(row, seconds, 8.0)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("row", sorted(ROWS))
def test_a_row_of_the_chaos_loses_and_doubles_nothing(tmp_path: Path, row: str) -> None:
    """Its faults are met, each kind of them; what was asked for ran once and was told once."""
    verdict = run(
        Chaos(requests=30, minutes=0.3, seed=7, official=0, folder=tmp_path, row=row), lambda _: None
    )
    assert verdict.violations == []
    assert verdict.unmet == []
    assert verdict.deaths == 0
    assert set(verdict.row_faults) == set(ROWS[row].kinds)
    if ROWS[row].may_reject:
        assert verdict.rejected > 0
    else:
        assert (verdict.refused, verdict.runs) == ([], 30)
    if row in ("delete refused", "lock lost"):
        assert verdict.ended > 0
