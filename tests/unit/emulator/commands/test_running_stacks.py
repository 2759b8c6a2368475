"""Which stack a command in another shell uses."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from adf_trigger.emulator.commands.data_folder import exclusive
from adf_trigger.emulator.commands.running import ENDPOINTS, NotRunning, announced, facts


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder of its own."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def stack(tmp_path: Path, name: str) -> Path:
    """A data folder with the endpoints of its stack."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / ENDPOINTS).write_text(json.dumps({"name": name}))
    return folder


def test_a_single_stack_is_found(tmp_path: Path) -> None:
    """Without a choice the running stack is used; after its end there is none."""
    one = stack(tmp_path, "one")
    with announced(one / ENDPOINTS):
        assert facts(None) == {"name": "one"}
    with pytest.raises(NotRunning, match="no stack runs"):
        facts(None)


def test_one_of_several_is_chosen_by_its_folder(tmp_path: Path) -> None:
    """Without a choice they are listed."""
    with ExitStack() as running:
        for name in ("one", "two"):
            folder = stack(tmp_path, name)
            running.enter_context(exclusive(folder, patience=0))
            running.enter_context(announced(folder / ENDPOINTS))
        with pytest.raises(NotRunning, match=r"(?s)several stacks run.*one.*two"):
            facts(None)
        assert facts(tmp_path / "two") == {"name": "two"}


def test_a_killed_stack_is_not_found(tmp_path: Path, runtime: Path) -> None:
    """Its endpoints file and its announcement are left, but both are ignored."""
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


def test_a_stack_that_cannot_be_announced_is_found_by_its_folder(tmp_path: Path, runtime: Path) -> None:
    """A runtime folder that others may write to is not used; the stack still runs."""
    with announced(stack(tmp_path, "first") / ENDPOINTS):
        (shared,) = runtime.iterdir()
    shared.chmod(0o777)
    folder = stack(tmp_path, "two")
    with exclusive(folder, patience=0), announced(folder / ENDPOINTS):
        assert facts(folder) == {"name": "two"}
        with pytest.raises(NotRunning, match="is not private to this user"):
            facts(None)
