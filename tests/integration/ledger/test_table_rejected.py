import logging
from typing import Any
from uuid import uuid4

import pytest
from azure.data.tables import TableClient, UpdateMode

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.listing import Question
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.rejected import REJECTED, RejectedMessages
from adf_trigger.ledger.rejected_rows import kept_key, listed_key, waiting_key
from adf_trigger.ledger.table_rejected import TableRejected
from tests.contracts.ledger_records import MINUTE, NOON
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

    def test_an_unreadable_row_hides_no_other(
        self, rejected: RejectedMessages, azurite: str, own_table: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is skipped and logged, and may be removed."""
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

    def test_messages_kept_by_an_earlier_version_are_listed(
        self, rejected: RejectedMessages, azurite: str, own_table: str
    ) -> None:
        """A bounded number at a time, once per process; waiting ones among the waiting ones, and none with a record."""
        kept = [a_message(f"m-{n}", received_at=NOON + n * MINUTE) for n in range(7)]
        others = [
            a_message("waits", waiting=True),
            a_message("request:0123:k:0", received_at=NOON + 9 * MINUTE),
        ]
        for message in (*kept, *others):
            rejected.keep(message)
        with TableClient.from_connection_string(azurite, own_table) as table:
            row = table.get_entity(REJECTED, kept_key(others[0].key))
            del row["unlisted"]
            table.upsert_entity(row, mode=UpdateMode.REPLACE)
            table.delete_entity(REJECTED, waiting_key(others[0]))
            for message in kept[:6]:
                table.delete_entity(REJECTED, listed_key(message))
        assert [entry.run.message_id for entry in rejected.listing(Question(), limit=9).entries] == ["m-6"]
        rounds = 1
        while not rejected.complete_listing(limit=3):
            rounds += 1
        assert rounds == 3
        entries = rejected.listing(Question(), limit=9).entries
        assert [entry.run for entry in entries] == [message.listed for message in reversed(kept)]
        assert rejected.complete_listing(limit=3)
        assert rejected.overdue(before=NOON + 9 * MINUTE, limit=9) == [others[0]]

    def test_a_message_sent_again_during_a_purge_stays(self, rejected: RejectedMessages) -> None:
        """A purge removes the rows it has read, and not those sent again since."""
        kept = rejected.keep(a_message("m-1"))
        rejected.keep(a_message("m-2"))
        assert isinstance(rejected, TableRejected)
        between = rejected._table.between
        sent: list[KeptMessage] = []

        def read_and_overtaken(*args: Any, **options: Any) -> Any:
            rows = list(between(*args, **options))
            if not sent:
                sent.append(rejected.change(kept.sent(NOON)))
            return rows

        rejected._table.between = read_and_overtaken  # type: ignore[method-assign]
        assert rejected.purge(received_before=NOON + MINUTE, limit=9) == 1
        assert rejected.list(limit=9) == sent
        assert rejected.overdue(before=NOON + MINUTE, limit=9) == sent

    def test_an_empty_place_is_complete(self, rejected: RejectedMessages) -> None:
        """There is nothing to list."""
        assert rejected.complete_listing(limit=3)
