from pathlib import Path

import pytest

from tests.acceptance.chaos.row_smoke import PARTS, a_row_loses_and_doubles_nothing


@pytest.mark.chaos
@pytest.mark.timeout(400)
@pytest.mark.parametrize("row", PARTS["scopes and roles"])
def test_a_row_of_the_chaos_loses_and_doubles_nothing(tmp_path: Path, warm: str, row: str) -> None:
    """Each kind of its faults is met; every request ran once and was published once."""
    a_row_loses_and_doubles_nothing(row, tmp_path, warm)
