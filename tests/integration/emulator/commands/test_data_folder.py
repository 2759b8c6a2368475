"""A stack locks its folder exclusively, and keeps a temporary one only after an error."""

import subprocess
from pathlib import Path

import pytest

from adf_trigger.emulator.commands.data_folder import DataFolderError, data_folder, exclusive


def test_a_temporary_folder_is_removed_with_the_stack() -> None:
    """The folder exists while the stack runs, and is removed afterwards."""
    with data_folder(None) as folder:
        (folder / "file").touch()
    assert not folder.exists()


def test_a_temporary_folder_is_removed_after_an_interrupt() -> None:
    """An interrupt is no error and leaves no folder behind."""
    kept: list[Path] = []
    with pytest.raises(KeyboardInterrupt), data_folder(None) as folder:  # noqa: PT012 - only the block knows the folder
        kept.append(folder)
        raise KeyboardInterrupt
    assert not kept[0].exists()


def test_a_temporary_folder_stays_after_an_error() -> None:
    """The logs in the folder may explain the error."""
    kept: list[Path] = []
    with pytest.raises(ValueError, match="x"), data_folder(None) as folder:  # noqa: PT012 - only the block knows the folder
        kept.append(folder)
        raise ValueError("x")
    assert kept[0].is_dir()
    kept[0].rmdir()


def test_a_named_folder_is_created_and_kept(tmp_path: Path) -> None:
    """A folder named by the user is never removed."""
    with data_folder(tmp_path / "a" / "b") as folder:
        assert folder.is_dir()
    assert folder.is_dir()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """A path of a file is rejected in one sentence."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(DataFolderError, match="cannot be used as the data folder"),
        data_folder(tmp_path / "file"),
    ):
        pass


def test_a_read_only_folder_is_an_error(tmp_path: Path) -> None:
    """The error is one sentence, before any process is started."""
    (tmp_path / "stack.lock").mkdir()
    with pytest.raises(DataFolderError, match="cannot be written to"), exclusive(tmp_path, patience=0):
        pass


def test_two_stacks_cannot_share_a_folder(tmp_path: Path) -> None:
    """The second is rejected, and succeeds after the first has ended."""
    with (
        exclusive(tmp_path, patience=0),
        pytest.raises(DataFolderError, match="in use by another process"),
        exclusive(tmp_path, patience=0.2),
    ):
        pass
    with exclusive(tmp_path, patience=0):
        pass


def test_a_process_that_holds_the_lock_keeps_the_folder(tmp_path: Path) -> None:
    """The folder stays locked until every process left by a killed stack has ended."""
    with exclusive(tmp_path, patience=0) as held:
        left = subprocess.Popen(["/bin/sleep", "600"], pass_fds=[held])
    with pytest.raises(DataFolderError), exclusive(tmp_path, patience=0):
        pass
    left.kill()
    left.wait()
    with exclusive(tmp_path, patience=0):
        pass
