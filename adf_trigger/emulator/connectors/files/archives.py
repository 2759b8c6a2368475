"""ZipDeflate: archives of any number of files in the source, of one file in the sink."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from adf_trigger.emulator.connectors.common.failures import DataFailure

_CHUNK = 1024 * 1024


def entry_names(archive: BinaryIO, name: str) -> list[tuple[str, int]]:
    """Names and expanded sizes of the files in an archive, without folders.

    Raises:
        DataFailure: the file is not a zip file, or one of its names points outside of the archive.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [(entry.filename, entry.file_size) for entry in opened.infolist() if not entry.is_dir()]
    except zipfile.BadZipFile as exc:
        raise _bad(name, str(exc)) from exc
    for entry, _ in entries:
        if entry.startswith("/") or ".." in entry.split("/"):
            raise _bad(name, f"the entry '{entry}' points outside of the archive")
    return entries


def entry_chunks(archive: BinaryIO, entry: str, name: str) -> Iterator[bytes]:
    """The bytes of one file in an archive.

    Raises:
        DataFailure: the archive is damaged, encrypted, or compressed by another method.
    """
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(entry) as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as exc:
        raise _bad(name, str(exc)) from exc


def zipped(chunks: Iterable[bytes], entry: str, *, fast: bool) -> Iterator[bytes]:
    """A zip archive of one file, written while its bytes arrive.

    Args:
        chunks: bytes of the file.
        entry: its name in the archive.
        fast: whether to prefer speed over size.
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
    """A writable file that returns the written bytes by `take`."""

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
