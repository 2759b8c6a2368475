"""Whether everything that the service needs answers."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from adf_trigger.clock import Clock
from adf_trigger.errors import AdfTriggerError
from adf_trigger.events.outbox import Outbox
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.service.factories import Factories

logger = logging.getLogger(__name__)

REMEMBERED = timedelta(seconds=10)
"""Anybody may ask for the health, so that asking must not spend the subscription's budget of reads."""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Component → whether it answers. No reasons: those are in the log, since anybody may ask."""

    components: dict[str, bool]

    @property
    def healthy(self) -> bool:
        """Whether all of them do."""
        return all(self.components.values())


class Health:
    """Live checks of the table, the queues, and each factory (which needs a token).

    Args:
        factories: all configured factories.
        ledger: the run ledger.
        outbox: the queues.
        clock: tells the time.
    """

    def __init__(self, factories: Factories, ledger: LedgerReader, outbox: Outbox, clock: Clock) -> None:
        self._checks: dict[str, Callable[[], object]] = {"table": ledger.check, "queues": outbox.check}
        self._checks |= {f"factory:{factory.alias}": factory.runs.get_factory for factory in factories}
        self._clock = clock
        self._lock = threading.Lock()
        self._last: tuple[datetime, HealthReport] | None = None

    def report(self) -> HealthReport:
        """What answers now, or did a few seconds ago."""
        with self._lock:
            if self._last is None or self._clock() - self._last[0] >= REMEMBERED:
                report = HealthReport({name: self._answers(name) for name in self._checks})
                self._last = (self._clock(), report)
            return self._last[1]

    def _answers(self, name: str) -> bool:
        try:
            self._checks[name]()
        except AdfTriggerError as exc:
            logger.warning(
                "%s does not answer: %s",
                name,
                exc,
                extra={"action": "health_check_failed", "component": name, "error": type(exc).__name__},
            )
            return False
        return True
