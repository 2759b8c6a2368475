"""Looks runs up in the ledger."""

from uuid import UUID

from adf_trigger.errors import NotFound
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.factories import Factories


class Query:
    """Finds runs by either of their ids.

    Args:
        factories: all configured factories.
        ledger: the run ledger.
    """

    def __init__(self, factories: Factories, ledger: LedgerReader) -> None:
        self._factories = factories
        self._ledger = ledger

    def find(self, run: str, *, factory: str | None = None) -> RunRecord:
        """The record of a requestId or runId, in every configured factory unless one is named.

        Raises:
            NotFound: no factory has such a run.
            InvalidRequest: there is no factory of that alias.
            LedgerError: the ledger is out of reach.
        """
        searched = (
            list(self._factories) if factory is None else [self._factories.choose(factory, pointer="factory")]
        )
        for handle in searched:
            stored = self._ledger.get(handle.id, run)
            if stored is not None:
                return stored.record
        run_id = _as_guid(run)
        for handle in searched if run_id else ():
            stored = self._ledger.find(handle.id, run_id) if run_id else None
            if stored is not None:
                return stored.record
        raise NotFound(f"no run has the requestId or runId {run}")


def _as_guid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
