"""Which stack a command in another shell finds."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from adf_trigger.emulator.commands.data_folder import exclusive
from adf_trigger.emulator.commands.running import ENDPOINTS, NotRunning, announced, facts


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of its own to announce stacks in."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def stack(tmp_path: Path, name: str) -> Path:
    """A data folder with what its stack says."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / ENDPOINTS).write_text(json.dumps({"name": name}))
    return folder


def test_the_only_one_is_found(tmp_path: Path) -> None:
    """Without a choice the one that runs is meant; after its end there is none."""
    one = stack(tmp_path, "one")
    with announced(one / ENDPOINTS):
        assert facts(None) == {"name": "one"}
    with pytest.raises(NotRunning, match="no stack runs"):
        facts(None)


def test_of_several_one_is_chosen_by_its_folder(tmp_path: Path) -> None:
    """Without a choice they are listed."""
    with ExitStack() as running:
        for name in ("one", "two"):
            folder = stack(tmp_path, name)
            running.enter_context(exclusive(folder, patience=0))
            running.enter_context(announced(folder / ENDPOINTS))
        with pytest.raises(NotRunning, match=r"(?s)several stacks run.*one.*two"):
            facts(None)
        assert facts(tmp_path / "two") == {"name": "two"}


def test_one_that_was_killed_is_not_found(tmp_path: Path, runtime: Path) -> None:
    """What it has left, the file and its announcement, names a stack that nobody runs: both are passed over."""
    dead = stack(tmp_path, "dead")
    with announced(dead / ENDPOINTS):
        (entry,) = next(runtime.iterdir()).glob("*.json")
        left = entry.read_text()
    entry.write_text(left)
    entry.with_suffix(".lock").touch()
    (dead / "stack.lock").touch()
    with pytest.raises(NotRunning, match="no stack runs"):
        facts(None)
    assert list(entry.parent.iterdir()) == []
    with pytest.raises(NotRunning, match="no stack runs on"):
        facts(dead)


def test_where_it_cannot_be_announced_it_runs_and_is_found_by_its_folder(
    tmp_path: Path, runtime: Path
) -> None:
    """A folder that others may write to is not used; the stack is none the worse for it."""
    with announced(stack(tmp_path, "first") / ENDPOINTS):
        (shared,) = runtime.iterdir()
    shared.chmod(0o777)
    folder = stack(tmp_path, "two")
    with exclusive(folder, patience=0), announced(folder / ENDPOINTS):
        assert facts(folder) == {"name": "two"}
        with pytest.raises(NotRunning, match="is not private to this user"):
            facts(None)
