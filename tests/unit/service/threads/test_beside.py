"""Work in the background: bounded, on threads of its own, and no failure of its caller."""

import threading
from collections.abc import Callable

from adf_trigger.service.threads.beside import OnThreads, at_once
from adf_trigger.service.threads.tick_threads import each_thread


def test_work_is_done_on_another_thread_with_the_callers_context() -> None:
    """The platform assigns log entries by a thread-local value."""
    done, seen = threading.Event(), list[tuple[str, int]]()

    def work() -> None:
        seen.append(("work", threading.get_ident()))
        done.set()

    with each_thread(lambda: seen.append(("entering", threading.get_ident()))):
        OnThreads()(work)
    assert done.wait(timeout=60)
    assert [name for name, _ in seen] == ["entering", "work"]
    assert len({thread for _, thread in seen}) == 1
    assert seen[0][1] != threading.get_ident()


def test_work_beyond_its_bound_is_skipped() -> None:
    """Once some work has ended there is room again, also where it failed."""
    begun: list[Callable[[], object]] = []

    def begin(work: Callable[[], object], name: str) -> bool:
        begun.append(work)
        return name == "beside"

    beside, done = OnThreads(2, begin), list[int]()
    for number in range(4):
        beside(lambda number=number: done.append(number))  # type: ignore[misc]
    assert len(begun) == 2
    for work in begun:
        work()
    assert done == [0, 1]
    beside(lambda: done.append(9))
    assert len(begun) == 3


def test_where_no_thread_can_be_started_nothing_is_raised_and_no_room_is_lost() -> None:
    """A tick does the work instead."""
    asked: list[str] = []

    def begin(work: Callable[[], object], name: str) -> bool:
        del work
        asked.append(name)
        return False

    beside = OnThreads(1, begin)
    for _ in range(3):
        beside(lambda: None)
    assert len(asked) == 3


def test_a_test_runs_it_synchronously() -> None:
    """Without a thread it runs in the caller."""
    done: list[int] = []
    at_once(lambda: done.append(1))
    assert done == [1]
