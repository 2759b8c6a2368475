"""The command finds the running local stack, and trusts no other."""

import json
import stat
from contextlib import ExitStack
from pathlib import Path

import pytest

from adf_trigger.emulator.commands.data_folder import exclusive, write_private
from adf_trigger.emulator.commands.running import ENDPOINTS, announced
from adf_trigger.local.running import NoLocalStack, RunningStack, running_stack


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder of its own."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def start(running: ExitStack, folder: Path, **facts: str) -> Path:
    """A stack that runs as far as other processes can see."""
    folder.mkdir()
    running.enter_context(exclusive(folder, patience=0))
    write_private(folder / ENDPOINTS, json.dumps(facts))
    running.enter_context(announced(folder / ENDPOINTS))
    return folder


def test_a_single_running_stack_is_found(tmp_path: Path) -> None:
    """Its address and key come from a file of its owner alone; a factory alone beside it is no service."""
    with ExitStack() as running:
        one = start(running, tmp_path / "one", functions_url="http://127.0.0.1:7071", functions_key="k")
        start(running, tmp_path / "factory", management_url="http://127.0.0.1:1")
        assert running_stack() == RunningStack(url="http://127.0.0.1:7071", key="k", data=one)
    with pytest.raises(NoLocalStack, match="adf-trigger up"):
        running_stack()


def test_one_of_several_must_be_chosen(tmp_path: Path) -> None:
    """The error names their folders."""
    with ExitStack() as running:
        for name in ("one", "two"):
            start(running, tmp_path / name, functions_url=f"http://{name}", functions_key="k")
        with pytest.raises(NoLocalStack, match=r"(?s)one, .*two.* env --data DIR"):
            running_stack()
        assert running_stack(tmp_path / "two").url == "http://two"


def test_a_factory_alone_is_no_service(tmp_path: Path) -> None:
    """Chosen by its folder, it is rejected in a sentence."""
    with ExitStack() as running:
        start(running, tmp_path / "factory", management_url="http://127.0.0.1:1")
        with pytest.raises(NoLocalStack, match="only a factory"):
            running_stack(tmp_path / "factory")


def test_announcement_and_endpoints_are_readable_by_their_owner_alone(tmp_path: Path, runtime: Path) -> None:
    """Neither the announcement nor its target is readable for others."""
    with ExitStack() as running:
        folder = start(running, tmp_path / "one", functions_url="http://one", functions_key="k")
        (place,) = runtime.iterdir()
        (entry,) = place.glob("*.json")
        modes = [stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (place, entry, folder / ENDPOINTS)]
    assert modes == [0, 0, 0]


def test_a_missing_runtime_folder_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell may have the variable and not the folder: the one for temporary files is used."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ExitStack() as running:
        start(running, tmp_path / "one", functions_url="http://one", functions_key="k")
        assert running_stack().url == "http://one"


def test_leftovers_of_an_interrupted_write_are_not_reused(tmp_path: Path) -> None:
    """A file that others can read never gets the keys."""
    left = tmp_path / "endpoints.unfinished"
    left.touch(mode=0o644)
    write_private(tmp_path / ENDPOINTS, "key")
    assert stat.S_IMODE((tmp_path / ENDPOINTS).stat().st_mode) & 0o077 == 0
