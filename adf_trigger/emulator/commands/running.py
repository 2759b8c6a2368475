"""The registry of this user's running stacks, so that a command in another shell finds them.

Each stack registers in a folder that is private to this user: `adf-trigger-<user id>` in XDG_RUNTIME_DIR, or in the
folder for temporary files if that is not set (on Windows that one is the user's own, and the name is `adf-trigger`).
There `<name>.json` has the path of the stack's endpoints.json, which has everything else, its addresses and keys, and
which only the owner can read. The stack's process holds `<name>.lock` beside it locked while it runs: an entry whose
lock is free belongs to a stack that was killed; it is ignored, and removed by the command that finds it.
"""

import json
import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from adf_trigger.emulator.commands.data_folder import in_use, write_private
from adf_trigger.emulator.commands.locks import is_held, take

logger = logging.getLogger(__name__)

ENDPOINTS = "endpoints.json"
"""Name of the file in a data folder that describes the stack running on it."""


class NotRunning(Exception):
    """No stack runs, or several do; the text says what to do."""


@contextmanager
def announced(file: Path) -> Iterator[None]:
    """Register the stack, so that other processes of this user find it.

    If that fails, the stack runs nevertheless, and is found only by its data folder.

    Args:
        file: its endpoints.json.
    """
    try:
        entry = _folder() / f"{os.getpid()}-{os.urandom(4).hex()}.json"
    except (NotRunning, OSError) as exc:
        logger.warning(
            "The stack is not registered, and `env` finds it only by --data: %s",
            exc,
            extra={"action": "stack_unannounced"},
        )
        yield
        return
    lock = entry.with_suffix(".lock")
    try:
        with lock.open("ab") as held:
            take(held.fileno())  # no other process knows the name yet
            write_private(entry, json.dumps({"endpoints": str(file), "pid": os.getpid()}) + "\n")
            try:
                yield
            finally:
                entry.unlink(missing_ok=True)
    finally:
        _forget(entry)


def facts(data: Path | None) -> dict[str, Any]:
    """The contents of the running stack's endpoints.json.

    Args:
        data: the stack's data folder; None for the only one that runs.

    Raises:
        NotRunning: none runs, or several do.
    """
    if data is not None:
        if not (data / ENDPOINTS).is_file() or not in_use(data):
            raise NotRunning(f"no stack runs on {data}")
        return _read(data / ENDPOINTS)
    files = sorted(running())
    if not files:
        raise NotRunning("no stack runs; start one with `python -m adf_trigger.local up`")
    if len(files) > 1:
        folders = ", ".join(str(file.parent) for file in files)
        raise NotRunning(f"several stacks run; choose one with --data: {folders}")
    return _read(files[0])


def running() -> Iterator[Path]:
    """The endpoints.json of each stack of this user that runs.

    Raises:
        NotRunning: the folder of the registry is not private to this user.
    """
    for entry in _folder().glob("*.json"):
        if not is_held(entry.with_suffix(".lock")):
            _forget(entry)
            continue
        with suppress(OSError, ValueError, KeyError):  # it has just ended
            if (file := Path(json.loads(entry.read_text("utf-8"))["endpoints"])).is_file():
                yield file


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def _forget(entry: Path) -> None:
    for file in (entry, entry.with_suffix(".lock")):
        with suppress(OSError):  # on Windows a file that is open elsewhere stays
            file.unlink(missing_ok=True)


def _folder() -> Path:
    """The folder of the registry, which is private to this user.

    Raises:
        NotRunning: another user owns it, or others can access it.
    """
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    if not base.is_dir():  # as in a shell of sudo or a container, which has only the variable
        base = Path(tempfile.gettempdir())
    get_user = getattr(os, "getuid", None)
    if get_user is None:  # on Windows, where the folder for temporary files is each user's own
        folder = base / "adf-trigger"
        folder.mkdir(exist_ok=True)
        return folder
    folder = base / f"adf-trigger-{get_user()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != get_user() or stat.S_IMODE(found.st_mode) & 0o077:
        raise NotRunning(f"{folder} is not private to this user")
    return folder
