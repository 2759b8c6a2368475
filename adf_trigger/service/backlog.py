"""Whether requests of a factory wait for calls that the Resource Manager allows, so that a new one waits behind them.

Requests are started in their order of arrival, whichever instance took them. While a factory's note says since when
there is a backlog, a new request is claimed and not sent: the timer sends them all, as fast as it is allowed to.
"""

import logging
import threading
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger.notes import Notes
from adf_trigger.service.allowance import Allowance
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.steps import Steps
from adf_trigger.service.throttling import Bucket, Throttling

logger = logging.getLogger(__name__)

NOTE = "backlog"
"""Name of the note, in the scope of the factory's records: `{"since": …}`, and none where nobody waits."""

KNOWN_FOR = timedelta(seconds=1)
"""How long what was read of a backlog is used again."""

WAITS_FOR_ITS_TURN = "it waits for its turn: requests that came before it are still to be started"


class Backlog:
    """Reads and writes the notes, at most one read a second. Safe to share between threads.

    Args:
        notes: where they are kept.
        allowance: which calls are allowed now.
        throttling: which factories asked to be left alone.
        clock: gives the present instant.
        steps: surrounds each write.
    """

    def __init__(
        self, notes: Notes, allowance: Allowance, throttling: Throttling, clock: Clock, steps: Steps
    ) -> None:
        self._notes = notes
        self._allowance = allowance
        self._throttling = throttling
        self._clock = clock
        self._steps = steps
        self._known: dict[str, tuple[datetime, datetime | None]] = {}
        self._lock = threading.Lock()

    def is_joined(self, factory: FactoryHandle) -> bool:
        """Whether a new request has to wait for its turn; where it need not, one call is taken for it."""
        if self.since(factory) is not None:
            return True
        throttled = self._throttling.until(factory.present_id, Bucket.WRITES, self._clock()) is not None
        if not throttled and self._allowance.take(factory.present_id, Bucket.WRITES):
            return False
        self.begin(factory)
        return True

    def is_not_used(self, factory: FactoryHandle) -> None:
        """The call that was taken for a new request is not made."""
        self._allowance.give_back(factory.present_id, Bucket.WRITES)

    def since(self, factory: FactoryHandle) -> datetime | None:
        """Since when requests wait; None where none do, or where that cannot be read."""
        key, now = factory.id.lower(), self._clock()
        with self._lock:
            known = self._known.get(key)
        if known is not None and timedelta() <= now - known[0] < KNOWN_FOR:
            return known[1]
        try:
            note = self._notes.get(factory.id, NOTE)
        except LedgerError as exc:
            _log("The backlog of %s could not be read: %s", "backlog_not_read", factory, exc)
            return None
        return self._remember(key, _instant(None if note is None else note.value.get("since")))

    def begin(self, factory: FactoryHandle) -> None:
        """Requests wait from now on, unless some already do."""
        now = self._clock()
        try:
            with self._steps("backlog.begin"):
                self._notes.put(factory.id, NOTE, {"since": now.isoformat()}, "")
        except LedgerConflict:
            self._forget(factory)  # another was first
        except LedgerError as exc:
            _log("The backlog of %s could not be noted: %s", "backlog_not_noted", factory, exc)
        else:
            self._remember(factory.id.lower(), now)
            logger.info(
                "Requests of %s wait for their turn from now on",
                factory.alias,
                extra={"action": "backlog_begun", "factory": factory.id},
            )

    def end(self, factory: FactoryHandle) -> None:
        """Nobody waits any more."""
        since = self.since(factory)
        if since is None:
            return
        try:
            with self._steps("backlog.end"):
                self._notes.remove(factory.id, NOTE)
        except LedgerError as exc:
            _log("The end of the backlog of %s could not be noted: %s", "backlog_not_noted", factory, exc)
            return
        self._remember(factory.id.lower(), None)
        logger.info(
            "No request of %s waits for its turn any more, after %s",
            factory.alias,
            self._clock() - since,
            extra={"action": "backlog_ended", "factory": factory.id},
        )

    def _remember(self, key: str, since: datetime | None) -> datetime | None:
        with self._lock:
            self._known[key] = (self._clock(), since)
        return since

    def _forget(self, factory: FactoryHandle) -> None:
        with self._lock:
            self._known.pop(factory.id.lower(), None)


def _instant(text: object) -> datetime | None:
    """What a note says; of one that another version has written otherwise, that nobody waits."""
    try:
        instant = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return instant if instant is not None and instant.tzinfo else None


def _log(sentence: str, action: str, factory: FactoryHandle, error: LedgerError) -> None:
    logger.warning(
        sentence,
        factory.alias,
        error,
        extra={"action": action, "factory": factory.id, "error": type(error).__name__},
    )
