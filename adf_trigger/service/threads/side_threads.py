"""Background threads that nothing waits for: a process that can start no thread continues without them."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

logger = logging.getLogger(__name__)


class Begin(Protocol):
    """Starts a task on a thread of its own."""

    def __call__(self, work: Callable[[], object], name: str) -> bool:
        """Start it; returns False where no thread can be started, so that the task never runs."""


def begin(work: Callable[[], object], name: str) -> bool:
    """See Begin. The process does not wait for it at its end."""
    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError as exc:
        logger.warning(
            "No thread could be started for %s: %s",
            name,
            exc,
            extra={"action": "thread_not_started", "meant_for": name},
        )
        return False
    return True
