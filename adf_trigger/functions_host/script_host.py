"""One loaded app: its functions, their invoker, and their listeners."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from random import SystemRandom
from typing import Any

from azure.functions.meta import Datum

from adf_trigger.functions_host.common.app_settings import AppSettings
from adf_trigger.functions_host.common.clock import Clock
from adf_trigger.functions_host.common.config import HostConfig
from adf_trigger.functions_host.common.errors import (
    AppLoadError,
    Crash,
    FunctionFailed,
    NotSupported,
    SettingError,
)
from adf_trigger.functions_host.common.host_json import HostJson, load_host_json
from adf_trigger.functions_host.http.app import FunctionRoutes
from adf_trigger.functions_host.http.keys import Keys
from adf_trigger.functions_host.http.requests import DEFAULT_BODY_LIMIT
from adf_trigger.functions_host.http.routing import Route, route
from adf_trigger.functions_host.http.throttle import RequestQueue
from adf_trigger.functions_host.queues.listener import QueueListener
from adf_trigger.functions_host.timers.listener import TimerListener, timer_datum
from adf_trigger.functions_host.triggers import Listeners, metadata_by_hand, queue_datum
from adf_trigger.functions_host.worker.index import (
    HttpTrigger,
    IndexedFunction,
    QueueTrigger,
    TimerTrigger,
    load_app,
)
from adf_trigger.functions_host.worker.invoker import Invoker

logger = logging.getLogger(__name__)


class ScriptHost:
    """Runs the functions of an app.

    A function that cannot be started is in error, which is logged with its reason; the others are not affected. An app
    that cannot be imported has no functions: like the platform, the host does not say why, unless it is forgiving.

    Args:
        config: of the host.
        settings: the app's.
        host_id: see HostConfig.
        threads: pool for blocking calls to storage.
        clock: returns the current time, for timers.
        keys: of the functions.
        crash: ends the host because of a storage fault.
        kill_worker: ends the process that the functions run in.
        failed: called with the unexpected exception of a listener.

    Raises:
        SettingError: host.json, or a setting of the host's own, is wrong.
        NotSupported: the app uses something that this host does not support.

    Attributes:
        functions: of the app, including those in error.
        http: serves the functions with an HTTP trigger.
        invoker: runs the functions.
    """

    def __init__(
        self,
        config: HostConfig,
        settings: AppSettings,
        *,
        host_id: str,
        threads: Executor,
        clock: Clock,
        keys: Keys,
        crash: Crash,
        kill_worker: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._config = config
        self._clock = clock
        self._failed = failed
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._queues: list[QueueListener] = []
        self._timers: dict[str, TimerListener] = {}
        host_json = load_host_json(config.app, settings)
        pool = settings.whole_number("PYTHON_THREADPOOL_THREAD_COUNT")
        body_limit = settings.whole_number("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT") or DEFAULT_BODY_LIMIT
        self.functions = self._loaded(settings)
        self.invoker = Invoker(
            threads=pool,
            timeout=host_json.function_timeout,
            kill=None if config.forgiving else kill_worker,
        )
        self._listeners = Listeners(
            config,
            host_json,
            settings,
            host_id=host_id,
            invoker=self.invoker,
            threads=threads,
            clock=clock,
            random=SystemRandom(),
            stopping=self._stopping,
            crash=None if config.forgiving else crash,
        )
        table = self._prepare(host_json)
        self.http = FunctionRoutes(table, keys, self.invoker, RequestQueue(host_json.http), body_limit)

    @property
    def running(self) -> int:
        """The number of functions that have not returned."""
        return self.invoker.running

    def start(self) -> None:
        """Start the queue and timer functions."""
        for listener in self._queues:
            self._spawn(listener.run())
        for timer in self._timers.values():
            self._spawn(timer.run())

    def stop(self, *, give_back: bool = False) -> None:
        """Take no new messages, fire no timers, and release the timers' locks.

        Args:
            give_back: wait for polls in progress and release their messages, which the platform need not do.
        """
        self._stopping.set()
        for listener in self._queues:
            listener.stop(give_back=give_back)

    async def drain(self, seconds: float, *, functions: bool = True) -> None:
        """After `stop`: wait for running work to end; the messages of the rest are left to their leases.

        Args:
            seconds: to wait.
            functions: also wait for the functions, not only for the handling of failed messages.
        """
        waiting = [*self._tasks, *(asyncio.create_task(listener.drain()) for listener in self._queues)]
        waiting += [asyncio.create_task(self.invoker.idle())] if functions else []
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await self.cut()

    async def cut(self) -> None:
        """End immediately, without waiting for, deleting or releasing anything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listener in self._queues:
            await listener.abandon()
        self.invoker.close()

    async def run_by_hand(self, function: IndexedFunction, text: str) -> None:
        """Run a function that has no HTTP trigger, with the given input."""
        value, metadata = self._input(function, text)
        with suppress(FunctionFailed):  # logged by the invoker; the caller already has its 202
            await self.invoker.invoke(function, value, metadata, reason="run by hand")

    def _loaded(self, settings: AppSettings) -> tuple[IndexedFunction, ...]:
        try:
            functions = load_app(self._config.app, settings)
        except NotSupported:
            raise
        except AppLoadError as exc:
            functions = ()
            if self._config.forgiving:
                logger.error("%s", exc, exc_info=exc.__cause__, extra={"action": "app_not_loaded"})  # noqa: TRY400 - with the cause's traceback
        count = len(functions)
        logger.info("%d functions found (Custom)", count, extra={"action": "app_indexed", "functions": count})
        if not functions:
            logger.warning("No job functions found.", extra={"action": "no_functions"})
            if not self._config.forgiving:
                text = "The platform does not say why an app cannot be imported; with --forgiving this host does."
                logger.info(text, extra={"action": "no_functions"})
        return functions

    def _prepare(self, host_json: HostJson) -> list[Route]:
        """Create the listeners; return the routes of the functions with an HTTP trigger."""
        table: list[Route] = []
        prepared: list[IndexedFunction] = []
        for function in self.functions:
            fault = function.fault
            try:
                if not fault:
                    table += self._prepare_one(function, host_json.http.route_prefix)
            except (AppLoadError, SettingError) as exc:
                fault = str(exc)
            if fault:
                text = "The '%s' function is in error: %s"
                extra = {"action": "function_in_error", "function": function.name}
                logger.error(text, function.name, fault, extra=extra)
            prepared.append(replace(function, fault=fault))
        self.functions = tuple(prepared)
        return table

    def _prepare_one(self, function: IndexedFunction, prefix: str) -> list[Route]:
        match function.trigger:
            case HttpTrigger() as trigger:
                return [route(function, trigger, prefix)]
            case QueueTrigger() as trigger if not function.disabled:
                self._queues.append(self._listeners.queue(function, trigger))
            case TimerTrigger() as trigger if not function.disabled:
                self._timers[function.name] = self._listeners.timer(function, trigger)
            case _:
                pass
        return []

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (raised := task.exception()) is not None:
            self._failed(raised)

    def _input(self, function: IndexedFunction, text: str) -> tuple[Datum, dict[str, Datum]]:
        if not isinstance(function.trigger, QueueTrigger):
            timer = self._timers.get(function.name)
            return timer.value if timer else timer_datum(None, past_due=False), {}
        value = queue_datum(function.trigger, text.encode())
        return value, metadata_by_hand(self._clock(), value)
