"""The listing in Table storage: what it costs, where it stops, and rows that lack fields."""

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from azure.data.tables import TableClient, UpdateMode

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.ledger.keys import partition_key
from adf_trigger.ledger.listing import MOST_RECORDS, ListedRun, Question
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.ledger.rows import rows_of
from adf_trigger.ledger.table import TableLedger
from adf_trigger.service.recording import transitions
from tests.contracts.ledger_records import MINUTE, NOON, a_record
from tests.contracts.listing_contract import LEASE, listing, pages
from tests.integration.ledger.faulty_storage import FaultyStorage

FAILED = Question(statuses=frozenset({"Failed"}))
ONE_RUN_AFTER_ANOTHER = [UUID(int=n) for n in range(1, 2_200)]


@pytest.fixture
def storage(azurite: str) -> Iterator[FaultyStorage]:
    """A proxy in front of Azurite that counts."""
    endpoint = re.search("TableEndpoint=(http://[^/]+)", azurite)
    assert endpoint is not None
    with FaultyStorage(endpoint[1]) as storage:
        yield storage


@pytest.fixture
def counted(azurite: str, storage: FaultyStorage, table: str, table_ledger: TableLedger) -> TableLedger:  # noqa: ARG001  # the table must be there
    """The ledger through the proxy."""
    account = StorageAccount(connection_string=azurite.replace(storage.upstream, storage.url))
    return open_table_ledger(account, table=table)


def put(raw_table: TableClient, records: list[RunRecord], *, without: tuple[str, ...] = ("run|",)) -> None:
    """Write the rows of records as the ledger does, except some kinds of them."""
    rows = [
        {"PartitionKey": partition_key(record.factory), "RowKey": key, **properties}
        for record in records
        for key, properties in rows_of(record, "{}").items()
        if not key.startswith((*without, "id|"))
    ]
    for start in range(0, len(rows), 100):
        raw_table.submit_transaction([("create", row) for row in rows[start : start + 100]])


def many(factory: str, count: int, status: str, **more: object) -> list[RunRecord]:
    """Records of ended runs, a second apart."""
    return [
        a_record(
            factory,
            f"{status}-{n:05}",
            run_id=ONE_RUN_AFTER_ANOTHER[n],
            requested_at=NOON + n * MINUTE / 60,
            state=RunState.PUBLISHED,
            status=status,
            ended_at=NOON,
            **more,
        )
        for n in range(count)
    ]


