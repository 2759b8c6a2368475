"""Binary: unchanged bytes."""

from collections.abc import Iterable, Iterator
from typing import Any

from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.connectors.common.settings import forbid_unknown
from adf_trigger.emulator.contract.activity import ResolvedDataset

_DATASET = frozenset({"location", "compression"})


class Binary:
    """Reads and writes the chunks of a file unchanged."""

    extension = ""

    def decoder(self, dataset: ResolvedDataset, settings: dict[str, Any], rejects: Rejects) -> "Binary":
        """Nothing to configure; compression is handled outside of the formats."""
        del rejects
        forbid_unknown(dataset.properties, _DATASET, f"the dataset '{dataset.name}'")
        forbid_unknown(settings, {"compressionProperties"}, "formatSettings")
        return self

    def encoder(self, dataset: ResolvedDataset, settings: dict[str, Any]) -> "Binary":
        """Nothing to configure."""
        forbid_unknown(dataset.properties, _DATASET, f"the dataset '{dataset.name}'")
        forbid_unknown(settings, (), "formatSettings")
        return self

    def decode(self, chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
        """The chunks, unchanged."""
        del name
        return iter(chunks)

    def encode(self, items: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks, unchanged."""
        return iter(items)
