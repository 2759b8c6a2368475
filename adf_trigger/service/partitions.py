"""Where the record of a request is: under its factory's id, or under one that the factory had or has beside it."""

from collections.abc import Sequence
from dataclasses import replace

from adf_trigger.ledger.port import LedgerReader
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.submission import Submission


class Partitions:
    """Knows under which of a factory's ids a request is kept.

    Args:
        factories: all configured factories.
        ledger: the run ledger.
    """

    def __init__(self, factories: Factories, ledger: LedgerReader) -> None:
        self._factories = factories
        self._ledger = ledger

    def of(self, factory: FactoryHandle, request_id: str) -> FactoryHandle:
        """The handle under whose id a request is kept; the given one for a new request.

        Costs nothing where the factory has one id.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        handles: Sequence[FactoryHandle] = self._factories.of(factory.alias)
        if len(handles) < 2:  # noqa: PLR2004 - one
            return factory
        holding = (each for each in handles if self._ledger.get(each.id, request_id) is not None)
        return next(holding, factory)

    def placed(self, submission: Submission) -> Submission:
        """A request, to be taken where its record is, so that a repeat meets the request that it repeats.

        Raises:
            LedgerError: the ledger is out of reach.
        """
        return replace(submission, factory=self.of(submission.factory, submission.request_id))
