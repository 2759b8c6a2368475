"""The sources of time and ids, which are injected: every part that needs them takes a `Clock` and an `IdSource`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

Clock = Callable[[], datetime]
"""Returns the current time, always aware and in UTC."""

IdSource = Callable[[], UUID]
"""Makes a new GUID."""


def utcnow() -> datetime:
    """The current time in UTC."""
    return datetime.now(tz=UTC)


def new_id() -> UUID:
    """A random GUID."""
    return uuid4()


class MovableClock:
    """A clock that tests can move.

    Attributes:
        offset: added to the real time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset = timedelta()

    def __call__(self) -> datetime:
        """The current time."""
        return self._clock() + self.offset
