"""Keeps a failure of one record from affecting the others."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from adf_trigger.errors import LedgerConflict, LedgerError, PublishError

logger = logging.getLogger(__name__)

PATIENCE = 20.0
"""Maximum seconds that a part of a tick may spend on records for which storage does not answer."""


class Troubles:
    """Guards the work on each record of a part of a tick. Thread-safe.

    Args:
        part: the part, for logs: `dispatch`, `publish`, ….
        patience: seconds that may be spent on failures of storage.
    """

    def __init__(self, part: str, patience: float = PATIENCE) -> None:
        self._part = part
        self._left = patience
        self._lock = threading.Lock()

    @contextmanager
    def of(self, request_id: str) -> Iterator[None]:
        """Guard the work on one record: an error is logged, and the next record is processed.

        Raises:
            LedgerError, PublishError: storage has kept this part waiting for too long.
        """
        began = time.monotonic()
        try:
            yield
        except LedgerConflict:
            logger.info(
                "Request %s is being handled by another process",
                request_id,
                extra={"action": f"{self._part}_lost_race", "request_id": request_id},
            )
        except (LedgerError, PublishError) as exc:
            self._note(request_id, exc)
            with self._lock:
                self._left -= time.monotonic() - began
                is_over = self._left <= 0
            if is_over:
                raise
        except Exception as exc:  # noqa: BLE001 - the outermost edge of one record: it must not end the others' turn
            self._note(request_id, exc)

    def _note(self, request_id: str, exc: Exception) -> None:
        logger.error(
            "This tick could not %s request %s: %s",
            self._part,
            request_id,
            exc,
            exc_info=not isinstance(exc, (LedgerError, PublishError)),
            extra={
                "action": f"{self._part}_record_failed",
                "request_id": request_id,
                "error": type(exc).__name__,
            },
        )
