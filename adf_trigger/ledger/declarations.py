"""What pipelines declare, kept so that a new process can check a request while Data Factory cannot be asked.

The port; two adapters, Table storage and memory, keep the same contract.
"""

from typing import Protocol

from adf_trigger.messages.declaration import Declaration


class Declarations(Protocol):
    """One declaration a pipeline of a factory. Names compare without regard to case.

    Every method may raise LedgerError.
    """

    def get(self, factory: str, pipeline: str) -> Declaration | None:
        """What was last kept of a pipeline; None where nothing is."""

    def put(self, factory: str, declaration: Declaration) -> None:
        """Keep a declaration in the place of the pipeline's earlier one; the last writer wins.

        Of one that is too large to keep nothing is kept, and the earlier one goes.
        """

    def remove(self, factory: str, pipeline: str) -> None:
        """Remove what is kept of a pipeline."""
