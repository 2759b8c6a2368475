"""Locks between processes, on any system: a file that one process has locked until it ends, however it ends.

A lock has a file of its own, since on Windows nobody else can read what is locked.
"""

import time
from pathlib import Path

from filelock import lock_descriptor

_PROBES = 3
_PAUSE_SECONDS = 0.02


def take(descriptor: int) -> bool:
    """Lock an open file without waiting; False where another process has it.

    The lock goes when the last process that has the descriptor open has closed it, or is gone.
    """
    return lock_descriptor(descriptor, blocking=False)


def is_held(path: Path) -> bool:
    """Whether a process has the file locked.

    To find out takes the lock for a moment, so that others who ask at that moment are asked to look again.
    """
    for _ in range(_PROBES):
        try:
            with path.open("r+b") as file:
                if take(file.fileno()):
                    return False
        except FileNotFoundError:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True
