"""The queue port on Azure Queue storage: the SDK's calls, in the host's own threads."""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from adf_trigger.functions_host.common.errors import LeaseLost, StorageFault
from adf_trigger.functions_host.common.storage import error_code
from adf_trigger.functions_host.queues.ports import LeasedMessage

T = TypeVar("T")

_NOT_OURS = {"PopReceiptMismatch", "MessageNotFound", "QueueNotFound", "QueueBeingDeleted"}


class AzureQueue:
    """A queue of a storage account.

    Args:
        client: of the queue, without encoding policies.
        threads: pool for its blocking calls; not that of the functions, which may all be busy.
    """

    def __init__(self, client: QueueClient, threads: Executor) -> None:
        self._client = client
        self._threads = threads

    @property
    def name(self) -> str:
        """The queue's name."""
        return str(self._client.queue_name)

    async def exists(self) -> bool:
        """Whether the queue exists."""
        return await self._call(self._exists)

    async def receive(self, count: int, lease: float) -> list[LeasedMessage]:
        """Up to `count` messages, hidden for `lease` seconds."""
        return await self._call(lambda: self._receive(count, _whole(lease)))

    async def renew(self, message: LeasedMessage, lease: float) -> LeasedMessage:
        """Hide a message for `lease` seconds from now."""
        return await self._call(lambda: self._update(message, _whole(lease)))

    async def release(self, message: LeasedMessage, delay: float) -> None:
        """Make a message visible again after `delay` seconds."""
        await self._call(lambda: self._update(message, math.ceil(delay)))

    async def delete(self, message: LeasedMessage) -> None:
        """Delete a message."""
        await self._call(lambda: self._client.delete_message(message.id, message.pop_receipt))

    async def send(self, content: str) -> None:
        """Send a text; creates the queue if it is missing."""
        await self._call(lambda: self._send(content))

    def _exists(self) -> bool:
        try:
            self._client.get_queue_properties()
        except ResourceNotFoundError:
            return False
        return True

    def _create(self) -> None:
        try:
            self._client.create_queue()
        except ResourceExistsError:
            return  # also if it exists with other metadata

    def _receive(self, count: int, lease: int) -> list[LeasedMessage]:
        pages = self._client.receive_messages(messages_per_page=count, visibility_timeout=lease).by_page()
        return [_leased(message) for message in next(pages, ())]

    def _update(self, message: LeasedMessage, seconds: int) -> LeasedMessage:
        updated = self._client.update_message(message.id, message.pop_receipt, visibility_timeout=seconds)
        return LeasedMessage(
            id=message.id,
            content=message.content,
            pop_receipt=str(updated.pop_receipt),
            dequeue_count=message.dequeue_count,
            inserted_on=message.inserted_on,
            expires_on=message.expires_on,
            next_visible_on=updated.next_visible_on,
        )

    def _send(self, content: str) -> None:
        try:
            self._client.send_message(content)
        except ResourceNotFoundError:
            self._create()
            self._client.send_message(content)

    async def _call(self, operation: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, operation)
        except HttpResponseError as exc:
            code = error_code(exc)
            lost = code in _NOT_OURS or isinstance(exc, ResourceNotFoundError)
            kind = LeaseLost if lost else StorageFault
            raise kind(f"queue {self.name}: {code}", status=exc.status_code) from exc
        except AzureError as exc:
            raise StorageFault(f"queue {self.name}: {type(exc).__name__}") from exc


def _whole(seconds: float) -> int:
    """Whole seconds, at least one: the service accepts no fractions."""
    return max(1, math.ceil(seconds))


def _leased(message: QueueMessage) -> LeasedMessage:
    return LeasedMessage(
        id=str(message.id),
        content=str(message.content or ""),
        pop_receipt=str(message.pop_receipt),
        dequeue_count=int(message.dequeue_count or 0),
        inserted_on=message.inserted_on,
        expires_on=message.expires_on,
        next_visible_on=message.next_visible_on,
    )
