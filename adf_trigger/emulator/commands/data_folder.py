"""The folder that a stack writes to, and the lock that keeps two stacks from sharing one."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adf_trigger.emulator.commands.locks import is_held, take

_LOCK = "stack.lock"
_PAUSE_SECONDS = 0.1
DATABASE = "factory.db"
_EMULATOR_FILES = (DATABASE, "azure")
_CERTIFICATES = {".pem", ".p12", ".key"}
PATIENCE_SECONDS = 2.0
"""How long a command waits for another one that is about to end."""


class DataFolderError(Exception):
    """The folder cannot be used."""


@contextmanager
def data_folder(path: Path | None) -> Iterator[Path]:
    """The folder, created if needed; None gives a temporary one.

    A temporary folder is removed at the end, unless an exception ends it: its logs may explain the exception.

    Raises:
        DataFolderError: it cannot be created.
    """
    if path is None:
        temporary = Path(tempfile.mkdtemp(prefix="adf-trigger-"))
        try:
            yield temporary
        except Exception:
            raise
        except BaseException:
            shutil.rmtree(temporary)
            raise
        shutil.rmtree(temporary)
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise DataFolderError(f"{path} cannot be used as the data folder: {exc.strerror}") from exc
    yield path.resolve()


def emulator_folder(data: Path) -> Path:
    """The emulator's own folder within a stack's data folder.

    Files that `import` and `factory` of earlier versions left beside it are moved there. The caller must hold the
    data folder's lock.
    """
    home = data / "emulator"
    if not home.exists():
        home.mkdir()
        for left in sorted(data.iterdir()) if (data / DATABASE).exists() else []:
            if left.name.startswith(_EMULATOR_FILES) or left.suffix in _CERTIFICATES:
                left.rename(home / left.name)
    return home


@contextmanager
def exclusive(folder: Path, *, patience: float) -> Iterator[int]:
    """Lock the folder exclusively; yields a file descriptor that holds the lock wherever it is open.

    Processes that inherit the descriptor keep the folder locked until they have ended too, so that a new stack does
    not meet the leftovers of a killed one.

    Args:
        folder: must exist.
        patience: seconds to wait for another process to end.

    Raises:
        DataFolderError: another process uses the folder, or it cannot be written to.
    """
    deadline = time.monotonic() + patience
    try:
        file = (folder / _LOCK).open("w")
    except OSError as exc:
        raise DataFolderError(f"{folder} cannot be written to: {exc.strerror}") from exc
    with file:
        while not take(file.fileno()):
            if time.monotonic() >= deadline:
                raise DataFolderError(f"{folder} is in use by another process")
            time.sleep(_PAUSE_SECONDS)
        yield file.fileno()


def in_use(folder: Path) -> bool:
    """Whether a process has the folder locked."""
    return is_held(folder / _LOCK)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)  # one left by an interrupted write may be readable by others
    unfinished.touch(mode=0o600, exist_ok=False)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
