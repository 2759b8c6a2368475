"""Rows of the ledger's table that cannot be read: of another version, or damaged."""

from azure.data.tables import TableClient, UpdateMode

from adf_trigger.ledger.keys import partition_key


def damage(raw_table: TableClient, factory: str, key: str, document: str = '{"state": "dancing"}') -> None:
    """Replace the content of a row by one that cannot be read."""
    entity = {"PartitionKey": partition_key(factory), "RowKey": key, "document0": document}
    raw_table.update_entity(entity, mode=UpdateMode.REPLACE)
