"""Finds the id under which a request is kept: its factory's own, or a former or further one."""

import logging
import threading
from dataclasses import replace

from adf_trigger.errors import LedgerError
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.submission import Submission

logger = logging.getLogger(__name__)


class Partitions:
    """Finds under which of a factory's ids a request is kept, and how that id is spelled. Thread-safe.

    Args:
        factories: all configured factories.
        ledger: the run ledger.
    """

    def __init__(self, factories: Factories, ledger: LedgerReader) -> None:
        self._factories = factories
        self._ledger = ledger
        self._spelled: dict[str, str] = {}
        self._lock = threading.Lock()

    def of(self, factory: FactoryHandle, request_id: str) -> FactoryHandle:
        """The handle under whose id a request is kept; the given one for a new request.

        Reads nothing where the factory has one id.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        handles = self._factories.of(factory.alias)
        if len(handles) == 1:
            return factory
        holding = (each for each in handles if self._ledger.get(each.id, request_id) is not None)
        return next(holding, factory)

    def placed(self, submission: Submission) -> Submission:
        """The request with the handle under which its record is kept, so that a repeat finds the earlier request.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        factory = self.of(submission.factory, submission.request_id)
        return replace(submission, factory=self.spelled(factory))

    def spelled(self, factory: FactoryHandle) -> FactoryHandle:
        """The same handle with its id as records have it; see `_spelling`."""
        return replace(factory, id=self._spelling(factory.id))

    def _spelling(self, factory: str) -> str:
        """A factory's id as the latest record spells it: its letter case in the settings may have changed.

        This keeps the source of events unchanged, which consumers compare with case. Read once per process.
        """
        with self._lock:
            known = self._spelled.get(factory)
        if known is not None:
            return known
        try:
            latest = self._ledger.runs(factory, since=None, limit=1, continuation=None).records
        except LedgerError as exc:
            logger.info(
                "The stored spelling of %s could not be read: %s",
                factory,
                exc,
                extra={"action": "spelling_not_read", "factory": factory},
            )
            return factory
        spelled = latest[0].factory if latest else factory
        with self._lock:
            return self._spelled.setdefault(factory, spelled)
