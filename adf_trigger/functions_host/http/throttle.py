"""maxConcurrentRequests and maxOutstandingRequests of host.json."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from adf_trigger.functions_host.common.host_json import UNBOUNDED, HttpOptions


class TooManyRequests(Exception):
    """maxOutstandingRequests requests are waiting or running already."""


class RequestQueue:
    """Runs up to maxConcurrentRequests requests concurrently, and queues others up to maxOutstandingRequests."""

    def __init__(self, options: HttpOptions) -> None:
        self._outstanding = 0
        self._most_outstanding = options.max_outstanding_requests
        self._slots: asyncio.Semaphore | nullcontext[None] = (
            nullcontext()
            if options.max_concurrent_requests == UNBOUNDED
            else asyncio.Semaphore(options.max_concurrent_requests)
        )

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and hold it.

        Raises:
            TooManyRequests: the queue is full.
        """
        if self._most_outstanding != UNBOUNDED and self._outstanding >= self._most_outstanding:
            raise TooManyRequests
        self._outstanding += 1
        try:
            async with self._slots:
                yield
        finally:
            self._outstanding -= 1
