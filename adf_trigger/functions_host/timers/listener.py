"""Fires one timer: on schedule, one run at a time, in one of the hosts that share its lock."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from azure.functions.meta import Datum

from adf_trigger.functions_host.common.clock import Clock
from adf_trigger.functions_host.common.errors import FunctionFailed, StorageFault
from adf_trigger.functions_host.timers.holding import LockHolder, within
from adf_trigger.functions_host.timers.ncrontab import Schedule
from adf_trigger.functions_host.timers.past_due import after_run, on_startup
from adf_trigger.functions_host.timers.ports import NEVER, ScheduleStatus, StatusStore

Work = Callable[[Datum, str], Awaitable[object]]
"""Runs the function with a timer's value, for a reason; raises FunctionFailed."""

_LONGEST_SLEEP_SECONDS = 60.0
logger = logging.getLogger(__name__)


def timer_datum(status: ScheduleStatus | None, *, past_due: bool) -> Datum:
    """A timer's value, as the platform sends it to the Python worker."""
    document = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status.to_json() if status else None,
        "IsPastDue": past_due,
    }
    return Datum(json.dumps(document), "json")


class TimerListener:
    """The trigger of one function.

    Args:
        name: of the function.
        schedule: when it fires.
        run_on_startup: whether it also runs once when the lock is acquired.
        store: of its status; None if use_monitor is off, which means no catching up.
        lock: prevents other hosts from firing it.
        work: runs the function.
        clock: returns the current time.
        stopping: set once the host stops.
    """

    def __init__(
        self,
        name: str,
        schedule: Schedule,
        *,
        run_on_startup: bool,
        store: StatusStore | None,
        lock: LockHolder,
        work: Work,
        clock: Clock,
        stopping: asyncio.Event,
    ) -> None:
        self._name = name
        self._schedule = schedule
        self._run_on_startup = run_on_startup
        if store is not None and schedule.more_than_once_a_minute:
            self._log(logging.INFO, "%s fires more than once a minute: not monitored", "timer_monitor_off")
            store = None
        self._store = store
        self._lock = lock
        self._work = work
        self._clock = clock
        self._stopping = stopping
        self._status: ScheduleStatus | None = None

    @property
    def value(self) -> Datum:
        """The timer's value for a run that the schedule did not cause."""
        return timer_datum(self._monitored_status, past_due=False)

    async def run(self) -> None:
        """Fire until the host stops; returns after the current run.

        The lock is released as soon as the host stops, although the function may still be running. If cancelled
        before that, it lets the lock expire.
        """
        if not await self._lock.acquire():
            return
        releasing = asyncio.create_task(self._release_at_stop())
        try:
            await self._fire(await self._start())
            await releasing
        finally:
            releasing.cancel()
            self._lock.abandon()

    async def _release_at_stop(self) -> None:
        await self._stopping.wait()
        await self._lock.release()

    @property
    def _monitored_status(self) -> ScheduleStatus | None:
        return self._status if self._store is not None else None

    async def _start(self) -> ScheduleStatus:
        saved = await self._saved()
        startup = on_startup(self._schedule, saved, self._clock())
        # The first run gets a status that was never updated, although one has been stored by then.
        self._status = startup.status if saved else replace(startup.status, last_updated=NEVER)
        if startup.changed:
            await self._save(startup.status)
        if startup.past_due:
            self._log(logging.WARNING, "%s is past due: it runs now", "timer_past_due")
            return await self._run(startup.status, "the timer is past due", past_due=True)
        if self._run_on_startup:
            return await self._run(startup.status, "the timer runs on startup", on_schedule=False)
        return startup.status

    async def _fire(self, status: ScheduleStatus) -> None:
        while not self._stopping.is_set():
            wait = (status.next - self._clock()).total_seconds()
            if wait <= 0:
                status = await self._run(status, f"the timer fired at {self._clock().isoformat()}")
            else:
                await within(self._stopping, min(wait, _LONGEST_SLEEP_SECONDS))

    async def _run(
        self, status: ScheduleStatus, reason: str, *, past_due: bool = False, on_schedule: bool = True
    ) -> ScheduleStatus:
        began = self._clock()
        with suppress(
            FunctionFailed
        ):  # logged by the invoker; the schedule continues, and the next tick is the retry
            await self._work(timer_datum(self._monitored_status, past_due=past_due), reason)
        self._status = after_run(self._schedule, status, began, on_schedule=on_schedule and not past_due)
        await self._save(self._status)
        return self._status

    async def _saved(self) -> ScheduleStatus | None:
        if self._store is None:
            return None
        try:
            return await self._store.load()
        except StorageFault as exc:
            self._log(logging.WARNING, f"Could not load the status of %s ({exc})", "timer_status_failed")
            return None

    async def _save(self, status: ScheduleStatus) -> None:
        if self._store is None:
            return
        try:
            await self._store.save(status)
        except StorageFault as exc:
            self._log(logging.ERROR, f"Could not save the status of %s ({exc})", "timer_status_failed")

    def _log(self, level: int, sentence: str, action: str) -> None:
        logger.log(level, sentence, self._name, extra={"action": action, "function": self._name})
