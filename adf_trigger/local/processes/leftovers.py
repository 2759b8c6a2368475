"""What a stack that was killed may have left running, where no lock tells of it (Windows)."""

import json
from collections.abc import Iterator
from pathlib import Path

import psutil

from adf_trigger.emulator.commands.data_folder import DataFolderError

_OURS = ("azurite", "adf_trigger")


def wait_for_leftovers(endpoints: Path, *, patience: float) -> None:
    """Wait until the processes of the last stack on this folder have ended.

    Args:
        endpoints: file of the last stack; it need not be there.
        patience: seconds.

    Raises:
        DataFolderError: some go on.
    """
    _, unfinished = psutil.wait_procs(list(_left(endpoints)), timeout=patience)
    if alive := [process for process in unfinished if not _is_dead(process)]:
        pids = ", ".join(str(process.pid) for process in alive)
        raise DataFolderError(
            f"{endpoints.parent} is in use by what an earlier stack has left: process {pids}"
        )


def _is_dead(process: psutil.Process) -> bool:
    """Whether it has ended; one that nobody reaps, as in some containers, has."""
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
            # A process id may be another's by now: that one is younger than the file, or is called otherwise.
            if process.create_time() <= written and any(
                each in " ".join(process.cmdline()) for each in _OURS
            ):
                yield process
        except (psutil.Error, TypeError, ValueError):
            continue
