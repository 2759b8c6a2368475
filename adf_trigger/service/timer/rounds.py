"""The turns of the factories in a tick: none waits for another whose calls hang."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from adf_trigger.service.factories import FactoryHandle


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of a factory.

    Attributes:
        number: its place in the tick's order.
        factory: whose turn it is.
        is_another: whether the factory has had one in this tick.
    """

    number: int
    factory: FactoryHandle
    is_another: bool = False


class Rounds:
    """Each factory has a turn. While some of these take long, the others have another whenever the timer is due.

    The timer does not fire before its function has returned, so that without this one factory whose calls hang would
    slow the ends of all others down to the time-outs of its calls. Thread-safe.

    Args:
        factories: in the order of their turns.
        until_due: seconds until the timer is due again; None where no more turns may begin.
    """

    def __init__(self, factories: Sequence[FactoryHandle], until_due: Callable[[], float | None]) -> None:
        self._factories = factories
        self._until_due = until_due
        self._first_left = len(factories)
        self._under_way = set[int]()
        self._changed = threading.Condition()

    def __iter__(self) -> Iterator[Turn]:
        """The turns, each as soon as it may begin; who takes one says when it is over."""
        for number, factory in enumerate(self._factories):
            self._begin(number)
            yield Turn(number, factory)
        while self._first_are_under_way():
            for number, factory in enumerate(self._factories):
                if self._begin(number):
                    yield Turn(number, factory, is_another=True)

    def over(self, turn: Turn) -> None:
        """Note that a turn is over."""
        with self._changed:
            self._under_way.discard(turn.number)
            if not turn.is_another:
                self._first_left -= 1
            self._changed.notify_all()

    def _begin(self, number: int) -> bool:
        with self._changed:
            if number in self._under_way:
                return False
            self._under_way.add(number)
            return True

    def _first_are_under_way(self) -> bool:
        """Whether some first turns are not over when the timer is due again; waits until that is known."""
        with self._changed:
            seconds = self._until_due()
            return seconds is not None and not self._changed.wait_for(lambda: self._first_left == 0, seconds)