def test_a_page_costs_the_same_however_long_the_history(
    counted: TableLedger,
    storage: FaultyStorage,
    raw_table: TableClient,
    factory: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With more runs than two replies of storage hold, a page of ended ones is one read, with active ones two.

    This holds at any depth; a page of rare runs ends after a number of replies: two here, ten by default.
    """
    monkeypatch.setattr("adf_trigger.ledger.table_listing.MOST_PAGES", 2)
    put(raw_table, many(factory, 2_100, "Succeeded"))
    page = counted.listing(factory, Question(), limit=50)
    assert (len(page.entries), storage.reads) == (50, 1)
    deep = Question(until=NOON + 1_000 * MINUTE / 60)
    page = counted.listing(factory, deep, limit=200)
    assert (page.entries[0].run.request_id, storage.reads) == ("Succeeded-00999", 2)
    stored = counted.claim(a_record(factory, "new", requested_at=NOON + 2_099 * MINUTE)).stored
    stored = counted.save(stored, transitions.submit(stored.record, run_id=stored.record.run_id, now=NOON))
    storage.reads = 0
    page = counted.listing(factory, Question(), limit=50)
    assert (page.entries[0].run, storage.reads) == (ListedRun.of(stored.record), 2)
    storage.reads = 0
    page = counted.listing(factory, Question(statuses=frozenset({"Queued"})), limit=50)
    assert ([entry.run for entry in page.entries], page.read_to) == ([ListedRun.of(stored.record)], None)
    assert storage.reads == 2  # the active rows and their record: the history is not read
    storage.reads = 0
    page = counted.listing(factory, FAILED, limit=50)
    assert (page.entries, storage.reads) == ([], 2 + 1)  # two pages of rows, and the active rows
    assert page.read_to is not None
    put(raw_table, many(factory, 1, "Failed"))
    assert [len(page.entries) for page in pages(counted, factory, FAILED, 50)] == [0, 1]


def test_a_page_costs_the_same_however_many_runs_are_active(
    counted: TableLedger, storage: FaultyStorage, raw_table: TableClient, factory: str
) -> None:
    """With more active runs than one reply holds, a page reads one reply, and the records of runs not in it."""
    waiting = [a_record(factory, f"w-{n}", run_id=ONE_RUN_AFTER_ANOTHER[n]) for n in range(1_010)]
    put(raw_table, waiting, without=("run|", "when|"))
    shown: list[ListedRun] = []
    for n in range(3):
        stored = counted.claim(a_record(factory, f"k-{n}", requested_at=NOON + n * MINUTE)).stored
        moved = transitions.hand_over(
            transitions.submit(stored.record, run_id=stored.record.run_id, now=NOON)
        )
        shown.insert(0, ListedRun.of(counted.save(stored, moved).record))
    storage.reads = 0
    page = counted.listing(factory, Question(), limit=50)
    assert [entry.run for entry in page.entries] == shown
    assert storage.reads == 1 + 1 + 3


def test_runs_ended_by_an_earlier_version_are_listed(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """Empty rows of the listing are filled from records, a bounded number for each page."""
    records: list[RunRecord] = []
    for n in range(5):
        stored = table_ledger.claim(a_record(factory, f"load-{n}", requested_at=NOON + n * MINUTE)).stored
        if n % 2:
            stored = table_ledger.save(stored, transitions.reject(stored.record, reason="no", now=NOON))
            stored = table_ledger.save(stored, transitions.publish(stored.record, now=NOON))
        records.insert(0, stored.record)
    empty_the_listing(raw_table, factory)
    assert listing(table_ledger, factory, limit=2) == [ListedRun.of(record) for record in records]
    rejected = Question(statuses=frozenset({"Rejected"}))
    assert [run.request_id for run in listing(table_ledger, factory, rejected)] == ["load-3", "load-1"]
    assert len(listing(table_ledger, factory, Question(statuses=frozenset({"Accepted"})))) == 3


def test_a_run_begun_by_an_earlier_version_gets_its_row_at_its_end(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """The first move that writes the listing corrects the row of an earlier version."""
    stored = table_ledger.claim(a_record(factory)).stored
    empty_the_listing(raw_table, factory)
    stored = table_ledger.save(stored, transitions.reject(stored.record, reason="no", now=NOON))
    raw_table.delete_entity(partition_key(factory), f"run|{stored.record.request_id}")
    assert listing(table_ledger, factory) == [ListedRun.of(stored.record)]


def test_a_run_ended_by_an_earlier_version_beside_this_one_is_listed(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """While two versions run, the one that ends a run may leave its row unchanged: the record is the truth."""
    stored = table_ledger.claim(a_record(factory)).stored
    row = raw_table.get_entity(partition_key(factory), f"when|936069054399999999|{stored.record.request_id}")
    stored = table_ledger.save(stored, transitions.reject(stored.record, reason="no", now=NOON))
    stored = table_ledger.save(stored, transitions.publish(stored.record, now=NOON))
    raw_table.upsert_entity(row)
    assert listing(table_ledger, factory) == [ListedRun.of(stored.record)]


def test_a_page_reads_a_bounded_number_of_records(
    counted: TableLedger, storage: FaultyStorage, raw_table: TableClient, factory: str
) -> None:
    """A history of empty rows is shown completely, but no page reads more than a fixed number of records."""
    put(raw_table, many(factory, MOST_RECORDS + 1, "Succeeded"), without=())
    empty_the_listing(raw_table, factory)
    for page in pages(counted, factory, FAILED, 50):
        assert page.entries == []
        assert storage.reads <= MOST_RECORDS + 1
        storage.reads = 0


def test_a_row_whose_record_was_removed_is_not_listed(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """Such a row neither hides the others nor ends the page early."""
    for n in range(3):
        table_ledger.claim(a_record(factory, f"load-{n}", requested_at=NOON + n * MINUTE))
    for key in ("run|load-1", *active_rows(raw_table, factory, "load-1")):
        raw_table.delete_entity(partition_key(factory), key)
    assert [run.request_id for run in listing(table_ledger, factory, limit=2)] == ["load-2", "load-0"]


def test_an_unreadable_row_is_replaced_by_its_record(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """Whatever the row holds, its record is read."""
    stored = table_ledger.claim(a_record(factory)).stored
    (row,) = raw_table.query_entities(f"PartitionKey eq '{partition_key(factory)}' and RowKey gt 'when|'")
    raw_table.upsert_entity({**row, "document0": "{nonsense"})
    assert listing(table_ledger, factory) == [ListedRun.of(stored.record)]


def test_a_run_read_by_an_earlier_version_shows_the_status_of_its_record(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """Active rows without a status do not determine it."""
    stored = table_ledger.claim(a_record(factory)).stored
    moved = transitions.submit(stored.record, run_id=stored.record.run_id, now=NOON)
    moved = transitions.see(moved, status="InProgress", started_at=NOON, now=NOON)
    stored = table_ledger.save(stored, moved)
    (key,) = active_rows(raw_table, factory, stored.record.request_id)
    row = raw_table.get_entity(partition_key(factory), key)
    row["document0"] = re.sub(r',"status":"InProgress","started_at":"[^"]+"', "", row["document0"])
    assert "InProgress" not in row["document0"]
    raw_table.upsert_entity(row, mode=UpdateMode.REPLACE)
    assert listing(table_ledger, factory) == [ListedRun.of(stored.record)]


def test_a_run_being_sent_has_the_status_of_its_record(table_ledger: TableLedger, factory: str) -> None:
    """Its active row looks like that of a run that was started."""
    stored = table_ledger.claim(transitions.lease_to_send(a_record(factory), now=NOON, lease=LEASE)).stored
    (run,) = listing(table_ledger, factory)
    assert (run.status, run.run_id, run.reason) == ("Accepted", None, "it is being sent to Data Factory")
    table_ledger.save(stored, transitions.submit(stored.record, run_id=stored.record.run_id, now=NOON))
    (run,) = listing(table_ledger, factory)
    assert (run.status, run.run_id) == ("Queued", stored.record.run_id)


def empty_the_listing(raw_table: TableClient, factory: str) -> None:
    """The rows of the listing as an earlier version wrote them: without any content."""
    for row in list(
        raw_table.query_entities(f"PartitionKey eq '{partition_key(factory)}' and RowKey gt 'when|'")
    ):
        empty = {"PartitionKey": row["PartitionKey"], "RowKey": row["RowKey"]}
        raw_table.upsert_entity(empty, mode=UpdateMode.REPLACE)


def active_rows(raw_table: TableClient, factory: str, request_id: str) -> list[str]:
    """The keys of a request's active rows."""
    rows = raw_table.query_entities(
        f"PartitionKey eq '{partition_key(factory)}' and RowKey gt 'active|' and RowKey lt 'active}}'"
    )
    return [row["RowKey"] for row in rows if f'"{request_id}"' in row["document0"]]
