"""The time at which a message began to wait, encoded in its expiry: it is put back with unchanged bytes.

So every process knows the wait, even while the ledger is out of reach, and nothing has to be stored for it.
"""

from datetime import datetime, timedelta

LIFE = timedelta(days=3650)
"""Time to live of a message, counted from when it began to wait."""

LONGEST_WAIT = timedelta(days=365)
"""No message that is put back waits longer: a time to live that implies more was set by another program."""


def life_left(waits_since: datetime, now: datetime) -> timedelta:
    """The time to live of a message that is put back now."""
    return LIFE - min(max(now - waits_since, timedelta()), LONGEST_WAIT)


def waits_since(inserted_at: datetime, expires_at: datetime | None) -> datetime | None:
    """When a message began to wait; None if it was not put back."""
    if expires_at is None or not timedelta() <= LIFE - (expires_at - inserted_at) <= LONGEST_WAIT:
        return None
    return expires_at - LIFE
