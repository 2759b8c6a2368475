"""The timer trigger in virtual time: when it fires, and on which host."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from azure.functions.meta import Datum

from adf_trigger.functions_host.common.errors import FunctionFailed, StorageFault
from adf_trigger.functions_host.timers.holding import LockHolder
from adf_trigger.functions_host.timers.listener import TimerListener
from adf_trigger.functions_host.timers.ncrontab import Schedule
from adf_trigger.functions_host.timers.ports import NEVER, ScheduleStatus
from tests.unit.functions_host.doubles import START, MemoryLock, MemoryStatus, in_virtual_time, virtual_now

EVERY_TEN_MINUTES = "0 */10 * * * *"
MINUTE = 60.0


@dataclass
class Host:
    """One host with one timer; hosts may share lock and status."""

    schedule: str = EVERY_TEN_MINUTES
    lock: MemoryLock = field(default_factory=MemoryLock)
    store: MemoryStatus | None = field(default_factory=MemoryStatus)
    run_on_startup: bool = False
    takes: float = 0.0
    fails: bool = False
    runs: list[float] = field(default_factory=list)
    values: list[dict[str, object]] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    forgiving: bool = False
    crashes: list[float] = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None

    def crash(self, _: StorageFault) -> None:
        self.crashes.append(asyncio.get_running_loop().time())
        if self.task is not None:
            self.task.cancel()

    async def work(self, value: Datum, _: str) -> None:
        self.runs.append(asyncio.get_running_loop().time())
        self.values.append(json.loads(value.value))
        await asyncio.sleep(self.takes)
        if self.fails:
            raise FunctionFailed("no")

    def start(self, after: float = 0.0) -> "asyncio.Task[None]":
        async def run() -> None:
            await asyncio.sleep(after)
            holder = LockHolder(
                self.lock,
                "tick",
                period=60,
                recovery=60.0,
                retry=2.0,
                stopping=self.stopping,
                crash=None if self.forgiving else self.crash,
            )
            listener = TimerListener(
                "tick",
                Schedule(self.schedule),
                run_on_startup=self.run_on_startup,
                store=self.store,
                lock=holder,
                work=self.work,
                clock=virtual_now,
                stopping=self.stopping,
            )
            await listener.run()

        self.task = asyncio.create_task(run())
        return self.task


def run(
    *hosts: Host, seconds: float, meanwhile: Callable[[list["asyncio.Task[None]"]], object] | None = None
) -> None:
    """Let hosts run for some virtual time and stop; `meanwhile` is called half-way through."""

    async def main() -> None:
        tasks = [host.start(after=index) for index, host in enumerate(hosts)]
        await asyncio.sleep(seconds / 2)
        if meanwhile is not None:
            meanwhile(tasks)
        await asyncio.sleep(seconds / 2)
        for host in hosts:
            host.stopping.set()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)

    in_virtual_time(main)


def kill(index: int) -> Callable[[list["asyncio.Task[None]"]], object]:
    """End a host as SIGKILL does: it stops, and its lock stays held."""
    return lambda tasks: tasks[index].cancel()


def test_a_timer_fires_at_each_occurrence() -> None:
    """In forty minutes there are four occurrences, each at its second."""
    host = Host()
    run(host, seconds=40 * MINUTE + 1)
    assert [round(moment) for moment in host.runs] == [600, 1200, 1800, 2400]


def test_runs_of_a_timer_never_overlap() -> None:
    """A function that takes longer than the interval runs again when it has ended, once for all it missed."""
    host = Host(schedule="*/10 * * * * *", takes=25.0)
    run(host, seconds=100)
    assert [round(moment) for moment in host.runs] == [10, 35, 60, 85]


def test_a_failed_run_does_not_end_the_schedule() -> None:
    """The next tick is the retry, and the status advances."""
    host = Host(fails=True)
    run(host, seconds=21 * MINUTE)
    assert len(host.runs) == 2
    assert host.store is not None
    assert host.store.status is not None
    assert host.store.status.next == START + timedelta(minutes=30)


def test_the_status_is_stored_after_the_function_has_returned() -> None:
    """While it runs, the stored next is still due: after a crash it would be caught up."""
    host = Host(takes=60.0)
    seen: list[datetime] = []

    async def main() -> None:
        task = host.start()
        await asyncio.sleep(10 * MINUTE + 30)
        assert host.store is not None
        assert host.store.status is not None
        seen.append(host.store.status.next)
        await asyncio.sleep(60)
        seen.append(host.store.status.next)
        host.stopping.set()
        await task

    in_virtual_time(main)
    assert seen == [START + timedelta(minutes=10), START + timedelta(minutes=20)]


def test_missed_occurrences_are_caught_up_by_one_run() -> None:
    """After an hour down, six occurrences mean one immediate run that is past due."""
    missed = ScheduleStatus(
        last=START - timedelta(minutes=60),
        next=START - timedelta(minutes=50),
        last_updated=START - timedelta(minutes=60),
    )
    host = Host(store=MemoryStatus(missed))
    run(host, seconds=11 * MINUTE)
    assert [round(moment) for moment in host.runs] == [0, 600]
    assert [value["IsPastDue"] for value in host.values] == [True, False]
    assert host.values[0]["ScheduleStatus"] == missed.to_json()


def test_without_monitor_nothing_is_caught_up_and_no_status_is_passed() -> None:
    """With use_monitor off, the function gets no status, and a restart knows no missed occurrence."""
    host = Host(store=None)
    run(host, seconds=11 * MINUTE)
    assert [round(moment) for moment in host.runs] == [600]
    assert host.values[0]["ScheduleStatus"] is None


def test_a_schedule_of_seconds_is_not_monitored() -> None:
    """More than one occurrence a minute turns the monitor off: storage is not used."""
    host = Host(schedule="*/30 * * * * *")
    run(host, seconds=70)
    assert len(host.runs) == 2
    assert host.store is not None
    assert host.store.status is None


def test_a_timer_may_run_on_startup() -> None:
    """It runs immediately, and then by its schedule, which that run has not moved."""
    host = Host(run_on_startup=True)
    run(host, seconds=11 * MINUTE)
    assert [round(moment) for moment in host.runs] == [0, 600]


def test_of_two_hosts_one_fires() -> None:
    """The lock is renewed while the first host lives, so the second never fires."""
    lock, store = MemoryLock(), MemoryStatus()
    first, second = Host(lock=lock, store=store), Host(lock=lock, store=store)
    run(first, second, seconds=60 * MINUTE + 5)
    assert (len(first.runs), len(second.runs)) == (6, 0)
    assert lock.renewals >= 115


def test_a_killed_host_is_replaced_within_lease_and_recovery() -> None:
    """Its lease expires within 60 s and is acquired within another 60 s; nothing fires twice."""
    lock, store = MemoryLock(), MemoryStatus()
    first, second = Host(lock=lock, store=store), Host(lock=lock, store=store)
    run(first, second, seconds=60 * MINUTE + 5, meanwhile=kill(0))
    assert [round(moment) for moment in first.runs] == [600, 1200, 1800]
    assert [round(moment) for moment in second.runs] == [2400, 3000, 3600]


def test_a_host_killed_in_a_run_is_followed_by_a_past_due_run() -> None:
    """The successor runs immediately, once, with past_due, for the interrupted run."""
    lock, store = MemoryLock(), MemoryStatus()
    first = Host(lock=lock, store=store, takes=10 * MINUTE - 1)
    second = Host(lock=lock, store=store)
    run(first, second, seconds=24 * MINUTE, meanwhile=kill(0))
    assert [round(moment) for moment in first.runs] == [600]
    assert 720 < second.runs[0] <= 720 + 2 * MINUTE
    assert [value["IsPastDue"] for value in second.values] == [True, False]


def test_after_an_orderly_stop_the_next_host_fires_without_waiting_for_the_lease() -> None:
    """The lock is released at an orderly stop."""
    lock = MemoryLock()
    run(Host(lock=lock), seconds=5 * MINUTE)
    assert lock.holder is None


def test_a_host_that_lost_its_lock_ends_at_its_next_renewal() -> None:
    """It fires no more, and the other host takes over within its recovery."""
    lock, store = MemoryLock(), MemoryStatus()
    first, second = Host(lock=lock, store=store), Host(lock=lock, store=store)

    def lose(_: list["asyncio.Task[None]"]) -> None:
        lock.holder = None

    run(first, second, seconds=60 * MINUTE + 5, meanwhile=lose)
    (ended,) = first.crashes
    assert 0 <= ended - 30 * MINUTE - 2.5 <= 30
    assert [round(moment) for moment in first.runs] == [600, 1200, 1800]
    assert [round(moment) for moment in second.runs] == [2400, 3000, 3600]


def test_a_forgiving_host_that_lost_its_lock_continues_to_fire() -> None:
    """For development: both fire, and the app must tolerate it."""
    lock, store = MemoryLock(), MemoryStatus()
    first = Host(lock=lock, store=store, forgiving=True)
    second = Host(lock=lock, store=store)

    def lose(_: list["asyncio.Task[None]"]) -> None:
        lock.holder = None

    run(first, second, seconds=60 * MINUTE + 5, meanwhile=lose)
    assert (len(first.runs), len(second.runs), first.crashes) == (6, 3, [])


def test_a_host_whose_renewals_fail_continues_to_fire() -> None:
    """The lock is no fence: with 5xx on every renewal its successor fires too, and the app must tolerate it."""
    lock, store = MemoryLock(), MemoryStatus()
    first, second = Host(lock=lock, store=store), Host(lock=MemoryLock(), store=store)

    def fail(_: list["asyncio.Task[None]"]) -> None:
        lock.faults = [StorageFault("busy", status=500)] * 10_000

    run(first, second, seconds=60 * MINUTE + 5, meanwhile=fail)
    assert (len(first.runs), first.crashes) == (6, [])


def test_a_forbidden_lock_is_retried_with_backoff() -> None:
    """Rejected by storage at its start, a timer is started again after 2, 4, 6, 11, 17 and 32 s."""
    asked: list[float] = []

    class Refusing(MemoryLock):
        async def acquire(self, seconds: int) -> str | None:
            asked.append(asyncio.get_running_loop().time())
            if len(asked) <= 6:
                raise StorageFault("AuthorizationPermissionMismatch", status=403)
            return await super().acquire(seconds)

    host = Host(lock=Refusing())
    run(host, seconds=21 * MINUTE)
    assert [later - earlier for earlier, later in pairwise(asked)] == [2, 4, 6, 11, 17, 32]
    assert (len(host.runs), host.crashes) == (2, [])


def test_a_stopping_host_releases_the_lock_although_its_function_still_runs() -> None:
    """Its successor may fire during the last run of the old host."""
    lock = MemoryLock()
    host = Host(lock=lock, takes=1000.0)

    async def main() -> tuple[str | None, bool]:
        task = host.start()
        await asyncio.sleep(10 * MINUTE + 5)
        host.stopping.set()
        await asyncio.sleep(1)
        freed = lock.holder, task.done()
        task.cancel()
        return freed

    assert in_virtual_time(main) == (None, False)


def test_faults_of_storage_end_neither_lock_nor_schedule() -> None:
    """A lock that could not be acquired is tried again; a status that could not be saved is skipped."""
    host = Host(
        lock=MemoryLock(faults=[StorageFault("busy")]), store=MemoryStatus(faults=[StorageFault("busy")] * 3)
    )
    run(host, seconds=21 * MINUTE)
    assert [round(moment) for moment in host.runs] == [600, 1200]


def test_the_first_status_of_a_timer_has_no_last_run() -> None:
    """The platform writes the year 1 for it."""
    host = Host()
    run(host, seconds=11 * MINUTE)
    status = host.values[0]["ScheduleStatus"]
    assert isinstance(status, dict)
    assert status["Last"] == status["LastUpdated"] == NEVER.isoformat() == "0001-01-01T00:00:00+00:00"
