"""Threads that share the work of a tick, bounded, kept from one tick to the next."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

THREADS = 96
"""Maximum threads of a process that ticks share, started on demand: most of them wait for a reply."""

TURNS = 64
"""Maximum factories that are processed concurrently, on threads of their own: one whose calls hang keeps no other
waiting, and its helpers cannot take the threads that the turns of others need."""

_entering: ContextVar[Callable[[], None] | None] = ContextVar("entering", default=None)


@contextmanager
def each_thread(entering: Callable[[], None]) -> Iterator[None]:
    """A context in which other threads that work for this one first call a function.

    The platform assigns a log entry to an invocation by a value of its thread, and drops entries without one.
    """
    token = _entering.set(entering)
    try:
        yield
    finally:
        _entering.reset(token)


def entered() -> None:
    """Call the function of `each_thread` on a thread that works for another one."""
    entering = _entering.get()
    if entering is not None:
        entering()


RECORDS_AT_ONCE = 8
"""Records of one factory that one part of a tick processes concurrently: with replies that take half a second that is
more than any budget of calls allows, and a factory whose calls hang keeps no more threads."""


class TickThreads:
    """Works through items with several threads.

    Where work is shared by `each`, the calling thread always takes part. So that work never waits for a free thread of
    the pool, however deep it is nested and however many calls hang: its items are then processed one after another.

    Args:
        threads: of the pool; with 0 the calling thread does everything.
    """

    def __init__(self, threads: int = 0) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tick") if threads else None
        self._turns = ThreadPoolExecutor(TURNS, thread_name_prefix="turn") if threads else None

    @property
    def is_alone(self) -> bool:
        """Whether there are no threads other than the callers'."""
        return self._pool is None

    def each(self, work: Callable[[T], None], items: Iterable[T], *, at_once: int = RECORDS_AT_ONCE) -> None:
        """Process each item, begun in order, and return once all are done.

        Items are taken from the iterable one by one, as a thread becomes free for the next.

        Raises:
            BaseException: the first that the work, or the iterable, raised; no item is begun after it.
        """
        _Round(work, items, self._pool, at_once - 1).run()

    def begin_each(self, work: Callable[[T], None], items: Iterable[T]) -> None:
        """Process each item on a thread of its own, begun in order, and return once all are done.

        The calling thread takes the items, and works only where no thread can be started. So the iterable may wait
        until the next item is due, whichever work hangs; no other thread waits with it.

        Raises:
            BaseException: the first that the work, or the iterable, raised; no item is begun after it.
        """
        if self._turns is None:
            for item in items:
                work(item)
        else:
            _Beginning(work, self._turns).run(items)


def _begun(pool: ThreadPoolExecutor, work: Callable[[], None]) -> Future[None] | None:
    """Run some work, which raises nothing, on a thread of the pool; None where no thread can be started.

    A pool keeps work for which it could not start a thread, and one of its threads may still take it, but not after
    this has returned None.
    """
    begun, context = Future[None](), copy_context()

    def run() -> None:
        if begun.set_running_or_notify_cancel():
            try:
                context.run(work)
            finally:
                begun.set_result(None)

    try:
        pool.submit(run)
    except RuntimeError as exc:
        logger.warning("No thread could be started to help: %s", exc, extra={"action": "thread_not_started"})
        if begun.cancel():
            return None
    return begun


class _Beginning(Generic[T]):
    """One call of `TickThreads.begin_each`."""

    def __init__(self, work: Callable[[T], None], pool: ThreadPoolExecutor) -> None:
        self._work = work
        self._pool = pool
        self._under_way: list[Future[None]] = []
        self._error: BaseException | None = None

    def run(self, items: Iterable[T]) -> None:
        try:
            for item in items:
                if self._error is not None:
                    break
                self._begin(item)
        except BaseException as exc:  # noqa: BLE001 - raised again once nothing is under way
            self._error = self._error or exc
        if self._error is not None:
            for each in self._under_way:
                each.cancel()
        wait([each for each in self._under_way if not each.cancelled()])
        if self._error is not None:
            raise self._error

    def _begin(self, item: T) -> None:
        begun = _begun(self._pool, lambda: self._do(item))
        if begun is None:
            self._work(item)
            return
        self._under_way = [*(each for each in self._under_way if not each.done()), begun]

    def _do(self, item: T) -> None:
        try:
            if self._error is None:
                entered()
                self._work(item)
        except BaseException as exc:  # noqa: BLE001 - raised again in the calling thread
            self._error = self._error or exc


class _Round(Generic[T]):
    """One call of `TickThreads.each`."""

    def __init__(
        self, work: Callable[[T], None], items: Iterable[T], pool: ThreadPoolExecutor | None, helpers: int
    ) -> None:
        self._work = work
        self._items = iter(items)
        self._pool = pool
        self._more_helpers = helpers
        self._helping: list[Future[None]] = []
        self._taking = threading.Lock()
        self._error: BaseException | None = None
        self._over = False

    def run(self) -> None:
        self._take_part()
        for helper in self._helping:
            helper.cancel()  # one that has not begun has nothing left to do
        wait([helper for helper in self._helping if not helper.cancelled()])
        if self._error is not None:
            raise self._error

    def _take_part(self) -> None:
        try:
            while (taken := self._next()) is not None:
                self._work(taken[0])
        except BaseException as exc:  # noqa: BLE001 - raised again in the calling thread
            self._over = True
            self._error = self._error or exc

    def _next(self) -> tuple[T] | None:
        with self._taking:
            if self._over:
                return None
            for item in self._items:
                self._call_for_help()
                return (item,)
            self._over = True
            return None

    def _call_for_help(self) -> None:
        """Start one more helper: there may be a further item. No helper is started for an empty iterable."""
        if self._pool is not None and self._more_helpers > 0:
            self._more_helpers -= 1
            helper = _begun(self._pool, self._help)
            if helper is None:  # no thread can be started: the calling thread works alone
                self._more_helpers = 0
            else:
                self._helping.append(helper)

    def _help(self) -> None:
        entered()
        self._take_part()
