"""The turns of the factories in a tick: which thread begins them, and what a long one leaves to the others."""

import threading
from collections import Counter
from dataclasses import replace

from adf_trigger.service.factories import FactoryHandle
from adf_trigger.service.threads.tick_threads import RECORDS_AT_ONCE, THREADS, TickThreads
from adf_trigger.service.timer.rounds import Rounds, Turn
from tests.support.memory_factory import MemoryFactory
from tests.support.world import FACTORY_ID, MovingClock

MANY = 50
BUSY = 10
"""Busy factories: their concurrent work takes most of the threads, and all except those of the turns."""

AT_ONCE = BUSY * RECORDS_AT_ONCE
assert AT_ONCE < THREADS < AT_ONCE + MANY


def factories(count: int) -> list[FactoryHandle]:
    """Factories that are never called."""
    one = FactoryHandle("f", FACTORY_ID, MemoryFactory(MovingClock()))
    return [replace(one, alias=f"f{number}", id=f"{FACTORY_ID}-{number}") for number in range(count)]


def test_while_a_turn_takes_long_every_thread_works_for_the_others() -> None:
    """With one of fifty that hangs, ten others process eight records each concurrently, in one more turn."""
    threads, together = TickThreads(THREADS), threading.Barrier(AT_ONCE)
    rounds, firsts_over = Rounds(factories(MANY), lambda: 0.01), Counter[str]()
    may_end, busy = threading.Event(), set(range(1, BUSY + 1))

    def work(_: int) -> None:
        if together.wait(timeout=60) == 0:
            may_end.set()

    def take(turn: Turn) -> None:
        try:
            if turn.number == 0:
                assert may_end.wait(timeout=60)
            elif turn.is_another and turn.number in busy:
                busy.discard(turn.number)
                threads.each(work, range(RECORDS_AT_ONCE))
            firsts_over[turn.factory.alias] += not turn.is_another
        finally:
            rounds.over(turn)

    threads.begin_each(take, rounds)
    assert firsts_over == Counter(f"f{number}" for number in range(MANY))
