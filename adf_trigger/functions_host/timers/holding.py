"""Acquires a timer's lock and keeps it."""

import asyncio
import logging

from adf_trigger.functions_host.common.errors import Crash, LeaseLost, StorageFault
from adf_trigger.functions_host.timers.ports import TimerLock

_START_AGAIN = (1.0, 2.0, 3.0, 5.5, 8.5, 16.0, 30.0)
"""Pauses before a listener that could not start is restarted, in units of the first; the last one repeats."""

logger = logging.getLogger(__name__)


class LockHolder:
    """Requests a lock until it is acquired, and then renews it at half of its time.

    It is not a fence: a host whose renewals get no answer keeps firing, as the platform's does, and may therefore
    fire together with its successor. A renewal that finds the lease held by another host ends this one.

    Args:
        lock: the lock.
        name: of the timer's function, for the log.
        period: seconds of its lease.
        recovery: seconds between tries while another host holds it.
        retry: seconds before it is requested again after a storage error; grows with each error.
        stopping: set once the host stops.
        crash: ends the host; None for a forgiving host, which keeps firing.
    """

    def __init__(
        self,
        lock: TimerLock,
        name: str,
        *,
        period: int,
        recovery: float,
        retry: float,
        stopping: asyncio.Event,
        crash: Crash | None = None,
    ) -> None:
        self._lock = lock
        self._name = name
        self._period = period
        self._recovery = recovery
        self._retry = retry
        self._stopping = stopping
        self._crash = crash
        self._lease_id: str | None = None
        self._released = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None
        self._lost = False

    async def acquire(self) -> bool:
        """Wait for the lock. False if the host stopped before it was acquired."""
        again = iter(_START_AGAIN)
        while not self._stopping.is_set():
            pause = self._recovery
            try:
                self._lease_id = await self._lock.acquire(self._period)
            except StorageFault as exc:
                self._log(logging.WARNING, "Could not request the lock of %s (%s)", "timer_lock_failed", exc)
                pause = self._retry * next(again, _START_AGAIN[-1])
            if self._lease_id is not None:
                self._log(logging.INFO, "Acquired the lock of %s%s", "timer_lock_acquired", "")
                self._renewing = asyncio.create_task(self._renew(self._lease_id))
                return True
            await within(self._stopping, pause)
        return False

    async def release(self) -> None:
        """Stop renewing the lock, and release it."""
        if self._renewing is None or self._lease_id is None:
            return
        self._released.set()
        await self._renewing
        if self._lost:
            return
        try:
            await self._lock.release(self._lease_id)
        except StorageFault as exc:
            self._log(logging.WARNING, "Could not release the lock of %s (%s)", "timer_lock_failed", exc)

    def abandon(self) -> None:
        """Stop renewing the lock without releasing it; it expires."""
        if self._renewing is not None:
            self._renewing.cancel()

    async def _renew(self, lease_id: str) -> None:
        normal = self._period / 2
        pause = normal
        while not await within(self._released, pause):
            try:
                await self._lock.renew(lease_id)
            except StorageFault as exc:
                pause = max(1.0, pause / 2)
                self._log(
                    logging.WARNING, "Could not renew the lock of %s (%s)", "timer_lock_not_renewed", exc
                )
                if isinstance(exc, LeaseLost) and self._crash is not None:
                    self._lost = True
                    self._crash(exc)
                    return
            else:
                pause = normal

    def _log(self, level: int, sentence: str, action: str, detail: object) -> None:
        logger.log(level, sentence, self._name, detail, extra={"action": action, "function": self._name})


async def within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, at most `seconds`; return whether it is set."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
