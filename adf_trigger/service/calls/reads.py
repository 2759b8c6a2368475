"""Reads of Data Factory on behalf of callers: their budgets, and their errors in a caller's terms."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from adf_trigger.clock import Clock
from adf_trigger.errors import (
    CredentialError,
    DataFactoryFailed,
    FactoryUnusable,
    NotSent,
    Refused,
    ResourceNotFound,
    Throttled,
    TryLater,
    Unavailable,
)
from adf_trigger.service.calls.allowance import Allowance
from adf_trigger.service.calls.budget import Budget
from adf_trigger.service.calls.gate import Gate
from adf_trigger.service.factories import FactoryHandle

MOST_SECONDS = 30.0
"""Seconds after which no further page is begun: the platform ends a call after 230 seconds."""

TRY_AGAIN = 15.0
"""Default Retry-After in seconds, where Data Factory gives none."""


def nothing_allowed() -> TryLater:
    """The error of a read that was not allowed in time."""
    return TryLater("the subscription has too few reads of Data Factory left just now", retry_after=TRY_AGAIN)


class Reads:
    """Gives budgets for reads, and translates Data Factory's errors into errors that say what a caller can do.

    Args:
        gate: says whether a factory may be called now.
        allowance: how many calls there may be; a read waits for its turn.
        clock: returns the current time.
    """

    def __init__(self, gate: Gate, allowance: Allowance, clock: Clock) -> None:
        self._gate = gate
        self._allowance = allowance
        self._clock = clock

    @contextmanager
    def of(self, factory: FactoryHandle, *, pages: int) -> Iterator[Budget]:
        """A context with a budget for reads of a factory, bounded in time.

        Args:
            factory: the factory that is read.
            pages: maximum pages.

        Raises:
            TryLater: the factory may not be read now, or is out of reach, or throttles.
            DataFactoryFailed: its answer cannot be used.
            FactoryUnusable: it does not let this service read.
            ResourceNotFound: it has no such resource.
        """
        wait = self._gate.wait_to_read(factory)
        if wait is not None:
            raise TryLater(wait.reason, retry_after=max(1.0, (wait.until - self._clock()).total_seconds()))
        budget = Budget(pages, allowance=self._allowance, factory=factory.present_id)
        try:
            yield budget.part(time.monotonic() + MOST_SECONDS)
        except Throttled as exc:
            again = self._gate.wait_to_read(factory)
            seconds = exc.retry_after or TRY_AGAIN
            if again is not None:
                seconds = (again.until - self._clock()).total_seconds()
            raise TryLater(f"Data Factory throttles: {exc}", retry_after=max(1.0, seconds)) from exc
        except (ResourceNotFound, FactoryUnusable):
            raise
        except Refused as exc:
            raise DataFactoryFailed(f"Data Factory refused what this service asked: {exc}") from exc
        except (Unavailable, NotSent, CredentialError) as exc:
            raise TryLater(
                f"Data Factory cannot be read just now: {exc}", retry_after=exc.retry_after or TRY_AGAIN
            ) from exc
