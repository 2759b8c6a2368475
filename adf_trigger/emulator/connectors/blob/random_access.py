"""A blob as a seekable file, for formats with an index at their end."""

import io

from azure.storage.blob import ContainerClient

from adf_trigger.emulator.connectors.blob.account import READ_CHUNK
from adf_trigger.emulator.connectors.blob.errors import StoreErrors, translated
from adf_trigger.emulator.connectors.common.job import Job


class BlobReader(io.RawIOBase):
    """Reads ranges of one blob. Not thread-safe.

    Args:
        container: of the blob.
        errors: makes the failures of the container.
        name: of the blob.
        size: in bytes.
        job: its threads read.
    """

    def __init__(
        self, container: ContainerClient, errors: StoreErrors, name: str, size: int, job: Job
    ) -> None:
        super().__init__()
        self._container = container
        self._errors = errors
        self._name = name
        self._size = size
        self._job = job
        self._position = 0

    def readable(self) -> bool:
        """Always true."""
        return True

    def seekable(self) -> bool:
        """Always true."""
        return True

    def tell(self) -> int:
        """The position of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position of the next read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override] # what io passes
        """Read one range, at most as long as the buffer and a chunk."""
        self._job.check()
        length = min(len(buffer), READ_CHUNK, self._size - self._position)
        if length <= 0:
            return 0
        source = self._job.statistics.source
        with translated(self._errors, self._name, "Source"), source.timed():
            blob = self._container.get_blob_client(self._name)
            data = blob.download_blob(offset=self._position, length=length).readall()
        buffer[: len(data)] = data
        self._position += len(data)
        source.add(data=len(data))
        return len(data)
