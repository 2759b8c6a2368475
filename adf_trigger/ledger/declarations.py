"""What pipelines declare, kept so that a new process can check a request while Data Factory cannot be asked.

The port; two adapters, Table storage and memory, keep the same contract.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter that a pipeline declares. There is no place for its default value, which may be a secret.

    Attributes:
        name: as the pipeline writes it.
        type: in lower case, as factories write types both ways.
        required: whether it has no default value.
    """

    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a pipeline declares."""

    pipeline: str
    parameters: tuple[Declared, ...]


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
        """Keep nothing of a pipeline any more."""
