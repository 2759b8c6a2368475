"""What timers keep in storage: a lock, so that one host of many fires, and a schedule's status."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, Self

NEVER = datetime.min.replace(tzinfo=UTC)
"""The status's value for an instant that has not occurred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleStatus:
    """When a timer fired last, when it is to fire next, and from when that was reckoned (UTC)."""

    last: datetime
    next: datetime
    last_updated: datetime

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """The status as the platform writes it.

        Raises:
            KeyError, TypeError, ValueError: it is not.
        """
        last, following, updated = (
            datetime.fromisoformat(document[name]).astimezone(UTC) for name in ("Last", "Next", "LastUpdated")
        )
        return cls(last=last, next=following, last_updated=updated)

    def to_json(self) -> dict[str, str]:
        """As the platform writes it, and as a function finds it in `schedule_status`."""
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.last_updated.isoformat(),
        }


class TimerLock(Protocol):
    """The lease of one timer. Every method may raise StorageFault."""

    async def acquire(self, seconds: int) -> str | None:
        """The lease's id, or None while another holds it."""
        ...

    async def renew(self, lease_id: str) -> None:
        """Hold it for as long again. May raise LeaseLost."""
        ...

    async def release(self, lease_id: str) -> None:
        """Let it go. May raise LeaseLost."""
        ...


class StatusStore(Protocol):
    """Where one timer's status is. Every method may raise StorageFault."""

    async def load(self) -> ScheduleStatus | None:
        """What was saved last; None where nothing was."""
        ...

    async def save(self, status: ScheduleStatus) -> None:
        """Keep it."""
        ...
