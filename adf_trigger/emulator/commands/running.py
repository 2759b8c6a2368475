"""Which stacks of this user run on this machine, so that a command in another shell finds the one."""

import fcntl
import json
import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adf_trigger.emulator.commands.data_folder import in_use

logger = logging.getLogger(__name__)

ENDPOINTS = "endpoints.json"
"""Name of the file in a data folder that has everything about the stack that runs on it."""

_UNFINISHED = "."


class NotRunning(Exception):
    """There is no stack to talk about, or there are several; the text says what to do."""


@contextmanager
def announced(file: Path) -> Iterator[None]:
    """Let other processes of this user find the stack meanwhile.

    Where that cannot be, the stack runs all the same, and is found by its data folder alone.

    Args:
        file: its endpoints.json.
    """
    try:
        entry = _folder() / f"{os.getpid()}-{os.urandom(4).hex()}"
    except (NotRunning, OSError) as exc:
        logger.warning(
            "`env` finds this stack by --data alone: %s", exc, extra={"action": "stack_unannounced"}
        )
        yield
        return
    unfinished = entry.with_name(f"{_UNFINISHED}{entry.name}")
    with unfinished.open("w") as opened:
        # The lock goes with the process, however it ends; an entry that nobody holds is of one that was killed.
        fcntl.flock(opened, fcntl.LOCK_EX)
        opened.write(str(file))
        opened.flush()
        unfinished.replace(entry)
        try:
            yield
        finally:
            entry.unlink(missing_ok=True)


def facts(data: Path | None) -> dict[str, Any]:
    """What the file of the running stack says.

    Args:
        data: the stack's data folder; None for the only one that runs.

    Raises:
        NotRunning: none runs, or several do.
    """
    if data is not None:
        if not (data / ENDPOINTS).is_file() or not in_use(data):
            raise NotRunning(f"no stack runs on {data}")
        files = [data / ENDPOINTS]
    else:
        files = sorted(_running())
    if not files:
        raise NotRunning("no stack runs; start one with `python -m adf_trigger.local up`")
    if len(files) > 1:
        folders = ", ".join(str(file.parent) for file in files)
        raise NotRunning(f"several stacks run; choose one with --data: {folders}")
    found: dict[str, Any] = json.loads(files[0].read_text("utf-8"))
    return found


def _running() -> Iterator[Path]:
    for entry in _folder().iterdir():
        if entry.name.startswith(_UNFINISHED):
            continue
        try:
            with entry.open() as opened:
                fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            continue
        except BlockingIOError:
            if (file := Path(entry.read_text())).is_file():
                yield file
        else:
            entry.unlink(missing_ok=True)


def _folder() -> Path:
    """A folder that is this user's alone.

    Raises:
        NotRunning: somebody else has made it.
    """
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"adf-trigger-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise NotRunning(f"{folder} is not this user's alone")
    return folder
