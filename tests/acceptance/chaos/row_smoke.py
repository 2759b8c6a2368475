"""Each row of the chaos, small, on real processes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.chaos.chaos import Chaos, run
from tests.chaos.factory_rows import ROWS

PARTS: Mapping[str, Sequence[str]] = {
    "deletes and locks": ("delete refused", "lock lost"),
    "rejections": ("a poisonous message", "refused while repeated"),
    "scopes and roles": ("role missing for a minute", "scope gone for a minute"),
    "settings": ("factory moved", "settings changed and back"),
    "ids": ("a factory that stops honouring ids",),
}
"""The rows by the file that tests them: a file is what one worker takes."""


def a_row_loses_and_doubles_nothing(row: str, folder: Path, warm: str) -> None:
    """Each kind of its faults is met; every request ran once and was published once."""
    chaos = Chaos(requests=30, minutes=0.2, seed=7, official=0, folder=folder, row=row, warm=warm)
    verdict = run(chaos, lambda _: None)
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
