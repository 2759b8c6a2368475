"""The listing of a factory in Table storage: one query for a page, one for the active rows, few reads of records."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from azure.data.tables import TableEntity

from adf_trigger.contracts import RunStatus
from adf_trigger.errors import UnreadableRow
from adf_trigger.ledger.gateway import MAX_PAGE, TableGateway
from adf_trigger.ledger.keys import listing_key, partition_key, place_in, when_key
from adf_trigger.ledger.listing import (
    MOST_PAGES,
    MOST_RECORDS,
    Entry,
    ListedRun,
    ListingPage,
    Question,
    bounds_of,
    decode_listed,
)
from adf_trigger.ledger.port import Stored
from adf_trigger.ledger.records import ActiveRun, RunRecord, RunState
from adf_trigger.ledger.rows import join, listed
from adf_trigger.ledger.unreadable import readable

_Read = Callable[[], ListedRun | None]
_Batch = tuple[Sequence[tuple[str, _Read]], bool]
"""Places with a reader of each entry, and whether more follow."""


class _RecordsSpentError(Exception):
    """A page has read its maximum of records."""


class TableListing:
    """Reads the listing of one factory for one page.

    Args:
        table: the ledger's table.
        factory: resource id.
        question: the filter.
        get: returns the record of a request of the factory.
        active: returns the active rows of the factory, all or at most a number of them.
    """

    def __init__(
        self,
        table: TableGateway,
        factory: str,
        question: Question,
        *,
        get: Callable[[str], Stored | None],
        active: Callable[[int | None], Sequence[ActiveRun]],
    ) -> None:
        self._table = table
        self._partition = partition_key(factory)
        self._question = question
        self._get = get
        self._active = active
        self._active_runs: dict[str, ActiveRun] | None = None
        self._records_left = MOST_RECORDS

    def page(self, after: str, limit: int) -> ListingPage:
        """A page after a place.

        Raises:
            LedgerError: the table could not be read.
        """
        batches = (
            self._unfinished(after) if self._question.wants_unfinished_only else self._rows(after, limit)
        )
        return collected(batches, self._question, after, limit)

    def _rows(self, after: str, limit: int) -> Iterator[_Batch]:
        for rows, more in listing_rows(self._table, self._partition, self._question, after, limit):
            yield [(place, partial(self._current, place, row)) for place, row in rows], more

    def _current(self, place: str, row: TableEntity) -> ListedRun | None:
        """The current entry of a row; None if it is filtered out, or gone."""
        run = shown(row)
        if run is None:  # of an earlier version, whose rows were empty
            return self._record(place, listed(row))
        if run.ended:
            return run
        if not self._question.may_want(run):
            return None
        active = self._active_of(run)
        if active is not None and active.status is not None:
            return replace(run, status=active.status, run_id=active.run_id, started_at=active.started_at)
        if active is not None and _is_unwanted(active, self._question):
            return None
        # Only the record knows: it is being sent or waits, it has ended since, or an earlier version has ended it.
        return self._record(place, run.request_id)

    def _active_of(self, run: ListedRun) -> ActiveRun | None:
        if self._active_runs is None:
            # A page needs only a few of very many: the records have those that are missing here.
            most = None if self._question.is_narrow else MAX_PAGE
            self._active_runs = {active.request_id: active for active in self._active(most)}
        active = self._active_runs.get(run.request_id)
        return active if active is not None and active.requested_at == run.requested_at else None

    def _unfinished(self, after: str) -> Iterator[_Batch]:
        """The active rows, newest first: a list of unfinished runs does not read the history."""
        first, end = bounds_of(self._question, after)
        found = []
        for run in self._active(None):
            place = _place(run)
            if first < place < end and not _is_unwanted(run, self._question):
                found.append((place, run.request_id))
        yield (
            [(place, partial(self._record, place, request_id)) for place, request_id in sorted(found)],
            False,
        )

    def _record(self, place: str, request_id: str) -> ListedRun | None:
        """The entry of the record; None if it is gone, or was claimed again and has another place."""
        if not self._records_left:
            raise _RecordsSpentError
        self._records_left -= 1
        stored = readable(place, self._get, request_id)
        return ListedRun.of(stored.record) if stored is not None and _place(stored.record) == place else None


def listing_rows(
    table: TableGateway, partition: str, question: Question, after: str, limit: int
) -> Iterator[tuple[Sequence[tuple[str, TableEntity]], bool]]:
    """The rows of the listing with their places, page by page, and whether more follow each page.

    Raises:
        LedgerError: the table could not be read.
    """
    first, end = bounds_of(question, after)
    size = MAX_PAGE if question.is_narrow else limit + 1
    for _ in range(MOST_PAGES):
        rows = table.between(partition, listing_key(first), listing_key(end), limit=size)
        found = [(place_in(row["RowKey"]), row) for row in rows]
        yield found, len(found) == size
        first = found[-1][0] if found else first


def collected(batches: Iterator[_Batch], question: Question, after: str, limit: int) -> ListingPage:
    """Collect a page from batches."""
    entries: list[Entry] = []
    read_to = after
    for batch, more in batches:
        for number, (place, read) in enumerate(batch, start=1):
            try:
                run = read()
            except _RecordsSpentError:
                return ListingPage(entries, read_to)
            read_to = place
            if run is not None and question.wants(run):
                entries.append(Entry(place, run))
            if len(entries) == limit:
                return ListingPage(entries, read_to if more or number < len(batch) else None)
        if not more:
            return ListingPage(entries, None)
    return ListingPage(entries, read_to)


def _is_unwanted(run: ActiveRun, question: Question) -> bool:
    """Whether an active row alone shows that a run is filtered out."""
    if question.statuses is None:
        return False
    if run.state is RunState.ENDED:
        return question.wants_unfinished_only
    status = RunStatus.ACCEPTED if run.state is RunState.ACCEPTED else run.status
    return status is not None and status not in question.statuses


def _place(run: ActiveRun | RunRecord) -> str:
    return place_in(when_key(run.requested_at, run.request_id))


def shown(row: TableEntity) -> ListedRun | None:
    """Decode the entry of a row; None if it has none, or cannot be decoded."""
    text = join(row)
    if not text:
        return None
    try:
        return decode_listed(text)
    except UnreadableRow:
        return None
