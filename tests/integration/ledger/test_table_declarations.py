from uuid import uuid4

import pytest
from azure.data.tables import TableClient

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.errors import LedgerError
from adf_trigger.ledger.declarations import Declarations
from adf_trigger.ledger.encoding import encode_declaration
from adf_trigger.ledger.keys import partition_key
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.port import Cursor
from adf_trigger.ledger.table import TableLedger
from tests.contracts.declarations_contract import NAMES, DeclarationsContract, a_declaration
from tests.contracts.ledger_records import MINUTE, NOON, a_record


class TestTableDeclarations(DeclarationsContract):
    @pytest.fixture
    def declarations(self, table_ledger: TableLedger) -> Declarations:
        """Declarations in a table of the real Azurite."""
        return table_ledger.declarations()


def test_a_declaration_is_one_row_with_one_text(
    table_ledger: TableLedger, raw_table: TableClient, factory: str
) -> None:
    """The row is in the partition of its factory, under a readable name."""
    declaration = a_declaration("Load Orders", "day")
    table_ledger.declarations().put(factory, declaration)
    (row,) = raw_table.query_entities(f"PartitionKey eq '{partition_key(factory)}'")
    assert dict(row) == {
        "PartitionKey": partition_key(factory),
        "RowKey": "pipeline|load!20!orders",
        "document0": encode_declaration(declaration),
    }


def test_a_declaration_is_read_as_nothing_else(table_ledger: TableLedger, factory: str) -> None:
    """Active runs, the listing, the cursor and a purge ignore a declaration's row."""
    declarations = table_ledger.declarations()
    for name in NAMES:
        declarations.put(factory, a_declaration(name))
    assert table_ledger.active(factory) == []
    assert table_ledger.runs(factory, since=None, limit=10, continuation=None).records == []
    assert table_ledger.cursor(factory) == Cursor()
    for name in NAMES:
        assert table_ledger.get(factory, name) is None
    record = table_ledger.claim(a_record(factory)).stored.record
    assert [run.request_id for run in table_ledger.active(factory)] == [record.request_id]
    assert table_ledger.purge(factory, published_before=NOON + MINUTE, limit=100) == 0
    assert [declarations.get(factory, name) for name in NAMES] == [a_declaration(name) for name in NAMES]


def test_a_missing_table_is_an_error(azurite: str, factory: str) -> None:
    """A missing table is an error, and not a pipeline without a declaration."""
    declarations = open_table_ledger(
        StorageAccount(connection_string=azurite), table=f"t{uuid4().hex}"
    ).declarations()
    with pytest.raises(LedgerError, match="TableNotFound"):
        declarations.get(factory, "load")
    with pytest.raises(LedgerError, match="TableNotFound"):
        declarations.put(factory, a_declaration())


def test_a_foreign_row_is_an_error(table_ledger: TableLedger, raw_table: TableClient, factory: str) -> None:
    """An unreadable row is not read as a declaration without parameters."""
    raw_table.upsert_entity(
        {"PartitionKey": partition_key(factory), "RowKey": "pipeline|load", "document0": "{}"}
    )
    with pytest.raises(LedgerError, match="cannot be decoded"):
        table_ledger.declarations().get(factory, "load")
