"""A time limit kept on the engine's own sleeper."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Sleeper = Callable[[float], Awaitable[object]]
"""Waits for a number of seconds."""


class TimeLimitReached(Exception):
    """The time limit is over; a TimeoutError of what ran inside is not this."""


@asynccontextmanager
async def time_limit(seconds: float, sleep: Sleeper) -> AsyncIterator[None]:
    """Stop what runs inside when the seconds are over.

    asyncio's own time-out does the cancelling; the sleeper only says when, so that a clock that runs
    faster, or by hand, rules time limits as it rules waits.

    Raises:
        TimeLimitReached: it was stopped.
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
