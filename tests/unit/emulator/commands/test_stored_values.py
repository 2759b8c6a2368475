"""Values that a stack stores with its data."""

import stat
from pathlib import Path

import pytest

from adf_trigger.emulator.commands.data_folder import DataFolderError, emulator_folder
from adf_trigger.emulator.commands.stored_values import StoredValues


def test_a_secret_is_created_once(tmp_path: Path) -> None:
    """The next start reads it from a file that only the owner can read."""
    assert StoredValues(tmp_path).secret("key", lambda: "first") == "first"
    assert StoredValues(tmp_path).secret("key", lambda: "second") == "first"
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_secret_of_an_earlier_version_is_kept(tmp_path: Path) -> None:
    """It was in a file of its own."""
    (tmp_path / "client-secret").write_text("before")
    assert StoredValues(tmp_path).secret("client_secret", lambda: "new") == "before"


def test_ports_are_reused(tmp_path: Path) -> None:
    """A port that was taken once, and replaced, is tried again the next time."""
    kept = StoredValues(tmp_path)
    kept.keep_ports({"functions": 7071})
    kept.keep_ports({"functions": 40000, "blob": 10000})
    assert StoredValues(tmp_path).ports == {"functions": 7071, "blob": 10000}


@pytest.mark.parametrize("text", ["{", "[]", "\udcff"])
def test_an_unreadable_file_is_not_overwritten(tmp_path: Path, text: str) -> None:
    """New keys would silently lock out the holders of the old ones."""
    (tmp_path / "kept.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataFolderError, match=r"kept\.json .*remove it"):
        StoredValues(tmp_path)


def test_values_of_other_types_are_ignored(tmp_path: Path) -> None:
    """A value edited by hand that is no secret or port is created again."""
    (tmp_path / "kept.json").write_text('{"secrets": {"key": 5}, "ports": {"blob": "x", "queue": true}}')
    kept = StoredValues(tmp_path)
    assert kept.secret("key", lambda: "made") == "made"
    assert kept.ports == {}


def test_data_of_earlier_versions_is_moved_to_its_place(tmp_path: Path) -> None:
    """Database, authority and profile go below `emulator`; files of the stack or of the user stay."""
    for name in (
        "factory.db",
        "factory.db-wal",
        "ca.pem",
        "ca.key",
        "ca.p12",
        "stack.lock",
        "endpoints.json",
        "notes.txt",
    ):
        (tmp_path / name).write_text(name)
    home = emulator_folder(tmp_path)
    assert sorted(file.name for file in home.iterdir()) == [
        "ca.key",
        "ca.p12",
        "ca.pem",
        "factory.db",
        "factory.db-wal",
    ]
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == [
        "endpoints.json",
        "notes.txt",
        "stack.lock",
    ]
    assert emulator_folder(tmp_path) == home


def test_certificates_of_the_user_are_left_alone(tmp_path: Path) -> None:
    """A folder without a factory is no data folder of an earlier version."""
    (tmp_path / "own.pem").touch()
    emulator_folder(tmp_path)
    assert (tmp_path / "own.pem").exists()
