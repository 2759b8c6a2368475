"""Memory adapters of the host's ports, and a loop whose time passes only by waiting."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from adf_trigger.functions_host.common.errors import LeaseLost, StorageFault
from adf_trigger.functions_host.queues.ports import LeasedMessage
from adf_trigger.functions_host.timers.ports import ScheduleStatus
from adf_trigger.functions_host.worker.index import IndexedFunction, QueueTrigger, Trigger

T = TypeVar("T")

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class _NoWaiting(selectors.SelectSelector):
    """Passes the requested wait immediately."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("every task waits, and no timer is set")
        self.passed += max(0.0, timeout)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in which ten minutes pass as soon as no task has anything else to do."""

    def __init__(self) -> None:
        self._waiting = _NoWaiting()
        super().__init__(self._waiting)

    def time(self) -> float:
        return self._waiting.passed


def in_virtual_time(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work())


def virtual_now() -> datetime:
    """The clock of the running virtual loop; it begins at START."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


def a_function(
    call: Callable[..., Any], trigger: Trigger | None = None, *, name: str = "work", **changes: Any
) -> IndexedFunction:
    """An indexed function around a callable with the parameter `_value`."""
    values: dict[str, Any] = {
        "parameter": "_value",
        "annotation": None,
        "wants_context": False,
        "directory": "/app",
        "trigger": trigger or QueueTrigger("orders", "", binary=False),
    }
    return IndexedFunction(name=name, call=call, **(values | changes))


@dataclass
class _Stored:
    content: str
    visible_at: float
    dequeue_count: int = 0
    receipt: str = ""


@dataclass
class MemoryQueue:
    """A queue as the service keeps it: visibility by the loop's time, a new receipt each time.

    Attributes:
        faults: what the next calls of an operation raise, by the operation's name.
        calls: the calls, in order: (operation, seconds passed).
        slow: seconds between the effect of an operation and its answer.
        there: whether the queue exists.
    """

    name: str = "orders"
    faults: dict[str, list[StorageFault]] = field(default_factory=dict)
    calls: list[tuple[str, float]] = field(default_factory=list)
    slow: dict[str, float] = field(default_factory=dict)
    stored: dict[str, _Stored] = field(default_factory=dict)
    there: bool = True

    def put(self, content: str) -> str:
        """Send a message from outside; returns its id."""
        message_id = str(uuid4())
        self.stored[message_id] = _Stored(content, self._now())
        return message_id

    def times(self, operation: str) -> list[float]:
        """When an operation was called."""
        return [when for name, when in self.calls if name == operation]

    @property
    def contents(self) -> list[str]:
        return [stored.content for stored in self.stored.values()]

    async def exists(self) -> bool:
        await self._called("exists")
        return self.there

    async def receive(self, count: int, lease: float) -> list[LeasedMessage]:
        await self._called("receive")
        visible = [key for key, stored in self.stored.items() if stored.visible_at <= self._now()][:count]
        for key in visible:
            self.stored[key].dequeue_count += 1
        batch = [self._lease(key, lease) for key in visible]
        await asyncio.sleep(self.slow.get("receive", 0.0))
        return batch

    async def renew(self, message: LeasedMessage, lease: float) -> LeasedMessage:
        await self._called("renew")
        self._held(message)
        renewed = self._lease(message.id, lease)
        await asyncio.sleep(self.slow.get("renew", 0.0))
        return renewed

    async def release(self, message: LeasedMessage, delay: float) -> None:
        await self._called("release")
        self._held(message)
        self._lease(message.id, delay)

    async def delete(self, message: LeasedMessage) -> None:
        await self._called("delete")
        self._held(message)
        del self.stored[message.id]

    async def send(self, content: str) -> None:
        await self._called("send")
        self.put(content)

    async def _called(self, operation: str) -> None:
        self.calls.append((operation, self._now()))
        await asyncio.sleep(0)
        if waiting := self.faults.get(operation):
            raise waiting.pop(0)

    def _held(self, message: LeasedMessage) -> None:
        stored = self.stored.get(message.id)
        if stored is None or stored.receipt != message.pop_receipt:
            raise LeaseLost(message.id)

    def _lease(self, message_id: str, seconds: float) -> LeasedMessage:
        stored = self.stored[message_id]
        stored.receipt = str(uuid4())
        stored.visible_at = self._now() + seconds
        return LeasedMessage(
            id=message_id,
            content=stored.content,
            pop_receipt=stored.receipt,
            dequeue_count=stored.dequeue_count,
            inserted_on=None,
            expires_on=None,
            next_visible_on=None,
        )

    @staticmethod
    def _now() -> float:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:  # filled before the loop runs
            return 0.0


@dataclass
class MemoryLock:
    """A lease by the loop's time, which several hosts may try to acquire."""

    faults: list[StorageFault] = field(default_factory=list)
    holder: str | None = None
    ends_at: float = 0.0
    period: int = 0
    renewals: int = 0

    async def acquire(self, seconds: int) -> str | None:
        self._fault()
        now = asyncio.get_running_loop().time()
        if self.holder is not None and now < self.ends_at:
            return None
        self.holder, self.period, self.ends_at = str(uuid4()), seconds, now + seconds
        return self.holder

    async def renew(self, lease_id: str) -> None:
        self._fault()
        if self.holder != lease_id:
            raise LeaseLost("timer lock")
        self.renewals += 1
        self.ends_at = asyncio.get_running_loop().time() + self.period

    async def release(self, lease_id: str) -> None:
        self._fault()
        if self.holder != lease_id:
            raise LeaseLost("timer lock")
        self.holder = None

    def _fault(self) -> None:
        if self.faults:
            raise self.faults.pop(0)


@dataclass
class MemoryStatus:
    """A status in memory."""

    status: ScheduleStatus | None = None
    faults: list[StorageFault] = field(default_factory=list)

    async def load(self) -> ScheduleStatus | None:
        self._fault()
        return self.status

    async def save(self, status: ScheduleStatus) -> None:
        self._fault()
        self.status = status

    def _fault(self) -> None:
        if self.faults:
            raise self.faults.pop(0)
