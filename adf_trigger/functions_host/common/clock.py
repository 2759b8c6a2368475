"""Time and ids are injected: every part that needs them takes a `Clock` or an `IdSource`."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

Clock = Callable[[], datetime]
"""Returns the current time, always aware and in UTC."""

IdSource = Callable[[], UUID]
"""Returns a new GUID."""


def utcnow() -> datetime:
    """The current time in UTC."""
    return datetime.now(tz=UTC)


def new_id() -> UUID:
    """A random GUID."""
    return uuid4()
