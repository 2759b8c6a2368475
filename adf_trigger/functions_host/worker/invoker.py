"""Runs functions as the Python worker does: async ones on the event loop, the others in one thread pool."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azure.functions.meta import Datum

from adf_trigger.functions_host.common.clock import IdSource, new_id
from adf_trigger.functions_host.common.errors import FunctionFailed
from adf_trigger.functions_host.worker.bindings import decode, encode
from adf_trigger.functions_host.worker.context import InvocationContext, InvocationTrace
from adf_trigger.functions_host.worker.index import IndexedFunction
from adf_trigger.functions_host.worker.logs import Invocation, current_invocation

logger = logging.getLogger(__name__)

NO_TRACE = InvocationTrace()


class Invoker:
    """Calls functions, each with its own invocation id, and counts the running ones.

    Args:
        threads: size of the pool for functions that are not async (PYTHON_THREADPOOL_THREAD_COUNT);
            None for Python's default, the smaller of 32 and the number of processors plus 4.
        timeout: seconds that a function may take (functionTimeout); None without limit.
        kill: ends the worker after a function has exceeded its time-out, which fails every call in it. None if
            only that function fails.
        ids: returns the invocation ids.
    """

    def __init__(
        self,
        *,
        threads: int | None = None,
        timeout: float | None = None,
        kill: Callable[[], None] | None = None,
        ids: IdSource = new_id,
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="function")
        self._timeout = timeout
        self._kill = kill
        self._killed: asyncio.Future[None] | None = None
        self._ids = ids
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def running(self) -> int:
        """The number of functions that have not returned, including timed-out ones."""
        return self._running

    async def invoke(
        self,
        function: IndexedFunction,
        value: Datum,
        metadata: Mapping[str, Datum] | None = None,
        *,
        reason: str,
        trace: InvocationTrace = NO_TRACE,
    ) -> Datum | None:
        """Call a function and wait for its result.

        Args:
            function: to call.
            value: its trigger's value.
            metadata: of the trigger.
            reason: why it is called, for the log.
            trace: its trace context.

        Raises:
            FunctionFailed: it raised (see the cause), timed out, or returned a value that its bindings cannot encode.
        """
        context = InvocationContext(str(self._ids()), function.name, function.directory, trace)
        token = current_invocation.set(Invocation(function.name, context.id))
        started = time.monotonic()
        logger.info("Executing %s: %s", function.name, reason, extra={"action": "function_started"})
        try:
            result = await self._within_timeout(
                function, self._call(function, value, metadata or {}, context)
            )
            response = encode(function, result)
        except FunctionFailed as exc:
            logger.error(  # noqa: TRY400 - with the traceback of the function's own exception
                "%s",
                exc,
                exc_info=exc.__cause__ or None,
                extra={"action": "function_failed", "duration_ms": _since(started)},
            )
            raise
        else:
            extra = {"action": "function_succeeded", "duration_ms": _since(started)}
            logger.info("Executed %s", function.name, extra=extra)
            return response
        finally:
            current_invocation.reset(token)

    def cut(self) -> None:
        """Fail every call in progress, as the end of the worker's process does."""
        if self._killed is not None and not self._killed.done():
            self._killed.set_result(None)

    async def idle(self) -> None:
        """Wait until no function runs."""
        await self._idle.wait()

    def close(self) -> None:
        """Accept no more calls. Running threads are left to end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _call(
        self,
        function: IndexedFunction,
        value: Datum,
        metadata: Mapping[str, Datum],
        context: InvocationContext,
    ) -> "asyncio.Future[Any]":
        try:
            arguments: dict[str, object] = {function.parameter: decode(function, value, metadata)}
        except (NotImplementedError, TypeError, ValueError) as exc:
            raise FunctionFailed(f"{function.name} cannot take the value of its trigger") from exc
        if function.wants_context:
            arguments["context"] = context
        work: Awaitable[Any]
        if function.is_async:
            work = function.call(**arguments)
        else:
            inherited = contextvars.copy_context()

            def in_thread() -> Any:
                context.thread_local_storage.invocation_id = context.id
                try:
                    return inherited.run(function.call, **arguments)
                except StopIteration as exc:  # a future cannot hold it: the caller would never return
                    raise RuntimeError("the function raised StopIteration") from exc

            work = asyncio.get_running_loop().run_in_executor(self._pool, in_thread)
        future = asyncio.ensure_future(work)
        self._running += 1
        self._idle.clear()
        future.add_done_callback(self._ended)
        return future

    async def _within_timeout(self, function: IndexedFunction, future: "asyncio.Future[Any]") -> Any:
        if self._killed is None:
            self._killed = asyncio.get_running_loop().create_future()
        killed = self._killed
        await asyncio.wait({future, killed}, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
        if not future.done():
            # A thread cannot be stopped; it ends with the process.
            if function.is_async:
                future.cancel()
            if killed.done():
                raise FunctionFailed(f"{function.name} was aborted: its worker was killed")
            if self._kill is not None:
                killed.set_result(None)
                self._killed = None  # until it ends, the old worker answers short calls
                self._kill()
            raise FunctionFailed(f"{function.name} ran longer than functionTimeout ({self._timeout:g} s)")
        if future.cancelled():
            raise FunctionFailed(f"{function.name} was cancelled")
        if (raised := future.exception()) is not None:
            raise FunctionFailed(f"{function.name} raised {type(raised).__name__}") from raised
        return future.result()

    def _ended(self, future: "asyncio.Future[Any]") -> None:
        self._running -= 1
        if not self._running:
            self._idle.set()
        if not future.cancelled():
            future.exception()  # retrieved: asyncio warns of exceptions that are not, as after a time-out


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
