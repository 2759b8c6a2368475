import re
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from azure.data.tables import TableClient

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.errors import LedgerConflict, LedgerError
from adf_trigger.ledger.keys import partition_key
from adf_trigger.ledger.notes import APP_SCOPE, Notes
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.port import Cursor
from adf_trigger.ledger.table import TableLedger
from tests.contracts.ledger_records import MINUTE, NOON, a_record
from tests.contracts.notes_contract import NotesContract
from tests.integration.ledger.faulty_storage import (
    BUSY,
    BUSY_BUT_DONE,
    LOST_REPLY,
    LOST_REQUEST,
    Fault,
    FaultyStorage,
)

ATTEMPTS = 3
DONE_IN_THE_END = [
    pytest.param([LOST_REPLY], id="reply lost"),
    pytest.param([LOST_REPLY] * ATTEMPTS, id="every reply lost"),
    pytest.param([LOST_REQUEST], id="request lost"),
    pytest.param([BUSY, LOST_REPLY], id="busy, then reply lost"),
    pytest.param([LOST_REQUEST, BUSY_BUT_DONE, LOST_REQUEST], id="done in the midst of losses"),
    pytest.param([Fault(keep=40)], id="reply broken off"),
    pytest.param([Fault(status=204)], id="reply without an ETag"),
]


class TestTableNotes(NotesContract):
    @pytest.fixture
    def notes(self, table_ledger: TableLedger) -> Notes:
        """Notes in a table of the real Azurite."""
        return table_ledger.notes()


@pytest.fixture
def storage(azurite: str) -> Iterator[FaultyStorage]:
    """A proxy in front of Azurite."""
    endpoint = re.search("TableEndpoint=(http://[^/]+)", azurite)
    assert endpoint is not None
    with FaultyStorage(endpoint[1]) as storage:
        yield storage


@pytest.fixture
def notes(
    azurite: str,
    storage: FaultyStorage,
    table: str,
    table_ledger: TableLedger,  # noqa: ARG001  # the table must be there
    no_waiting: None,  # noqa: ARG001  # attempts follow each other without a pause
) -> Notes:
    """Notes through the proxy."""
    connection_string = azurite.replace(storage.upstream, storage.url)
    return open_table_ledger(
        StorageAccount(connection_string=connection_string, read_timeout=0.4), table=table
    ).notes()


@pytest.mark.parametrize("faults", DONE_IN_THE_END)
def test_a_write_without_a_clear_reply_is_no_conflict(
    notes: Notes, storage: FaultyStorage, factory: str, faults: list[Fault]
) -> None:
    """First, conditional and plain writes that were made are recognised as our own, with the ETag of the next."""
    storage.faults.extend(faults)
    note = notes.put(factory, "probe", {"n": 1}, "")
    assert notes.get(factory, "probe") == note
    storage.faults.extend(faults)
    note = notes.put(factory, "probe", {"n": 2}, note.etag)
    assert notes.get(factory, "probe") == note
    storage.faults.extend(faults[: ATTEMPTS - 1])
    note = notes.put(factory, "probe", {"n": 3})
    assert notes.get(factory, "probe") == note
    assert not storage.faults


@pytest.mark.parametrize("etag_is_empty", [True, False])
def test_a_write_that_another_writer_overtook_is_a_conflict(
    notes: Notes, table_ledger: TableLedger, storage: FaultyStorage, factory: str, *, etag_is_empty: bool
) -> None:
    """A write whose request was lost, while another writer made the same one, is not recognised as our own."""
    etag = "" if etag_is_empty else notes.put(factory, "probe", {"n": 0}).etag
    other = table_ledger.notes()
    meanwhile = replace(LOST_REQUEST, meanwhile=lambda: other.put(factory, "probe", {"n": 1}, etag))
    storage.faults.append(meanwhile)
    with pytest.raises(LedgerConflict):
        notes.put(factory, "probe", {"n": 1}, etag)


