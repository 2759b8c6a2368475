"""Starts requests that wait for allowed calls as soon as these are allowed, and not when the timer is due next."""

import logging
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import partial

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.dispatching.dispatch import Dispatcher
from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.starting.backlog import Backlog
from adf_trigger.service.threads.side_threads import Begin, begin
from adf_trigger.service.threads.tick_threads import TickThreads, entered
from adf_trigger.settings.schedule import Schedule

logger = logging.getLogger(__name__)

FIRST_LOOK = 1.0
"""Seconds before the first look for requests that wait, so that those that come together are claimed; doubled for each
further one, which finds what came too late for the one before."""

MOST = 8
"""Maximum factories that are drained concurrently: their helpers are threads of the ticks. The timer starts the
requests of any others."""

LONGEST = timedelta(seconds=100)
"""Maximum time for which one backlog is drained, however rarely the timer is due."""


class BacklogDrainer:
    """Starts the requests of a backlog until the timer is due, in the process that has begun the backlog.

    Only one process begins it, and drains no backlog that another has begun since. The timer would start these requests
    when it is due next, and does so if this process ends. Thread-safe.

    Args:
        ledger: the run ledger.
        backlog: whether requests still wait.
        dispatcher: starts them.
        gate: says whether a factory may be called now.
        allowance: which calls are allowed now.
        clock: returns the current time.
        schedule: of the timer.
        calls: Data Factory calls that may be spent.
        seconds: a monotonic clock.
        begin: begins to drain in a thread.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        backlog: Backlog,
        dispatcher: Dispatcher,
        gate: Gate,
        allowance: Allowance,
        clock: Clock,
        schedule: Schedule,
        *,
        calls: int,
        seconds: Callable[[], float] = time.monotonic,
        begin: Begin = begin,
    ) -> None:
        self._ledger = ledger
        self._backlog = backlog
        self._dispatcher = dispatcher
        self._gate = gate
        self._allowance = allowance
        self._clock = clock
        self._schedule = schedule
        self._calls = calls
        self._seconds = seconds
        self._begin = begin
        self._begun: dict[str, datetime] = {}
        """The factories that are being drained, and when this process has begun the last backlog of each."""
        self._lock = threading.Lock()

    def begin(self, factory: FactoryHandle, since: datetime) -> None:
        """Drain a backlog that this process has begun, on a background thread, unless MOST are being drained.

        Args:
            factory: whose requests wait.
            since: when the backlog began, by its note.
        """
        key = factory.id.lower()
        with self._lock:
            is_drained = key in self._begun
            if not is_drained and len(self._begun) >= MOST:
                return
            self._begun[key] = since
        if is_drained:
            return  # the thread that drains it looks again
        if not self._begin(partial(copy_context().run, self._run, factory, since), "drain"):
            with self._lock:
                self._begun.pop(key, None)

    def _run(self, factory: FactoryHandle, since: datetime) -> None:
        key = factory.id.lower()
        while True:
            self._drain_logged(factory, since)
            with self._lock:
                if self._begun[key] == since:
                    del self._begun[key]
                    return
                since = self._begun[key]

    def _drain_logged(self, factory: FactoryHandle, since: datetime) -> None:
        try:
            entered()
            self.drain(factory, since)
        except Exception as exc:  # the outermost edge of the thread: the timer continues
            is_ours = not isinstance(exc, AdfTriggerError)
            logger.log(
                logging.ERROR if is_ours else logging.WARNING,
                "The backlog of %s is left to the timer: %s",
                factory.alias,
                exc,
                exc_info=is_ours,
                extra={"action": "drain_failed", "factory": factory.id, "error": type(exc).__name__},
            )

    def drain(self, factory: FactoryHandle, since: datetime) -> None:
        """Start requests that wait, in order of arrival, until none does or the timer is due.

        A factory that cannot be used is left to the timer, and so is a request in doubt: a tick notes each doubt before
        it decides about it.

        Args:
            factory: whose requests wait.
            since: when the backlog began, by its note; another one is left to the process that has begun it.

        Raises:
            LedgerError: the ledger is out of reach; the timer continues.
        """
        now, look = self._clock(), FIRST_LOOK
        until = self._seconds() + min(self._schedule.next_after(now) - now, LONGEST).total_seconds()
        whole = Budget(
            self._calls, seconds=self._seconds, allowance=self._allowance, factory=factory.present_id
        )
        budget = whole.part(until)
        while budget.pause(look) and budget.left and self._backlog.read_since(factory) == since:
            if self._cannot_be_used(factory, until):
                return
            unsent = [row for row in self._ledger.active(factory.id) if row.sent_at is None]
            self._dispatcher.dispatch(factory, unsent, budget)
            look *= 2

    def _cannot_be_used(self, factory: FactoryHandle, until: float) -> bool:
        """Whether no run can be started until then."""
        if self._gate.next_try(factory) is None:
            return False
        pause = self._gate.pause_of_sends(factory)
        return pause is None or self._seconds() + pause.total_seconds() >= until


def wire_drainer(
    ledger: LedgerReader,
    backlog: Backlog,
    dispatcher: Dispatcher,
    gate: Gate,
    allowance: Allowance,
    clock: Clock,
    schedule: Schedule,
    tick_threads: TickThreads,
    calls: int,
) -> None:
    """Have backlogs drained, unless everything is done by the calling thread alone."""
    if not tick_threads.is_alone:
        drainer = BacklogDrainer(ledger, backlog, dispatcher, gate, allowance, clock, schedule, calls=calls)
        backlog.drained_by(drainer.begin)
