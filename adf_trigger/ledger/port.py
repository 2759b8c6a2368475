"""The port of the run ledger. Two adapters, Table storage and memory, keep the same contract."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from adf_trigger.ledger.listing import ListingPage, Question
from adf_trigger.ledger.places import KeptPlaces
from adf_trigger.ledger.records import ActiveRun, RunRecord

MOST_PARTITIONS = 1_000
"""Maximum partitions that are searched: a table has one for each factory, and two of the app itself."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was read or written, with the ETag that the next write is conditional on."""

    record: RunRecord
    etag: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of a claim: the record now in the ledger, and whether this claim inserted it."""

    stored: Stored
    created: bool


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of the listing, newest first; `continuation` is None on the last one."""

    records: Sequence[RunRecord]
    continuation: str | None


@dataclass(frozen=True, slots=True)
class ActivePage:
    """Some rows of runs that are not published, in order of arrival, and whether these are all there are."""

    rows: Sequence[ActiveRun]
    is_all: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The cursor of a factory's polls.

    Attributes:
        polled_until: runs updated before this instant have been seen.
    """

    polled_until: datetime | None = None


class LedgerReader(Protocol):
    """The read side of the ledger. Every method may raise LedgerError."""

    def get(self, factory: str, request_id: str) -> Stored | None:
        """The record of a request."""

    def find(self, factory: str, run_id: UUID) -> Stored | None:
        """The record of a run, by any runId that it ever had (including the chosen one)."""

    def by_message_digest(self, factory: str, message_digest: str) -> Sequence[Stored]:
        """The records of requests that arrived as a message with that digest and without a key of its own."""

    def active(self, factory: str) -> Sequence[ActiveRun]:
        """The rows of all unpublished runs, in order of arrival. The cost depends on these rows, not on the history."""

    def some_active(self, factory: str, *, limit: int) -> ActivePage:
        """Any rows of `active`, at most `limit`; all if there are fewer. The cost depends on the returned rows."""

    def runs(self, factory: str, *, since: datetime | None, limit: int, continuation: str | None) -> RunPage:
        """Records, newest first. A continuation is an opaque string from an earlier page.

        Raises:
            InvalidRequest: the continuation was not issued by this service.
        """

    def listing(self, factory: str, question: Question, *, after: str = "", limit: int) -> ListingPage:
        """The current entries of a list, newest first, after a place.

        The cost depends on the page and the active runs. With a filter at most MOST_PAGES pages of rows are read, and
        never more than MOST_RECORDS records: the page may be short, with a place to continue from.
        """

    def cursor(self, factory: str) -> Cursor:
        """The cursor of the last poll; an empty one if there was none."""

    def places(self, factory: str, name: str) -> KeptPlaces | None:
        """The places of a name; None if there is no such row."""

    def all_places(self, factory: str, *, after: str = "", limit: int | None = None) -> Sequence[KeptPlaces]:
        """The places of a factory, in order of their names, after a name. Unreadable rows are left out."""

    def factories(self) -> Sequence[str]:
        """Resource ids, in lower case and in order, of the factories with rows in the ledger.

        Reads one row for each factory, regardless of the history; at most MOST_PARTITIONS are found.
        """

    def check(self) -> None:
        """Check that it can be read, for the health report."""


class Ledger(LedgerReader, Protocol):
    """The ledger with its writes, which only `adf_trigger.service.recording.records` makes.

    Every method may raise LedgerError; those that write conditionally raise LedgerConflict when they lose.
    """

    def claim(self, record: RunRecord, places: KeptPlaces | None = None) -> Claim:
        """Insert the record with its active, id and when rows in one transaction, or find the earlier one.

        Given places are written in the same transaction; if they have changed since they were read, and there is no
        earlier record, LedgerConflict is raised.
        """

    def reclaim(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """Replace a published record by a new one, with all its rows, in one conditional transaction.

        Given places are written in it, too, on condition that they are unchanged since they were read.
        """

    def release(self, stored: Stored) -> None:
        """Remove a record and all its rows, conditionally: the key is free again."""

    def save(self, stored: Stored, record: RunRecord, places: KeptPlaces | None = None) -> Stored:
        """Write a record conditionally, in one transaction with its active row if that changes.

        Given places are written in it, too, on condition that they are unchanged since they were read.

        If the runId has changed, the active row moves and an id row is added. A published record has no active row: it
        is removed in the same transaction. Factory, request_id and requested_at never change.
        """

    def remove_places(self, factory: str, kept: KeptPlaces) -> None:
        """Remove a row of places, on condition that it is unchanged since it was read."""

    def save_cursor(self, factory: str, cursor: Cursor) -> None:
        """Save the cursor of a poll; the last writer wins, which is safe since polls overlap."""

    def purge(self, factory: str, *, published_before: datetime, limit: int) -> int:
        """Remove at most `limit` records that were published before a time; returns how many were."""
