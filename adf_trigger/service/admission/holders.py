"""The requests that hold a place: the row of places names them, and their records show whether they have ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adf_trigger.errors import UnreadableRow
from adf_trigger.ledger.places import Holder, Places
from adf_trigger.ledger.port import LedgerReader
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState, Waits
from adf_trigger.service.factories import Factories, FactoryHandle


@dataclass(frozen=True, slots=True)
class Known:
    """The holders of places.

    Attributes:
        records: the records that can be read.
        unreadable: holders whose records are of a later version or damaged: they keep their places.
    """

    records: Sequence[RunRecord]
    unreadable: Sequence[Holder]

    def __len__(self) -> int:
        return len(self.records) + len(self.unreadable)


class Holders:
    """Reads which requests hold a place. Every method may raise LedgerError.

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
        """The requests that still hold a place.

        Args:
            factory: resource id that the places are kept under.
            places: as last read.
            below: once fewer holders than this are left, no more records are read.
            but: a request that is not counted.
            rows: active rows by request, read after the places: a request that has not ended there keeps its place.
        """
        holding = [each for each in places.holders if each.request_id != but]
        for holder in tuple(holding):
            if len(holding) < below:
                break
            row = None if rows is None else rows.get(holder.request_id)
            if not self._holds(factory, places.name, holder, row):
                holding.remove(holder)
        return holding

    def known_of(self, factory: str, places: Places) -> Known:
        """The requests that still hold a place, with their records."""
        records, unreadable = [], []
        for holder in places.holders:
            try:
                stored = self._ledger.get(factory, holder.request_id)
            except UnreadableRow:
                unreadable.append(holder)
                continue
            if stored is not None and stored.record.has_place_in(places.name):
                records.append(stored.record)
        return Known(records, unreadable)

    def elsewhere(self, factory: str, places: Places) -> int:
        """The number of places held under further ids of the same factory."""
        return sum(len(self.of(other, kept)) for other, kept in self._elsewhere(factory, places))

    def all_known_of(self, factory: str, places: Places) -> Known:
        """The same as `known_of`, with the places under further ids of the same factory."""
        found = [
            self.known_of(each, kept) for each, kept in ((factory, places), *self._elsewhere(factory, places))
        ]
        return Known(
            [record for each in found for record in each.records],
            [holder for each in found for holder in each.unreadable],
        )

    def has_line_before(self, factory: str, places: Places) -> bool:
        """Whether requests wait in line under a later id of the same factory.

        New requests are kept under its first id.
        """
        ids = [each.id.lower() for each in self._handles(factory)]
        own = ids.index(factory.lower()) if factory.lower() in ids else len(ids)
        return any(
            kept.has_line and not self.is_line_empty(other, kept)
            for other, kept in self._elsewhere(factory, places)
            if ids.index(other.lower()) > own
        )

    def last_number(self, factory: str, places: Places) -> int:
        """The highest number in a line."""
        rows = self._ledger.active(factory)
        return max((row.place_number or 0 for row in rows if row.places == places.name), default=0)

    def is_line_empty(self, factory: str, places: Places) -> bool:
        """Whether the line is empty, though its row says otherwise.

        Where requests are refused instead of lining up, no tick would find out.
        """
        rows = self._ledger.active(factory)
        return not any(row.places == places.name and row.waits_for is Waits.ADMISSION for row in rows)

    def _handles(self, factory: str) -> Sequence[FactoryHandle]:
        handle = self._factories.kept_under(factory)
        return () if handle is None else self._factories.of(handle.alias)

    def _elsewhere(self, factory: str, places: Places) -> Sequence[tuple[str, Places]]:
        """The places of the same name under further ids of the same factory, of which there are few."""
        found = (
            (each.id, self._ledger.places(each.id, places.name))
            for each in self._handles(factory)
            if each.id.lower() != factory.lower()
        )
        return [(other, kept.places) for other, kept in found if kept is not None]

    def _holds(self, factory: str, name: str, holder: Holder, row: ActiveRun | None) -> bool:
        if row is not None and row.run_id == holder.run_id and _is_under_way(row):
            return True
        try:
            stored = self._ledger.get(factory, holder.request_id)
        except UnreadableRow:
            return True  # of a later version: its state is not known
        return stored is not None and stored.record.has_place_in(name)


def _is_under_way(row: ActiveRun) -> bool:
    """Whether the row alone shows that its request was admitted and has not ended."""
    return row.state is not RunState.ENDED and row.waits_for in {None, Waits.PIPELINE}