@pytest.mark.parametrize("fault", [LOST_REQUEST, BUSY])
def test_a_write_that_never_arrived_is_an_error_and_no_conflict(
    notes: Notes, table_ledger: TableLedger, storage: FaultyStorage, factory: str, fault: Fault
) -> None:
    """A write that storage never received fails after its attempts, keeps the cause, and has changed nothing."""
    note = table_ledger.notes().put(factory, "probe", {"n": 1})
    for write in (
        lambda: notes.put(factory, "other", {}, ""),
        lambda: notes.put(factory, "probe", {}, note.etag),
        lambda: notes.put(factory, "probe", {}),
        lambda: notes.remove(factory, "probe"),
    ):
        storage.faults.extend([fault] * ATTEMPTS)
        with pytest.raises(LedgerError) as caught:
            write()
        assert not isinstance(caught.value, LedgerConflict)
        assert caught.value.__cause__ is not None
    assert table_ledger.notes().named(factory) == [note]


def test_a_removal_without_a_clear_reply_is_made(notes: Notes, storage: FaultyStorage, factory: str) -> None:
    """A removal whose reply was lost is repeated, and finds nothing to do."""
    notes.put(factory, "probe", {})
    storage.faults.append(LOST_REPLY)
    notes.remove(factory, "probe")
    assert notes.get(factory, "probe") is None


@pytest.mark.parametrize("fault", [LOST_REPLY, LOST_REQUEST, BUSY])
def test_a_conditional_removal_without_a_clear_reply_is_made_once(
    notes: Notes, storage: FaultyStorage, factory: str, fault: Fault
) -> None:
    """Its repetition recognises the first removal: that is no conflict."""
    note = notes.put(factory, "probe", {})
    storage.faults.append(fault)
    notes.remove(factory, "probe", note.etag)
    assert notes.get(factory, "probe") is None


def test_the_reply_to_a_read_may_break_off_anywhere(
    notes: Notes, storage: FaultyStorage, factory: str
) -> None:
    """A note or a list of them is never accepted incomplete."""
    note = notes.put(factory, "probe", {"text": "x" * 100})
    for kept in range(0, 900, 60):
        storage.read_faults.append(Fault(keep=kept))
        assert notes.get(factory, "probe") == note
        storage.read_faults.append(Fault(keep=kept))
        assert notes.named(factory) == [note]


def test_a_note_is_read_as_nothing_else(table_ledger: TableLedger, factory: str) -> None:
    """Active runs, the listing, the cursor and a purge ignore a note's row."""
    note = table_ledger.notes().put(factory, "state", {"n": 1})
    assert table_ledger.active(factory) == []
    assert table_ledger.runs(factory, since=None, limit=10, continuation=None).records == []
    assert table_ledger.cursor(factory) == Cursor()
    assert table_ledger.get(factory, "state") is None
    table_ledger.claim(a_record(factory, "state"))
    assert table_ledger.purge(factory, published_before=NOON + MINUTE, limit=100) == 0
    assert table_ledger.notes().named(factory) == [note]


def test_a_missing_table_is_an_error(azurite: str) -> None:
    """A missing table is an error, and not a missing note."""
    notes = open_table_ledger(StorageAccount(connection_string=azurite), table=f"t{uuid4().hex}").notes()
    for step in (
        lambda: notes.get(APP_SCOPE, "tick"),
        lambda: notes.named(APP_SCOPE),
        lambda: notes.put(APP_SCOPE, "tick", {}),
        lambda: notes.put(APP_SCOPE, "tick", {}, ""),
    ):
        with pytest.raises(LedgerError, match="TableNotFound") as caught:
            step()
        assert not isinstance(caught.value, LedgerConflict)


@pytest.mark.parametrize("document", ["", "[]", "{"])
def test_a_foreign_row_is_an_error(
    table_ledger: TableLedger, raw_table: TableClient, factory: str, document: str
) -> None:
    """An unreadable row is neither a note nor a missing note."""
    key = {"PartitionKey": partition_key(factory), "RowKey": "note|state"}
    raw_table.upsert_entity({**key, "document0": document})
    with pytest.raises(LedgerError, match="cannot be decoded"):
        table_ledger.notes().get(factory, "state")
