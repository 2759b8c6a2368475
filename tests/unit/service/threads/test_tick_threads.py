"""Threads that share the work of a tick."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adf_trigger.service.threads.tick_threads import TickThreads, each_thread

MANY = 200


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("threads", [0, 1, 8])
def test_every_item_is_processed_once_and_begun_in_order(threads: int) -> None:
    """This holds for any number of threads."""
    begun, done = list[int](), list[int]()

    def items() -> Iterator[int]:
        for number in range(MANY):
            begun.append(number)
            yield number

    TickThreads(threads).each(done.append, items())
    assert begun == list(range(MANY))
    assert sorted(done) == begun


def test_items_are_processed_concurrently() -> None:
    """Work that waits for another item's continues, and no more run concurrently than the limit."""
    tick_threads, together = TickThreads(8), threading.Barrier(4)
    under_way, most = 0, 0
    lock = threading.Lock()

    def work(_: int) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        together.wait(timeout=60)
        with lock:
            under_way -= 1

    tick_threads.each(work, range(40), at_once=4)
    assert most == 4


@pytest.mark.parametrize("threads", [0, 4])
@pytest.mark.parametrize("error", [ValueError("one"), Killed()])
def test_an_error_ends_the_work_and_reaches_the_caller(threads: int, error: BaseException) -> None:
    """No item is begun after it, and none is in progress any more when it is raised."""
    begun = list[int]()
    under_way = threading.Semaphore(0)

    def work(number: int) -> None:
        begun.append(number)
        if number == 3:
            raise error
        under_way.release()

    with pytest.raises(type(error)):
        TickThreads(threads).each(work, range(MANY))
    assert len(begun) < MANY
    count = len(begun)
    assert sum(under_way.acquire(blocking=False) for _ in range(count)) == count - 1


def test_an_error_of_the_source_of_items_reaches_the_caller() -> None:
    """It is not lost in a thread."""

    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        TickThreads(4).each(lambda _: None, items())


def test_work_within_work_needs_no_free_thread() -> None:
    """With every thread of the pool taken, each caller does its own work."""
    tick_threads, done = TickThreads(2), list[tuple[int, int]]()
    tick_threads.each(lambda a: tick_threads.each(lambda b: done.append((a, b)), range(5)), range(5))
    assert sorted(done) == [(a, b) for a in range(5) for b in range(5)]


def test_threads_that_hang_delay_no_other_round() -> None:
    """While all of the pool's threads wait in one round, another one is done by its caller."""
    tick_threads, release = TickThreads(3), threading.Event()
    hanging = threading.Thread(target=tick_threads.each, args=(lambda _: release.wait(60), range(4)))
    hanging.start()
    try:
        done = list[int]()
        tick_threads.each(done.append, range(MANY))
        assert len(done) == MANY
    finally:
        release.set()
        hanging.join()


def test_without_items_no_thread_is_started() -> None:
    """An idle tick costs none."""
    before = threading.active_count()
    TickThreads(8).each(lambda _: None, [])
    assert threading.active_count() == before


def test_every_thread_that_takes_part_enters_its_context_first_at_any_depth() -> None:
    """The platform drops log records of a thread that does not name its invocation."""
    tick_threads, known = TickThreads(8), threading.local()
    together, seen = threading.Barrier(4), list[str | None]()

    def work(_: int) -> None:
        together.wait(timeout=60)
        seen.append(getattr(known, "invocation", None))

    known.invocation = "one"
    with each_thread(lambda: setattr(known, "invocation", "one")):
        tick_threads.each(lambda _: tick_threads.each(work, range(4), at_once=2), range(2), at_once=2)
    assert seen == ["one"] * 8
    tick_threads.each(lambda _: None, range(8))  # nothing is entered any more, and nothing fails


@pytest.mark.parametrize("threads", [0, 1, 8])
def test_work_begun_for_each_item_is_done_once_and_begun_in_order(threads: int) -> None:
    """This holds for any number of threads."""
    begun, done = list[int](), list[int]()

    def items() -> Iterator[int]:
        for number in range(MANY):
            begun.append(number)
            yield number

    TickThreads(threads).begin_each(done.append, items())
    assert begun == list(range(MANY))
    assert sorted(done) == begun


