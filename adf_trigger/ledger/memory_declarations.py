"""Declarations of pipelines in memory, for tests."""

from adf_trigger.ledger.encoding import decode_declaration, encode_declaration
from adf_trigger.ledger.keys import partition_key, pipeline_key
from adf_trigger.messages.declaration import Declaration


class MemoryDeclarations:
    """Stores declarations as the text that the table would store. Thread-safe."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], str] = {}

    def get(self, factory: str, pipeline: str) -> Declaration | None:
        """The stored declaration of a pipeline; None if there is none."""
        text = self._texts.get(_key(factory, pipeline))
        return None if text is None else decode_declaration(text)

    def put(self, factory: str, declaration: Declaration) -> None:
        """Store a declaration in place of the pipeline's earlier one; one that is too large is not stored."""
        text = encode_declaration(declaration)
        if text is None:
            self.remove(factory, declaration.pipeline)
        else:
            self._texts[_key(factory, declaration.pipeline)] = text

    def remove(self, factory: str, pipeline: str) -> None:
        """Remove the stored declaration of a pipeline."""
        self._texts.pop(_key(factory, pipeline), None)


def _key(factory: str, pipeline: str) -> tuple[str, str]:
    return partition_key(factory), pipeline_key(pipeline)
