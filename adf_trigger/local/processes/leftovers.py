"""Processes that a killed stack may have left running, on systems where no lock shows it (Windows)."""

import json
from collections.abc import Iterator
from pathlib import Path

import psutil

from adf_trigger.emulator.commands.data_folder import DataFolderError

_OURS = ("azurite", "adf_trigger")


def wait_for_leftovers(endpoints: Path, *, patience: float) -> None:
    """Wait until the processes of the last stack on this folder have ended.

    Args:
        endpoints: file of the last stack; it may be missing.
        patience: seconds.

    Raises:
        DataFolderError: some are still running.
    """
    _, unfinished = psutil.wait_procs(list(_left(endpoints)), timeout=patience)
    if alive := [process for process in unfinished if not _is_dead(process)]:
        pids = ", ".join(str(process.pid) for process in alive)
        raise DataFolderError(f"{endpoints.parent} is in use by processes of an earlier stack: {pids}")


def _is_dead(process: psutil.Process) -> bool:
    """Whether a process has ended; a zombie, as remains in some containers, has."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def _left(endpoints: Path) -> Iterator[psutil.Process]:
    try:
        pids = json.loads(endpoints.read_text("utf-8"))["pids"].values()
        written = endpoints.stat().st_mtime
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return
    for pid in pids:
        try:
            process = psutil.Process(pid)
            # A process id may have been reused: then the process is younger than the file, or has another name.
            if process.create_time() <= written and any(
                each in " ".join(process.cmdline()) for each in _OURS
            ):
                yield process
        except (psutil.Error, TypeError, ValueError):
            continue
