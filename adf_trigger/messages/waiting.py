"""The time at which a message began to wait, encoded in its expiry: it is put back with its bytes as they came.

So the wait is known to every process, and while the ledger is out of reach, and nothing has to be kept of it.
"""

from datetime import datetime, timedelta

LIFE = timedelta(days=3650)
"""How long a message lives from the moment on at which it began to wait."""

LONGEST_WAIT = timedelta(days=365)
"""No message that is put back waits for longer: a life that says so was given by somebody else."""


def life_left(waits_since: datetime, now: datetime) -> timedelta:
    """How long a message has to live that is put back now."""
    return LIFE - min(max(now - waits_since, timedelta()), LONGEST_WAIT)


def waits_since(inserted_at: datetime, expires_at: datetime | None) -> datetime | None:
    """When a message began to wait; None where it was not put back."""
    if expires_at is None or not timedelta() <= LIFE - (expires_at - inserted_at) <= LONGEST_WAIT:
        return None
    return expires_at - LIFE
