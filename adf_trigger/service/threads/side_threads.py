"""Background threads that nothing waits for: a process that has no thread left goes on without them."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

logger = logging.getLogger(__name__)


class Begin(Protocol):
    """Begins work in a thread of its own."""

    def __call__(self, work: Callable[[], object], name: str) -> bool:
        """Whether it has begun; where no thread can be started, it never will."""


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
