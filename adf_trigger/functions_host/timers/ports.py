"""The storage ports of timers: a lock, so that only one of several hosts fires, and a schedule's status."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, Self

NEVER = datetime.min.replace(tzinfo=UTC)
"""The status's value for an instant that has not occurred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleStatus:
    """When a timer fired last, when it fires next, and the instant that this was computed from (UTC)."""

    last: datetime
    next: datetime
    last_updated: datetime

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read a status as the platform writes it.

        Raises:
            KeyError, TypeError, ValueError: it has another form.
        """
        last, following, updated = (
            datetime.fromisoformat(document[name]).astimezone(UTC) for name in ("Last", "Next", "LastUpdated")
        )
        return cls(last=last, next=following, last_updated=updated)

    def to_json(self) -> dict[str, str]:
        """The status as the platform writes it, and as a function reads it in `schedule_status`."""
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.last_updated.isoformat(),
        }


class TimerLock(Protocol):
    """The lease of one timer. Every method may raise StorageFault."""

    async def acquire(self, seconds: int) -> str | None:
        """The lease's id; None while another host holds it."""
        ...

    async def renew(self, lease_id: str) -> None:
        """Renew the lease for the same period. May raise LeaseLost."""
        ...

    async def release(self, lease_id: str) -> None:
        """Release the lease. May raise LeaseLost."""
        ...


class StatusStore(Protocol):
    """The store of one timer's status. Every method may raise StorageFault."""

    async def load(self) -> ScheduleStatus | None:
        """The last saved status; None if there is none."""
        ...

    async def save(self, status: ScheduleStatus) -> None:
        """Save the status."""
        ...
