"""Stored declarations of pipelines, so that a new process can check a request while Data Factory is unavailable.

The port; two adapters, Table storage and memory, keep the same contract.
"""

from typing import Protocol

from adf_trigger.messages.declaration import Declaration


class Declarations(Protocol):
    """One declaration for each pipeline of a factory. Names compare without regard to case.

    Every method may raise LedgerError.
    """

    def get(self, factory: str, pipeline: str) -> Declaration | None:
        """The stored declaration of a pipeline; None if there is none."""

    def put(self, factory: str, declaration: Declaration) -> None:
        """Store a declaration in place of the pipeline's earlier one; the last writer wins.

        One that is too large is not stored, and the earlier one is removed.
        """

    def remove(self, factory: str, pipeline: str) -> None:
        """Remove the stored declaration of a pipeline."""
