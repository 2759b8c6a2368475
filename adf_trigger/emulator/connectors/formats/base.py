"""The interface of file formats: decoding bytes to items and encoding items to bytes."""

from collections.abc import Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from adf_trigger.emulator.connectors.common.rejects import Rejects
from adf_trigger.emulator.contract.activity import ResolvedDataset

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)


class Decoder(Protocol[T_co]):
    """Reads files of one format."""

    def decode(self, chunks: Iterable[bytes], name: str) -> Iterator[T_co]:
        """The items of one file, decoded while its bytes arrive.

        Args:
            chunks: the file's bytes, split anywhere.
            name: the file's name, for failures.

        Raises:
            DataFailure: the file is not of this format.
        """


class Encoder(Protocol[T_contra]):
    """Writes files of one format.

    Attributes:
        extension: of files without a given name; empty to keep that of the source file.
    """

    extension: str

    def encode(self, items: Iterable[T_contra]) -> Iterator[bytes]:
        """The bytes of one file, encoded while its items arrive."""


class Format(Protocol, Generic[T]):
    """A format, as a dataset and an activity configure it."""

    def decoder(self, dataset: ResolvedDataset, settings: dict[str, Any], rejects: Rejects) -> Decoder[T]:
        """A reader for a dataset.

        Args:
            dataset: of this format.
            settings: formatSettings of the source.
            rejects: receives incompatible rows.

        Raises:
            NotEmulated: a setting is not emulated.
        """

    def encoder(self, dataset: ResolvedDataset, settings: dict[str, Any]) -> Encoder[T]:
        """A writer for a dataset, with formatSettings of the sink."""