def test_only_the_caller_waits_for_items() -> None:
    """While the next item is not due and work hangs, all of the pool's threads work for another round."""
    tick_threads, may_end, together = TickThreads(4), threading.Event(), threading.Barrier(5)
    asked, due = threading.Event(), threading.Event()
    waited, worked, met = set[str](), set[str](), list[int]()

    def items() -> Iterator[int]:
        yield from range(3)
        waited.add(threading.current_thread().name)
        asked.set()
        assert due.wait(timeout=60)
        yield 3

    def work(number: int) -> None:
        worked.add(threading.current_thread().name)
        if number == 0:
            assert may_end.wait(timeout=60)
        if number == 3:
            may_end.set()

    calling = threading.Thread(target=tick_threads.begin_each, args=(work, items()), name="calls")
    calling.start()
    assert asked.wait(timeout=60)
    tick_threads.each(lambda _: met.append(together.wait(timeout=60)), range(5), at_once=5)
    due.set()
    calling.join(timeout=60)
    assert not calling.is_alive()
    assert len(met) == 5
    assert waited == {"calls"}
    assert "calls" not in worked


def test_helpers_that_hang_block_no_other_work() -> None:
    """With every thread that shares work taken, other work is still begun."""
    tick_threads, release, done = TickThreads(3), threading.Event(), list[int]()
    released = list[bool]()

    def work(number: int) -> None:
        if number == 0:
            tick_threads.each(lambda _: released.append(release.wait(60)), range(8))
        else:
            done.append(number)
            if len(done) == 9:
                release.set()

    tick_threads.begin_each(work, range(10))
    assert sorted(done) == list(range(1, 10))
    assert released == [True] * 8


@pytest.mark.parametrize("threads", [0, 4])
@pytest.mark.parametrize("error", [ValueError("one"), Killed()])
def test_an_error_of_begun_work_reaches_the_caller(threads: int, error: BaseException) -> None:
    """No item is taken after it, and none is in progress any more when it is raised."""
    others_ended, failed, ended = threading.Event(), threading.Event(), list[int]()

    def items() -> Iterator[int]:
        yield from range(4)
        assert failed.wait(timeout=60)
        yield from range(4, MANY)

    def work(number: int) -> None:
        if number == 3:
            assert others_ended.wait(timeout=60)  # one that has not begun by then would be left out
            failed.set()
            raise error
        ended.append(number)
        if len(ended) == 3:
            others_ended.set()

    with pytest.raises(type(error)):
        TickThreads(threads).begin_each(work, items())
    assert {0, 1, 2} <= set(ended)
    assert len(ended) < MANY - 1


def without_threads(threads: TickThreads, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], Any]]:
    """Have the pools queue work for which they start no thread, as ThreadPoolExecutor does."""
    kept = list[Callable[[], Any]]()

    def submit(work: Callable[[], Any]) -> None:
        kept.append(work)
        raise RuntimeError("can't start new thread")

    for pool in (threads._pool, threads._turns):
        monkeypatch.setattr(pool, "submit", submit)
    return kept


def test_work_without_a_thread_is_done_by_the_caller_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thread that becomes free later, and finds it in its pool's queue, does none of it again."""
    threads, done = TickThreads(4), list[int]()
    kept = without_threads(threads, monkeypatch)
    threads.begin_each(done.append, range(3))
    threads.each(done.append, range(3, 6))
    assert len(kept) == 4
    for late in kept:
        late()
    assert done == list(range(6))


@pytest.mark.parametrize("method", ["each", "begin_each"])
def test_work_that_a_pool_began_without_a_new_thread_is_waited_for(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no thread can be started, an existing one may have taken it already."""
    threads, may_end = TickThreads(4), threading.Event()
    taken, come = list[threading.Thread](), threading.Event()

    def submit(work: Callable[[], Any]) -> None:
        if not taken:
            taken.append(threading.Thread(target=work))
            taken[0].start()
        raise RuntimeError("can't start new thread")

    def work(_: int) -> None:
        if threading.current_thread() in taken:
            come.set()
            assert may_end.wait(timeout=60)
        else:
            assert come.wait(timeout=60)

    for pool in (threads._pool, threads._turns):
        monkeypatch.setattr(pool, "submit", submit)
    calling = threading.Thread(target=getattr(threads, method), args=(work, range(2)))
    calling.start()
    assert come.wait(timeout=60)
    calling.join(timeout=0.2)
    assert calling.is_alive()
    may_end.set()
    calling.join(timeout=60)
    assert not calling.is_alive()
