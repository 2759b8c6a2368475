import logging
from uuid import uuid4

import pytest
from azure.data.tables import TableClient

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.rejected import REJECTED, RejectedMessages, kept_key
from tests.contracts.rejected_contract import RejectedContract, a_message


class TestTableRejected(RejectedContract):
    @pytest.fixture
    def own_table(self) -> str:
        """Name of a table that no other test has."""
        return f"t{uuid4().hex}"

    @pytest.fixture
    def rejected(self, azurite: str, own_table: str) -> RejectedMessages:
        """Rejected messages in a table of the real Azurite."""
        account = StorageAccount(connection_string=azurite)
        return open_table_ledger(account, table=own_table, create_missing=True).rejected()

    def test_a_row_that_cannot_be_understood_hides_no_other(
        self, rejected: RejectedMessages, azurite: str, own_table: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is passed over and logged, and may be removed."""
        broken, whole = a_message("a"), a_message("b")
        rejected.keep(broken)
        rejected.keep(whole)
        with TableClient.from_connection_string(azurite, own_table) as table:
            table.upsert_entity({"PartitionKey": REJECTED, "RowKey": kept_key(broken.key), "document0": "{"})
        with caplog.at_level(logging.WARNING):
            assert rejected.list(limit=10) == [whole]
        assert "row_unreadable" in [getattr(record, "action", None) for record in caplog.records]
        rejected.remove(broken.key)
        assert rejected.get(broken.key) is None
