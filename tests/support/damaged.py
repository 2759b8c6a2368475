"""Rows of the ledger's table that nobody understands: of another version, or damaged."""

from azure.data.tables import TableClient, UpdateMode

from adf_trigger.ledger.keys import partition_key


def damage(raw_table: TableClient, factory: str, key: str, document: str = '{"state": "dancing"}') -> None:
    """Make a row say something that nobody understands."""
    entity = {"PartitionKey": partition_key(factory), "RowKey": key, "document0": document}
    raw_table.update_entity(entity, mode=UpdateMode.REPLACE)
