"""Compression of files: gzip, deflate, bzip2 and zip, streamed with at most one chunk in memory."""

import bz2
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from adf_trigger.emulator.connectors.common.failures import DataFailure, NotEmulated
from adf_trigger.emulator.connectors.common.settings import section, text
from adf_trigger.emulator.connectors.files.archives import zipped
from adf_trigger.emulator.contract.activity import ResolvedDataset

_CHUNK = 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
# .NET's DeflateStream reads and writes data without a zlib header.
_RAW_DEFLATE = -zlib.MAX_WBITS
_ARCHIVE = "zipdeflate"
_SUFFIXES = {"gzip": ".gz", "deflate": ".deflate", "bzip2": ".bz2", _ARCHIVE: ".zip"}


class Compression:
    """The compression of a dataset's files.

    Args:
        codec: gzip, deflate, bzip2 or ZipDeflate, in any case; empty or None for no compression.
        level: Optimal or Fastest.

    Raises:
        NotEmulated: another codec.
    """

    def __init__(self, codec: str = "", level: str = "") -> None:
        self.codec = "" if codec.lower() == "none" else codec.lower()
        if self.codec and self.codec not in _SUFFIXES:
            raise NotEmulated(f"The compression codec '{codec}'")
        self._fast = level.lower() == "fastest"

    @classmethod
    def of(cls, dataset: ResolvedDataset) -> "Compression":
        """Read compressionCodec (DelimitedText) or compression.type (the others).

        Raises:
            NotEmulated: another codec.
        """
        properties: dict[str, Any] = dataset.properties
        nested = section(properties, "compression")
        return cls(
            text(properties, "compressionCodec") or text(nested, "type"),
            text(properties, "compressionLevel") or text(nested, "level"),
        )

    @property
    def suffix(self) -> str:
        """Suffix of the files' names, e.g. `.gz`."""
        return _SUFFIXES.get(self.codec, "")

    @property
    def is_archive(self) -> bool:
        """Whether one file can contain many, which archives.py reads."""
        return self.codec == _ARCHIVE

    def expand(self, chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
        """The decompressed bytes, for every codec but that of archives.

        Raises:
            DataFailure: the file was not compressed with this codec, or is truncated.
        """
        if not self.codec:
            yield from chunks
            return
        try:
            yield from (
                _expand_bzip2(chunks)
                if self.codec == "bzip2"
                else _expand_zlib(chunks, _GZIP if self.codec == "gzip" else _RAW_DEFLATE)
            )
        except (zlib.error, OSError, EOFError) as exc:
            raise DataFailure(
                "UserErrorFailedToDecompress",
                f"The file '{name}' cannot be decompressed as {self.codec}: {exc}",
                side="Source",
            ) from exc

    def shrink(self, chunks: Iterable[bytes], path: str) -> Iterator[bytes]:
        """The compressed bytes.

        Args:
            chunks: of one file.
            path: of the compressed file; an archive's entry is named after it.
        """
        if not self.codec:
            yield from chunks
            return
        if self.is_archive:
            yield from zipped(chunks, path.rpartition("/")[2].removesuffix(self.suffix), fast=self._fast)
            return
        compressor: Any
        if self.codec == "bzip2":
            compressor = bz2.BZ2Compressor(1 if self._fast else 9)
        else:
            window = _GZIP if self.codec == "gzip" else _RAW_DEFLATE
            compressor = zlib.compressobj(1 if self._fast else 6, wbits=window)
        for chunk in chunks:
            if data := compressor.compress(chunk):
                yield data
        yield compressor.flush()


def _expand_zlib(chunks: Iterable[bytes], window: int) -> Iterator[bytes]:
    """Expand all members, as gzip files may be concatenated; each step yields at most one chunk."""
    member = zlib.decompressobj(window)
    begun = False
    for chunk in chunks:
        data = chunk
        expanded = b""
        # After a full step there may be more output even if the input is consumed.
        while data or len(expanded) == _CHUNK:
            if member.eof:
                member = zlib.decompressobj(window)
            begun = True
            if expanded := member.decompress(data, _CHUNK):
                yield expanded
            data = member.unused_data if member.eof else member.unconsumed_tail
            if member.eof:
                expanded = b""
    if begun and not member.eof:
        raise EOFError("the file is cut off")


def _expand_bzip2(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member = bz2.BZ2Decompressor()
    begun = False
    for chunk in chunks:
        data = chunk
        while data or not (member.needs_input or member.eof):
            if member.eof:
                member = bz2.BZ2Decompressor()
            begun = True
            if expanded := member.decompress(data, _CHUNK):
                yield expanded
            data = member.unused_data if member.eof else b""
    if begun and not member.eof:
        raise EOFError("the file is cut off")
