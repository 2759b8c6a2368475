"""Declarations of pipelines in the ledger's table: one row for each, in the partition of its factory."""

from adf_trigger.ledger.encoding import decode_declaration, encode_declaration
from adf_trigger.ledger.gateway import TableGateway
from adf_trigger.ledger.keys import partition_key, pipeline_key
from adf_trigger.ledger.rows import join, split
from adf_trigger.messages.declaration import Declaration


class TableDeclarations:
    """Stores declarations alongside the ledger's rows. Thread-safe.

    Args:
        table: the ledger's table.
    """

    def __init__(self, table: TableGateway) -> None:
        self._table = table

    def get(self, factory: str, pipeline: str) -> Declaration | None:
        """The stored declaration of a pipeline; None if there is none.

        Raises:
            LedgerError: the table could not be read.
        """
        entity = self._table.read(partition_key(factory), pipeline_key(pipeline))
        return None if entity is None else decode_declaration(join(entity))

    def put(self, factory: str, declaration: Declaration) -> None:
        """Store a declaration in place of the pipeline's earlier one; one that is too large is not stored.

        Raises:
            LedgerError: the table could not be written.
        """
        text = encode_declaration(declaration)
        if text is None:
            self.remove(factory, declaration.pipeline)
        else:
            self._table.put(partition_key(factory), pipeline_key(declaration.pipeline), split(text))

    def remove(self, factory: str, pipeline: str) -> None:
        """Remove the stored declaration of a pipeline.

        Raises:
            LedgerError: the table could not be written.
        """
        self._table.remove(partition_key(factory), pipeline_key(pipeline))
