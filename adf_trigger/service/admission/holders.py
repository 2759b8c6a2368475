"""Who has a place still: the row says who was given one, and the records of those say whether they have ended."""

from collections.abc import Mapping, Sequence

from adf_trigger.errors import UnreadableRow
from adf_trigger.ledger.places import Holder, Places
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState, Waits
from adf_trigger.service.factories import Factories


class Holders:
    """Reads who has a place. Every method may raise LedgerError.

    Args:
        ledger: the run ledger.
        factories: all configured factories, some of which have records under several ids.
    """

    def __init__(self, ledger: LedgerReader, factories: Factories) -> None:
        self._ledger = ledger
        self._factories = factories

    def of(
        self,
        factory: str,
        places: Places,
        *,
        below: int = 0,
        but: str | None = None,
        rows: Mapping[str, ActiveRun] | None = None,
    ) -> Sequence[Holder]:
        """Who has a place still.

        Args:
            factory: whose places they are.
            places: as they are.
            below: once these are fewer than so many, no more records are read.
            but: a request that is not counted.
            rows: active rows by request, read after the places: who has not ended there has its place still.
        """
        holding = [each for each in places.holders if each.request_id != but]
        for holder in tuple(holding):
            if len(holding) < below:
                break
            row = None if rows is None else rows.get(holder.request_id)
            if not self._holds(factory, places.name, holder, row):
                holding.remove(holder)
        return holding

    def records_of(self, factory: str, places: Places) -> Sequence[RunRecord]:
        """The records of those who have a place."""
        found = (self._ledger.get(factory, each.request_id) for each in places.holders)
        return [each.record for each in found if each is not None and each.record.has_place_in(places.name)]

    def elsewhere(self, factory: str, places: Places) -> int:
        """How many have places that are kept under further ids of the same factory."""
        handle = self._factories.kept_under(factory)
        others = () if handle is None else self._factories.of(handle.alias)
        count = 0
        for other in others:
            if other.id.lower() != factory.lower():
                kept = self._ledger.places(other.id, places.name)
                count += 0 if kept is None else len(self.of(other.id, kept.places))
        return count

    def is_line_left(self, factory: str, places: Places) -> bool:
        """Whether nobody stands in a line any more. Where one is refused and not put there, no tick would find out."""
        rows = self._ledger.active(factory)
        return not any(row.places == places.name and row.waits_for is Waits.ADMISSION for row in rows)

    def _holds(self, factory: str, name: str, holder: Holder, row: ActiveRun | None) -> bool:
        if row is not None and row.run_id == holder.run_id and _is_under_way(row):
            return True
        try:
            stored = self._ledger.get(factory, holder.request_id)
        except UnreadableRow:
            return True  # of a later version: what has become of it cannot be told
        return stored is not None and stored.record.has_place_in(name)


def _is_under_way(row: ActiveRun) -> bool:
    """Whether a row says by itself that its request was admitted, and has not ended."""
    return row.state is not RunState.ENDED and row.waits_for in {None, Waits.PIPELINE}
