"""Opens the table ledger of a storage account."""

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.ledger.table import TableLedger


def open_table_ledger(account: StorageAccount, *, table: str, create_missing: bool = False) -> TableLedger:
    """The ledger in a table. Nothing is sent until it is used.

    Args:
        account: the storage account.
        table: name of the table.
        create_missing: whether a missing table is created.

    Raises:
        SettingsError: the account's settings are not valid.
    """
    account.table(table).close()
    return TableLedger(lambda: account.table(table), create_missing=create_missing)
