"""The counter that the benches check their limits with."""

from dataclasses import replace

from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.table import TableLedger
from tests.bench.counted_storage import counted
from tests.contracts.ledger_records import a_record


def test_each_call_of_storage_is_counted_once(
    azurite: str,
    table: str,
    table_ledger: TableLedger,  # noqa: ARG001  # the table must be there
    factory: str,
) -> None:
    """Transactions, replaced rows, rows read and lists are counted, whichever way each of them is sent."""
    account, requests = counted(azurite)
    ledger = open_table_ledger(account, table=table)
    claimed = ledger.claim(a_record(factory=factory)).stored
    assert requests.count == 1
    saved = ledger.save(claimed, replace(claimed.record, message="another"))
    assert requests.count == 2
    assert ledger.get(factory, saved.record.request_id) is not None
    assert requests.count == 3
    assert ledger.active(factory)
    assert requests.count == 4
