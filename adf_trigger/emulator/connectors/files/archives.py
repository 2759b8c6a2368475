"""ZipDeflate: files of many files on the way in, of one on the way out."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from adf_trigger.emulator.connectors.common.failures import DataFailure

_CHUNK = 1024 * 1024


def entry_names(archive: BinaryIO, name: str) -> list[tuple[str, int]]:
    """Names and expanded sizes of the files in an archive, folders left out.

    Raises:
        DataFailure: it is no zip file, or one of its names leads out of it.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [(entry.filename, entry.file_size) for entry in opened.infolist() if not entry.is_dir()]
    except zipfile.BadZipFile as exc:
        raise _bad(name, str(exc)) from exc
    for entry, _ in entries:
        if entry.startswith("/") or ".." in entry.split("/"):
            raise _bad(name, f"the entry '{entry}' leads out of the archive")
    return entries


def entry_chunks(archive: BinaryIO, entry: str, name: str) -> Iterator[bytes]:
    """The bytes of one file in an archive.

    Raises:
        DataFailure: the archive is damaged, encrypted, or compressed in another way.
    """
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(entry) as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as exc:
        raise _bad(name, str(exc)) from exc


def zipped(chunks: Iterable[bytes], entry: str, *, fast: bool) -> Iterator[bytes]:
    """A zip file of one file, as its bytes arrive.

    Args:
        chunks: of the file.
        entry: its name in the archive.
        fast: whether speed matters more than size.
    """
    written = _Pipe()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1 if fast else 6) as archive:
        with archive.open(entry, "w", force_zip64=True) as file:
            for chunk in chunks:
                file.write(chunk)
                yield written.take()
        yield written.take()
    yield written.take()


def _bad(name: str, why: str) -> DataFailure:
    return DataFailure(
        "UserErrorFailedToDecompress",
        f"The file '{name}' cannot be decompressed as zipdeflate: {why}",
        side="Source",
    )


class _Pipe(io.RawIOBase):
    """Takes what is written, and gives it away."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override] # what zipfile passes
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
