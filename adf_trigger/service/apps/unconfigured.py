"""Factories that have left the settings with unfinished requests: found, logged, and published after a deadline.

An unconfigured factory is one that the ledger has records of and the settings do not name: it was dropped, or has
moved. Its ended requests are published immediately, the rest as unknown once the factory has been away for too long.
Factories of another app on the same storage are left to that app while it is known.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError, LedgerError
from adf_trigger.ledger.notes import APP_SCOPE, Note, Notes
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun, RunState
from adf_trigger.service.apps.registry import AppRegistry
from adf_trigger.service.callbacks.caller import CallbackCaller
from adf_trigger.service.elapsed import Leases
from adf_trigger.service.factories import Factories
from adf_trigger.service.publishing.publish import Publisher
from adf_trigger.service.recording.records import Records
from adf_trigger.service.steps import Steps
from adf_trigger.service.troubles import Troubles

logger = logging.getLogger(__name__)

UNCONFIGURED_NOTES = "stranger|"
LOOK_EVERY = 20.0
"""Seconds between two looks."""
MOST_LISTED = 20
"""Maximum factories without settings that health's details list."""
PUBLISHED_A_LOOK = 100
PUBLISHING_SECONDS = 20.0
"""Maximum requests that one look publishes, and seconds that it takes: the next tick continues."""
PURGED_A_LOOK = 100
CALLING_SECONDS = 20.0
"""Maximum seconds in which one look sends their callbacks."""
REASON = "its factory is not configured any more"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long records of factories that have left the settings are kept.

    Attributes:
        deadline: unfinished requests, until their factory comes back.
        retention: published records.
    """

    deadline: timedelta
    retention: timedelta


class UnconfiguredFactoryWatcher:
    """Publishes the requests of factories that have left the settings. Thread-safe.

    Args:
        factories: all configured factories.
        ledger: the run ledger.
        records: writes it.
        publisher: sends the news.
        notes: keeps since when a factory is unconfigured.
        registry: knows the factories of other apps.
        clock: returns the current time.
        steps: surrounds each effect.
        bounds: how long their records are kept.
        leases: which records are leased to another process.
        caller: sends the callbacks of their requests.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        factories: Factories,
        ledger: LedgerReader,
        records: Records,
        publisher: Publisher,
        notes: Notes,
        registry: AppRegistry,
        clock: Clock,
        steps: Steps,
        bounds: Bounds,
        leases: Leases,
        caller: CallbackCaller,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._factories = factories
        self._ledger = ledger
        self._records = records
        self._publisher = publisher
        self._notes = notes
        self._registry = registry
        self._clock = clock
        self._steps = steps
        self._bounds = bounds
        self._leases = leases
        self._caller = caller
        self._seconds = seconds
        self._lock = threading.Lock()
        self._known: tuple[float, Sequence[str]] | None = None
        self._looked_at: float | None = None
        self._named: set[str] = set()

    def has(self, factory: str) -> bool:
        """Whether a resource id, in any case, is that of an unconfigured factory.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        return factory.lower() in self.ids()

    def ids(self) -> Sequence[str]:
        """Resource ids, in lower case, of factories that are not configured and have records; cached for LOOK_EVERY.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        now = self._seconds()
        with self._lock:
            known = self._known
        if known is not None and now - known[0] < LOOK_EVERY:
            return known[1]
        owners = self._registry.owners()
        found = [
            factory
            for factory in self._ledger.factories()
            if self._factories.kept_under(factory) is None and not owners.has(factory, alive=True)
        ]
        with self._lock:
            self._known = (now, found)
        return found

    def attend(self) -> None:
        """Handle them periodically. A failure is logged; the next look continues."""
        if self._looked_at is not None and self._seconds() - self._looked_at < LOOK_EVERY:
            return
        try:
            self._look(self._clock())
        except AdfTriggerError as exc:
            _log_trouble("Factories that have left the settings could not be handled: %s", exc)

    def _look(self, now: datetime) -> None:
        owners = self._registry.owners()
        notes = {note.name: note for note in self._notes.named(APP_SCOPE, UNCONFIGURED_NOTES)}
        unfinished, done = set[str](), set[str]()
        left = PUBLISHED_A_LOOK
        for factory in self.ids():
            name = _note_name(factory)
            try:
                active = self._ledger.active(factory)
                if not owners.has(factory):
                    self._records.purge(factory, before=now - self._bounds.retention, limit=PURGED_A_LOOK)
                    self._call_back(factory, active)
                if not active:
                    continue
                since = self._name(factory, active, notes.get(name), owned=owners.has(factory))
                published = 0
                if not owners.has(factory):
                    published = self._publish(factory, active, now - since >= self._bounds.deadline, left)
                    left -= published
                if published < len(active):
                    unfinished.add(name)
                else:
                    done.add(name)
            except LedgerError as exc:
                unfinished.add(name)  # whether it is finished is not known
                _log_trouble("A factory that has left the settings could not be handled: %s", exc)
        for name in (notes.keys() | done) - unfinished:
            with self._steps("strangers.forget"):
                self._notes.remove(APP_SCOPE, name)
            self._named.discard(name)
        if left > 0:
            self._looked_at = self._seconds()  # else there is more to publish: the next tick looks again

    def _call_back(self, factory: str, active: Sequence[ActiveRun]) -> None:
        over = self._seconds() + CALLING_SECONDS
        self._caller.call(factory, active, lambda notes: takewhile(lambda _: self._seconds() < over, notes))

    def _name(self, factory: str, active: Sequence[ActiveRun], note: Note | None, *, owned: bool) -> datetime:
        """Note that it is unconfigured, and since when; log it once."""
        name = _note_name(factory)
        now = self._clock()
        # A time in the future was written by a clock ahead of ours.
        since = now if note is None else min(now, datetime.fromisoformat(note.value["since"]))
        value: dict[str, Any] = {
            "factory": factory if note is None else note.value["factory"],
            "since": since.isoformat(),
            "unfinished": len(active),
            "publishedAsUnknownAt": None if owned else (since + self._bounds.deadline).isoformat(),
        }
        if note is None:
            stored = self._ledger.get(factory, active[0].request_id)
            value["factory"] = factory if stored is None else stored.record.factory
        if note is None or note.value != value:
            with self._steps("strangers.note"):
                self._notes.put(APP_SCOPE, name, value, "" if note is None else note.etag)
        if name not in self._named:
            self._named.add(name)
            logger.warning(
                "Factory %s is not configured any more and has %d unfinished requests%s",
                value["factory"],
                len(active),
                self._hint(factory),
                extra={
                    "action": "unfinished_stranger",
                    "factory": value["factory"],
                    "unfinished": len(active),
                },
            )
        return since

    def _hint(self, factory: str) -> str:
        """How an operator maps the factory, where it seems to have moved: its name is unique in Azure."""
        last = factory.rpartition("/")[2]
        for handle in self._factories:
            if handle.present_id.lower().rpartition("/")[2] == last:
                return f"; if it has moved, ADF_TRIGGER_MOVED_FACTORIES maps it to {handle.alias}"
        return ""

    def _publish(self, factory: str, active: Sequence[ActiveRun], due: bool, most: int) -> int:  # noqa: FBT001
        """Publish what has ended, and once the deadline is over, everything; returns how many were published."""
        published = 0
        over = self._seconds() + PUBLISHING_SECONDS
        troubles = Troubles("publish_unconfigured")
        for row in active:
            if published >= most or self._seconds() >= over:
                break
            if not due and row.state is not RunState.ENDED:
                continue
            with troubles.of(row.request_id):
                stored = self._ledger.get(factory, row.request_id)
                published += stored is not None and self._finish(stored, due=due)
        return published

    def _finish(self, stored: Stored, *, due: bool) -> bool:
        """Publish one request where that is due; whether it was published."""
        state = stored.record.state
        waits = state is not RunState.ENDED and not due
        if state is RunState.PUBLISHED or waits or self._is_leased(stored):
            return False
        if state is RunState.ACCEPTED:
            stored = self._records.park(stored, REASON)
        elif state is RunState.SUBMITTED:
            stored = self._records.lose(stored, REASON)
        leased = stored if self._is_leased(stored) else self._records.lease_to_publish(stored)
        self._publisher.publish_leased(leased)
        return True

    def _is_leased(self, stored: Stored) -> bool:
        return not self._leases.is_over(stored.record)


def listed(notes: Sequence[Note]) -> list[Mapping[str, Any]]:
    """The notes of unconfigured factories as an operator reads them."""
    return [note.value for note in notes[:MOST_LISTED]]


def _note_name(factory: str) -> str:
    return UNCONFIGURED_NOTES + hashlib.sha256(factory.encode()).hexdigest()[:32]


def _log_trouble(sentence: str, error: AdfTriggerError) -> None:
    logger.warning(sentence, error, extra={"action": "strangers_failed", "error": type(error).__name__})
