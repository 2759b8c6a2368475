"""Locks between processes, on any system: a file that one process holds locked until it ends, however it ends.

A lock has a file of its own, since on Windows other processes cannot read a locked file.
"""

import time
from pathlib import Path

from filelock import lock_descriptor

_PROBES = 3
_PAUSE_SECONDS = 0.02


def take(descriptor: int) -> bool:
    """Lock an open file without waiting; False if another process holds the lock.

    The lock is released when the last process that has the descriptor open closes it or ends.
    """
    return lock_descriptor(descriptor, blocking=False)


def is_held(path: Path) -> bool:
    """Whether a process has the file locked.

    A probe takes the lock for a moment, so it is repeated in case another probe held it.
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
