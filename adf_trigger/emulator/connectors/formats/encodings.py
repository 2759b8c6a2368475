"""Encodings by their names in datasets (those of .NET), and conversion between text and chunks of bytes."""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from adf_trigger.emulator.connectors.common.failures import NotEmulated

_BYTE_ORDER_MARK = "\ufeff"
# Names in datasets that differ from Python's. .NET's UTF-16 and UTF-32 are little-endian.
_CODECS = {
    "utf-8 without bom": "utf-8",
    "utf-16": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-32": "utf-32-le",
    "utf-32be": "utf-32-be",
    "shift-jis": "cp932",
    "gb2312": "gbk",
    "ibm00858": "cp858",
    "ibm01140": "cp1140",
    "windows-874": "cp874",
}
# Encodings that .NET writes with a byte order mark.
_WITH_BYTE_ORDER_MARK = frozenset({"utf-8", "utf-16", "utf-16be", "utf-32", "utf-32be"})


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text encoding.

    Attributes:
        codec: its name in Python.
        mark: whether written files begin with a byte order mark.
    """

    codec: str = "utf-8"
    mark: bool = False

    @classmethod
    def named(cls, name: str) -> "Encoding":
        """The encoding of a dataset's `encodingName`; by default UTF-8 without a byte order mark.

        Raises:
            NotEmulated: Python does not support the encoding.
        """
        wanted = name.lower()
        if not wanted:
            return cls()
        try:
            codec = codecs.lookup(_CODECS.get(wanted, wanted)).name
        except LookupError as exc:
            raise NotEmulated(f"The encoding '{name}'") from exc
        return cls(codec, mark=wanted in _WITH_BYTE_ORDER_MARK)

    def decode(self, chunks: Iterable[bytes]) -> Iterator[str]:
        """Decode bytes split anywhere, without the byte order mark; invalid bytes become U+FFFD."""
        decoder = codecs.getincrementaldecoder(self.codec)(errors="replace")
        begun = False
        for text in _decoded(decoder, chunks):
            if begun:
                yield text
            elif text:
                begun = True
                yield text.removeprefix(_BYTE_ORDER_MARK)

    def encode(self, texts: Iterable[str]) -> Iterator[bytes]:
        """Encode text; unsupported characters become question marks."""
        encoder = codecs.getincrementalencoder(self.codec)(errors="replace")
        if self.mark:
            yield encoder.encode(_BYTE_ORDER_MARK)
        for text in texts:
            yield encoder.encode(text)
        if rest := encoder.encode("", final=True):
            yield rest


def _decoded(decoder: codecs.IncrementalDecoder, chunks: Iterable[bytes]) -> Iterator[str]:
    for chunk in chunks:
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)
