"""What the smokes of the chaos share."""

import pytest

from tests.chaos.factory_rows import RoleMissing, ScopeGone
from tests.chaos.rows import DeleteRefused, LockLost
from tests.chaos.settings_rows import FactoryMoved, SettingsChanged


@pytest.fixture(autouse=True)
def denser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults come more often than in the large run, so that few requests meet all of them."""
    monkeypatch.setattr(DeleteRefused, "rate", 0.25)
    monkeypatch.setattr(DeleteRefused, "most_refused", 2)
    monkeypatch.setattr(LockLost, "pause_seconds", (2.0, 4.0))
    monkeypatch.setattr(SettingsChanged, "quiet_seconds", (3.0, 5.0))
    monkeypatch.setattr(SettingsChanged, "dropped_seconds", 5.0)
    monkeypatch.setattr(FactoryMoved, "quiet_seconds", (3.0, 5.0))
    for row, seconds in ((ScopeGone, "gone_seconds"), (RoleMissing, "missing_seconds")):
        monkeypatch.setattr(row, "quiet_seconds", 4.0)
        monkeypatch.setattr(row, seconds, 8.0)
