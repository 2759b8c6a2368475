"""One tick of the timer: dispatch what is unsent, watch what is active, publish what has ended.

Safe to overlap with another tick, since every step is a conditional write: the platform's timer lock is no fence.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError, LedgerError
from adf_trigger.ledger.notes import APP_SCOPE, Notes
from adf_trigger.ledger.port import LedgerReader, Stored
from adf_trigger.ledger.records import ActiveRun
from adf_trigger.service.budget import Budget
from adf_trigger.service.cancel import Canceller
from adf_trigger.service.dispatch import Dispatcher
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.gate import Gate
from adf_trigger.service.keeping import Keeping
from adf_trigger.service.monitor import Monitor
from adf_trigger.service.publish import Publisher
from adf_trigger.service.records import Records
from adf_trigger.service.steps import Steps

logger = logging.getLogger(__name__)

TICK_NOTE = "tick"
"""The app's note of the timer's last complete tick."""

TICK_SECONDS = 100.0
"""How long a tick begins new work. Beyond functionTimeout, five minutes in host.json, the platform kills the worker
with every call that runs in it: the rest is for what is under way then and for what follows a tick, on storage that
hangs."""

MOST_TROUBLE = 20

PURGED_A_TICK = 100
"""Records removed in one tick: few enough to leave time for the rest."""


@dataclass(slots=True)
class _Turn:
    """One factory's turn.

    Attributes:
        factory: whose turn it is.
        budget: calls that may still be spent on it.
        active: its active runs, read once.
        ended: records that have ended since these were read.
    """

    factory: FactoryHandle
    budget: Budget
    active: Sequence[ActiveRun] = ()
    ended: Sequence[Stored] = ()


class Tick:
    """What the timer does.

    Args:
        factories: all configured factories.
        ledger: the run ledger.
        records: writes it.
        clock: gives the present instant.
        dispatcher: starts what is accepted.
        canceller: cancels what Data Factory has not confirmed to be cancelled.
        monitor: watches what is started.
        publisher: publishes what has ended.
        keeping: purges kept messages.
        gate: which factories may not be called now; what is known of them is published all the same.
        notes: where the end of each tick is noted.
        steps: surrounds that write.
        calls: Data Factory calls that may be spent on each factory.
        retention: how long published records are kept.
        seconds: a clock that never goes back, to keep a tick short.
    """

    def __init__(
        self,
        factories: Factories,
        ledger: LedgerReader,
        records: Records,
        clock: Clock,
        dispatcher: Dispatcher,
        canceller: Canceller,
        monitor: Monitor,
        publisher: Publisher,
        keeping: Keeping,
        gate: Gate,
        notes: Notes,
        steps: Steps,
        *,
        calls: int,
        retention: timedelta,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._factories = factories
        self._ledger = ledger
        self._records = records
        self._clock = clock
        self._dispatcher = dispatcher
        self._canceller = canceller
        self._monitor = monitor
        self._publisher = publisher
        self._keeping = keeping
        self._gate = gate
        self._notes = notes
        self._steps = steps
        self._calls = calls
        self._retention = retention
        self._seconds = seconds
        self._first = 0

    def run(self) -> None:
        """Do one tick for every factory. The trouble of one, or of one part, does not keep the others from theirs.

        Where the time is over before every factory had its turn, the next tick begins with those that had none.
        """
        parts = {
            "probe": self._probe,
            "read": self._read,
            "dispatch": self._dispatch,
            "cancel": self._cancel,
            "monitor": self._watch,
            "publish": self._publish,
            "purge": self._purge,
        }
        begun, over, trouble = self._clock(), self._seconds() + TICK_SECONDS, list[str]()
        factories = list(self._factories)
        first = self._first
        for position, factory in enumerate((*factories[first:], *factories[:first])):
            if position and self._seconds() >= over:
                self._first = (first + position) % len(factories)
                trouble.append(f"reach {len(factories) - position} factories")
                break
            turn = _Turn(factory, Budget(self._calls, seconds=self._seconds))
            for left, (name, part) in zip(range(len(parts), 0, -1), parts.items(), strict=True):
                now = self._seconds()
                turn.budget.end_at(now + (over - now) / left)  # no part takes the time of those behind it
                if not self._attempt(name, part, turn):
                    trouble.append(f"{name} {factory.alias}")
        if self._seconds() < over:
            self._purge_messages()
        self._note(begun, trouble)

    def _note(self, begun: datetime, trouble: Sequence[str]) -> None:
        """Tell the health when the timer last did its work whole, and what it could not do."""
        now = self._clock()
        note = {
            "at": now.isoformat(),
            "by": "timer",
            "seconds": round((now - begun).total_seconds(), 3),
            "factories": len(list(self._factories)),
            "trouble": trouble[:MOST_TROUBLE],
        }
        try:
            with self._steps("tick.note"):
                self._notes.put(APP_SCOPE, TICK_NOTE, note)
        except LedgerError as exc:
            logger.warning(
                "The end of this tick could not be noted: %s",
                exc,
                extra={"action": "tick_not_noted", "error": type(exc).__name__},
            )

    def _probe(self, turn: _Turn) -> None:
        self._gate.probe(turn.factory)

    def _read(self, turn: _Turn) -> None:
        turn.active = self._ledger.active(turn.factory.id)

    def _dispatch(self, turn: _Turn) -> None:
        turn.ended = self._dispatcher.dispatch(turn.factory, turn.active, turn.budget)

    def _cancel(self, turn: _Turn) -> None:
        self._canceller.repeat(turn.factory, turn.active, turn.budget)

    def _watch(self, turn: _Turn) -> None:
        if self._gate.may_read(turn.factory):
            self._monitor.poll(turn.factory, turn.active, turn.budget)

    def _publish(self, turn: _Turn) -> None:
        self._publisher.publish(turn.factory, turn.active, turn.ended, turn.budget)

    def _purge(self, turn: _Turn) -> None:
        self._records.purge(turn.factory.id, before=self._clock() - self._retention, limit=PURGED_A_TICK)

    def _purge_messages(self) -> None:
        try:
            self._keeping.purge(before=self._clock() - self._retention, limit=PURGED_A_TICK)
        except LedgerError as exc:
            logger.warning(
                "This tick could not purge rejected messages: %s",
                exc,
                extra={"action": "purge_failed", "error": type(exc).__name__},
            )

    def _attempt(
        self,
        name: str,
        part: Callable[[_Turn], None],
        turn: _Turn,
    ) -> bool:
        """Do one part; whether it was done whole."""
        try:
            if not turn.budget.is_over:
                part(turn)
        except AdfTriggerError as exc:
            logger.warning(
                "This tick could not %s %s: %s",
                name,
                turn.factory.alias,
                exc,
                extra={"action": f"{name}_failed", "factory": turn.factory.id, "error": type(exc).__name__},
            )
            return False
        if turn.budget.is_over:
            logger.warning(
                "This tick could not %s all of %s: its time was over, and the next one goes on",
                name,
                turn.factory.alias,
                extra={"action": "tick_cut", "factory": turn.factory.id, "part": name},
            )
        return not turn.budget.is_over
