"""A time limit that runs on the engine's own sleeper."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Sleeper = Callable[[float], Awaitable[object]]
"""Waits for a number of seconds."""


class TimeLimitReached(Exception):
    """The time limit was reached; a TimeoutError of the body itself is not converted to this."""


@asynccontextmanager
async def time_limit(seconds: float, sleep: Sleeper) -> AsyncIterator[None]:
    """Cancel the body after a number of seconds.

    asyncio's own time-out cancels; the sleeper only decides when, so that a faster or manual clock applies to time
    limits as it does to waits.

    Raises:
        TimeLimitReached: it was cancelled.
    """
    limit = asyncio.timeout(None)

    async def watch() -> None:
        await sleep(seconds)
        limit.reschedule(asyncio.get_running_loop().time())

    try:
        async with limit:
            watcher = asyncio.create_task(watch())
            try:
                yield
            finally:
                watcher.cancel()
    except TimeoutError:
        if limit.expired():
            raise TimeLimitReached from None
        raise
