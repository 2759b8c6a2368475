"""The lock and the status as blobs, in the places that the Functions host uses.

Container azure-webjobs-hosts; locks/{host id}/Host.Functions.{function}.Listener and
timers/{host id}/Host.Functions.{function}/status.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobLeaseClient, ContainerClient

from adf_trigger.functions_host.common.errors import LeaseLost, StorageFault
from adf_trigger.functions_host.common.storage import error_code
from adf_trigger.functions_host.timers.ports import ScheduleStatus

T = TypeVar("T")

CONTAINER = "azure-webjobs-hosts"

_CONFLICT, _PRECONDITION, _NOT_FOUND = 409, 412, 404
logger = logging.getLogger(__name__)


class BlobTimerLock:
    """A timer's lock: a lease on an empty blob.

    Args:
        container: of the blob.
        host_id: hosts with the same id share the lock.
        function: the timer's function.
        threads: pool for the SDK's blocking calls.
    """

    def __init__(self, container: ContainerClient, host_id: str, function: str, threads: Executor) -> None:
        self._container = container
        self._blob = container.get_blob_client(f"locks/{host_id}/Host.Functions.{function}.Listener")
        self._threads = threads

    async def acquire(self, seconds: int) -> str | None:
        """The lease's id; None while another host holds it."""
        return await _call(self._threads, lambda: self._acquire(seconds))

    async def renew(self, lease_id: str) -> None:
        """Renew the lease for the same period."""
        await _call(self._threads, BlobLeaseClient(self._blob, lease_id).renew)

    async def release(self, lease_id: str) -> None:
        """Release the lease."""
        await _call(self._threads, BlobLeaseClient(self._blob, lease_id).release)

    def _acquire(self, seconds: int) -> str | None:
        try:
            return self._lease(seconds)
        except ResourceNotFoundError:
            _upload(self._container, self._blob, b"", overwrite=False)
            return self._lease(seconds)

    def _lease(self, seconds: int) -> str | None:
        try:
            return str(self._blob.acquire_lease(lease_duration=seconds).id)
        except HttpResponseError as exc:
            if exc.status_code == _CONFLICT:
                return None
            raise


class BlobStatusStore:
    """A timer's status: a blob of JSON.

    Args:
        container: of the blob.
        host_id: hosts with the same id share the status.
        function: the timer's function.
        threads: pool for the SDK's blocking calls.
    """

    def __init__(self, container: ContainerClient, host_id: str, function: str, threads: Executor) -> None:
        self._container = container
        self._blob = container.get_blob_client(f"timers/{host_id}/Host.Functions.{function}/status")
        self._threads = threads

    async def load(self) -> ScheduleStatus | None:
        """The last saved status; None if there is none, or it cannot be read."""
        return await _call(self._threads, self._load)

    async def save(self, status: ScheduleStatus) -> None:
        """Save the status."""
        content = json.dumps(status.to_json()).encode()
        await _call(self._threads, lambda: _upload(self._container, self._blob, content, overwrite=True))

    def _load(self) -> ScheduleStatus | None:
        try:
            content = self._blob.download_blob().readall()
        except ResourceNotFoundError:
            return None
        try:
            return ScheduleStatus.from_json(json.loads(content))
        except (KeyError, TypeError, ValueError):
            extra = {"action": "timer_status_unreadable", "blob": self._blob.blob_name}
            logger.warning("Could not read the status of a timer; starting with a new one", extra=extra)
            return None


def _upload(container: ContainerClient, blob: BlobClient, content: bytes, *, overwrite: bool) -> None:
    try:
        blob.upload_blob(content, overwrite=overwrite)
    except ResourceNotFoundError:
        _create(container)
        _upload(container, blob, content, overwrite=overwrite)
    except ResourceExistsError:
        return  # another host was first


def _create(container: ContainerClient) -> None:
    try:
        container.create_container()
    except ResourceExistsError:
        return


async def _call(threads: Executor, operation: Callable[[], T]) -> T:
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, operation)
    except HttpResponseError as exc:
        lost = exc.status_code in {_CONFLICT, _PRECONDITION, _NOT_FOUND}
        kind = LeaseLost if lost else StorageFault
        raise kind(f"timer storage: {error_code(exc)}", status=exc.status_code) from exc
    except AzureError as exc:
        raise StorageFault(f"timer storage: {type(exc).__name__}") from exc
