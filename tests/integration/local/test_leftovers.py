"""A stack does not start beside processes of a killed one, even where no lock shows them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from adf_trigger.emulator.commands.data_folder import DataFolderError
from adf_trigger.local.processes.leftovers import wait_for_leftovers

SLEEP = "import time; time.sleep(600)"


@pytest.fixture
def left() -> "Iterator[subprocess.Popen[bytes]]":
    """A process that looks like one of a stack's."""
    with subprocess.Popen([sys.executable, "-c", SLEEP, "adf_trigger"]) as process:
        deadline = time.monotonic() + 60
        while not psutil.Process(process.pid).cmdline():  # the system shows it a moment after the start
            assert time.monotonic() < deadline, "it shows no command line"
            time.sleep(0.01)
        yield process
        process.kill()


def endpoints(folder: Path, **pids: object) -> Path:
    """The endpoints file of the last stack."""
    file = folder / "endpoints.json"
    file.write_text(json.dumps({"pids": pids}))
    return file


def test_a_running_process_is_reported(left: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    """The error has its process id; once it has ended the folder is free, reaped or not."""
    file = endpoints(tmp_path, functions=left.pid)
    with pytest.raises(DataFolderError, match=f"in use by processes of an earlier stack: {left.pid}"):
        wait_for_leftovers(file, patience=0.2)
    left.kill()
    wait_for_leftovers(file, patience=60)


def test_a_reused_process_id_is_ignored(left: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    """Its process has another command line, or is younger than the file."""
    with subprocess.Popen(["/bin/sleep", "600"]) as other:
        wait_for_leftovers(endpoints(tmp_path, functions=other.pid), patience=0)
        other.kill()
    file = endpoints(tmp_path, functions=left.pid)
    os.utime(file, (1, 1))
    wait_for_leftovers(file, patience=0)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"pids": 5}', '{"pids": {"functions": "x"}}'])
def test_a_file_without_process_ids_is_ignored(text: str, tmp_path: Path) -> None:
    """A missing file is ignored, too."""
    (tmp_path / "endpoints.json").write_text(text)
    wait_for_leftovers(tmp_path / "endpoints.json", patience=0)
    wait_for_leftovers(tmp_path / "nowhere.json", patience=0)
