"""The ledger's table as rows and conditional writes: a client per thread, lost replies settled, errors translated."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPException
from itertools import islice
from typing import Any, TypeVar

import requests
import stamina
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.core.pipeline import PipelineResponse
from azure.data.tables import TableClient, TableEntity, UpdateMode

from adf_trigger.clock import IdSource
from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger.rows import WRITE_ID, Operation, Properties, Rows, operations
from adf_trigger.ledger.table_errors import GarbledReply, is_lost_race, is_missing_table, is_unclear, sentence

logger = logging.getLogger(__name__)

_FORBIDDEN = 403
MAX_PAGE = 1000
"""Maximum rows that the service returns in one answer."""

_retrying = stamina.RetryingCaller(
    attempts=4, timeout=30.0, wait_initial=0.2, wait_max=2.0, wait_jitter=0.2
).on(is_unclear)

# Exceptions that azure-core lets through besides AzureError if an answer is incomplete or not storage's.
_GARBLED = (requests.RequestException, HTTPException, ValueError, TypeError, LookupError, AttributeError)

T = TypeVar("T")


class TableGateway:
    """Reads rows and commits changes of them atomically.

    Args:
        open_client: creates a client of the table, without retries of its own. Called once per thread, since a
            client has a requests.Session.
        new_id: creates the marks by which a write whose reply was lost is recognised.
        create_missing: whether a missing table is created, and the work repeated.
    """

    def __init__(
        self, open_client: Callable[[], TableClient], new_id: IdSource, *, create_missing: bool = False
    ) -> None:
        self._open_client = open_client
        self._new_id = new_id
        self._create_missing = create_missing
        self._threads = threading.local()

    def read(self, partition: str, key: str) -> TableEntity | None:
        """A row, or None.

        Raises:
            LedgerError: it could not be read, or the table does not exist.
        """

        def get(client: TableClient) -> TableEntity | None:
            try:
                row = client.get_entity(partition, key)
            except ResourceNotFoundError as exc:
                if is_missing_table(exc):
                    raise
                return None
            _require_wanted([row], lambda given: given == key)
            return row

        return self._repeated("reading the ledger", get)

    def between(
        self,
        partition: str,
        after: str,
        before: str,
        *,
        limit: int | None = None,
        select: Sequence[str] | None = None,
    ) -> Sequence[TableEntity]:
        """The rows between two keys, both excluded, in order of their keys.

        Args:
            partition: PartitionKey.
            after: the key before the first.
            before: the key after the last.
            limit: maximum rows; None for all.
            select: properties to read, including RowKey; None for all.

        Raises:
            LedgerError: they could not be read.
        """

        def query(client: TableClient) -> Sequence[TableEntity]:
            found = client.query_entities(
                "PartitionKey eq @partition and RowKey gt @after and RowKey lt @before",
                parameters={"partition": partition, "after": after, "before": before},
                results_per_page=min(limit or MAX_PAGE, MAX_PAGE),
                select=select if select is None else list(select),
            )
            rows = list(islice(found, limit))
            _require_wanted(rows, lambda given: after < given < before)
            return rows

        return self._repeated("reading the ledger", query)

    def partitions(self) -> Iterator[str]:
        """The partitions that have rows, in order: reads one row of each and skips its others.

        Raises:
            LedgerError: they could not be read.
        """
        last = ""
        while (found := self._repeated("reading the ledger", partial(_next_partition, last))) is not None:
            yield found
            last = found

    def put(self, partition: str, key: str, properties: Properties) -> str:
        """Write a row unconditionally; returns its new ETag.

        Raises:
            LedgerError: it could not be written.
        """
        entity = {"PartitionKey": partition, "RowKey": key, **properties}
        return self._repeated(
            "writing the ledger",
            lambda client: _etag_in(client.upsert_entity(entity, mode=UpdateMode.REPLACE)),
        )

    def remove(self, partition: str, key: str) -> None:
        """Delete a row unconditionally; it may be gone already.

        Raises:
            LedgerError: it could not be deleted.
        """
        self._repeated("writing the ledger", lambda client: client.delete_entity(partition, key))

    def commit(
        self,
        partition: str,
        run: str,
        before: Rows,
        after: Rows,
        etag: str | None = None,
        *,
        beside: Sequence[Operation] = (),
    ) -> str:
        """Turn one set of rows into another, atomically; returns the new ETag of the run row.

        An attempt without a clear answer is repeated: if it was applied, the repeat is refused, and the mark on the run
        row shows that the write was our own.

        Args:
            partition: PartitionKey of all rows.
            run: RowKey of the record.
            before: rows as they were read; none for a claim.
            after: the new rows; none for a removal, which returns an empty ETag.
            etag: of the run row in `before`.
            beside: operations on other rows in the same transaction.

        Raises:
            LedgerConflict: a row has changed since it was read; nothing was written.
            LedgerError: it could not be written, or the outcome is not known.
        """
        write_id = self._new_id().hex
        changes = [*operations(partition, run, before, after, etag=etag, write_id=write_id), *beside]
        unclear = False

        def attempt() -> str:
            nonlocal unclear
            try:
                return self._on_table(lambda: self._written(changes))
            except AzureError as exc:
                unclear = unclear or is_unclear(exc)
                raise

        try:
            return _retrying(attempt)
        except AzureError as exc:
            settled = self._settled(partition, run, write_id if run in after else None) if unclear else None
            if settled is None:
                raise (LedgerConflict if is_lost_race(exc) else LedgerError)(
                    sentence("writing the ledger", exc)
                ) from exc
            logger.warning(
                "A write of the ledger got no clear answer, but was applied",
                extra={"action": "ledger_write_settled", "row": run},
            )
            return settled

    def create_table(self) -> None:
        """Create the table unless it exists.

        Raises:
            LedgerError: it could not be created.
        """

        def create(client: TableClient) -> None:
            with suppress(ResourceExistsError):
                client.create_table()

        self._repeated("creating the ledger's table", create)

    def probe(self) -> None:
        """Read at most one row.

        Raises:
            LedgerError: it could not be read, or the table does not exist.
        """
        self._repeated(
            "reading the ledger", lambda client: next(client.list_entities(results_per_page=1), None)
        )

    @property
    def _client(self) -> TableClient:
        if not hasattr(self._threads, "client"):
            self._threads.client = self._open_client()
        client: TableClient = self._threads.client
        return client

    def _repeated(self, doing: str, work: Callable[[TableClient], T]) -> T:
        """Perform a read or an idempotent write, and repeat it while it gets no clear answer."""

        def attempt() -> T:
            with _garbled_replies():
                return self._on_table(lambda: work(self._client))

        try:
            return _retrying(attempt)
        except AzureError as exc:
            raise LedgerError(sentence(doing, exc)) from exc

    def _on_table(self, work: Callable[[], T]) -> T:
        """Do the work; if the table is missing and may be created, create it and repeat the work."""
        try:
            return work()
        except HttpResponseError as exc:
            if not (self._create_missing and is_missing_table(exc)):
                raise
        self._make_table()
        return work()

    def _make_table(self) -> None:
        client = self._client
        try:
            client.create_table()
        except ResourceExistsError:
            return  # another process was first, or it is still being deleted, which the repeated work will report
        except HttpResponseError as exc:
            if exc.status_code == _FORBIDDEN:
                raise LedgerError(
                    f"the table {client.table_name} is missing and this app may not create it: create it, or assign "
                    "the role Storage Table Data Contributor"
                ) from exc
            raise
        logger.warning(
            "Created the table %s, which was missing",
            client.table_name,
            extra={"action": "table_created", "table": client.table_name},
        )

    def _written(self, changes: list[Operation]) -> str:
        """The new ETag of the run row. One row needs no transaction, whose multipart bodies cost three updates."""
        operation, entity, conditions = changes[0]
        if len(changes) == 1 and operation == "update":
            # A single new row is sent as a transaction: for create_entity the SDK does not report a missing table.
            with _garbled_replies():
                return _etag_in(self._client.update_entity(entity, **conditions))
        replies: list[PipelineResponse[Any, Any]] = []
        try:
            with _garbled_replies():
                results = self._client.submit_transaction(changes, raw_response_hook=replies.append)
        finally:
            for reply in replies:
                reply.http_response.close()  # azure-core does not close a response that it could not read
        if len(results) != len(changes):
            raise GarbledReply(f"{len(results)} answers to {len(changes)} operations")
        return _etag_in(results[0], needed=changes[0][0] != "delete")

    def _settled(self, partition: str, run: str, write_id: str | None) -> str | None:
        """The ETag of our own write, or None if it was not applied; a removal has no write_id."""
        row = self.read(partition, run)
        if row is None or write_id is None:
            return "" if row is None and write_id is None else None
        return etag_of(row) if row.get(WRITE_ID) == write_id else None


def _next_partition(last: str, client: TableClient) -> str | None:
    rows = client.query_entities(
        "PartitionKey gt @last", parameters={"last": last}, results_per_page=1, select=["PartitionKey"]
    )
    row = next(rows, None)
    if row is None:
        return None
    found: str = row["PartitionKey"]
    if found <= last:
        raise GarbledReply("the answer has rows that were not requested")
    return found


def etag_of(row: TableEntity) -> str:
    """The ETag of a row that was read."""
    return row.metadata["etag"] or ""


def _etag_in(answer: Mapping[str, Any], *, needed: bool = True) -> str:
    etag: str = answer.get("etag") or ""
    if needed and not etag:
        raise GarbledReply("the answer to a write has no ETag")
    return etag


def _require_wanted(rows: Sequence[TableEntity], wanted: Callable[[str], bool]) -> None:
    if not all(wanted(row["RowKey"]) for row in rows):
        raise GarbledReply("the answer has rows that were not requested")


@contextmanager
def _garbled_replies() -> Iterator[None]:
    try:
        yield
    except _GARBLED as exc:
        raise GarbledReply("the answer could not be read", error=exc) from exc
