"""One local Functions host: an app's functions, served and fired until it is closed."""

import asyncio
import logging
from collections.abc import Coroutine, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from random import SystemRandom
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from azure.functions.meta import Datum

from adf_trigger.functions_host.app_settings import AppSettings, host_id, load_local_settings
from adf_trigger.functions_host.clock import Clock, utcnow
from adf_trigger.functions_host.config import HostConfig
from adf_trigger.functions_host.errors import FunctionFailed
from adf_trigger.functions_host.host_json import load_host_json
from adf_trigger.functions_host.http.admin import Admin
from adf_trigger.functions_host.http.app import FunctionRoutes, application
from adf_trigger.functions_host.http.keys import Keys
from adf_trigger.functions_host.http.requests import DEFAULT_BODY_LIMIT
from adf_trigger.functions_host.http.routing import routes
from adf_trigger.functions_host.http.server import HttpServer
from adf_trigger.functions_host.http.throttle import RequestQueue
from adf_trigger.functions_host.index import IndexedFunction, QueueTrigger, TimerTrigger, load_app
from adf_trigger.functions_host.invoker import Invoker
from adf_trigger.functions_host.queues.listener import QueueListener
from adf_trigger.functions_host.queues.ports import LeasedMessage
from adf_trigger.functions_host.timers.listener import TimerListener
from adf_trigger.functions_host.triggers import Listeners, queue_datum, queue_metadata

POOL_THREADS = ("function", "storage")
"""How the names of the threads of the host's pools begin."""

_STORAGE_THREADS = 16
logger = logging.getLogger(__name__)


class FunctionsHost:
    """Runs a function app of the Python v2 model, as the Azure Functions host v4 does.

    Use it as an asynchronous context manager, or call `start` and `close`.

    Args:
        config: how it is run.
        environ: the app settings. What local.settings.json adds is put into it, so it should be what the app
            reads: os.environ, where the app is imported into this process.
        clock: tells the time to timers.

    Attributes:
        functions: the app's, once it has started.
        host_id: see HostConfig; known once it has started.
        stop_requested: for whoever waits to close it: a signal handler may set it, and it is set where a
            listener failed.
        failure: what a listener failed with, None as long as none did.
    """

    def __init__(
        self, config: HostConfig, environ: MutableMapping[str, str], *, clock: Clock = utcnow
    ) -> None:
        self.config = config
        self.functions: tuple[IndexedFunction, ...] = ()
        self.host_id = ""
        self.stop_requested = asyncio.Event()
        self.failure: BaseException | None = None
        self._environ = environ
        self._clock = clock
        self._stopping = asyncio.Event()
        self._threads = ThreadPoolExecutor(_STORAGE_THREADS, thread_name_prefix=POOL_THREADS[1])
        self._invoker: Invoker | None = None
        self._server: HttpServer | None = None
        self._queues: list[QueueListener] = []
        self._timers: dict[str, TimerListener] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end. Known once it has started."""
        return self._server.url if self._server else ""

    @property
    def running(self) -> int:
        """How many functions have not returned."""
        return self._invoker.running if self._invoker else 0

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()

    async def start(self) -> None:
        """Load the app, listen, and start its triggers.

        Raises:
            SettingError: a setting is missing or wrong.
            AppLoadError: the app cannot be loaded.
            StorageFault: storage did not answer.
            OSError: the port is in use.
        """
        load_local_settings(self.config.app, self._environ)
        settings = AppSettings(self._environ)
        host_json = load_host_json(self.config.app, settings)
        self.host_id = self.config.host_id or host_id(settings, self.config.app)
        threads = settings.whole_number("PYTHON_THREADPOOL_THREAD_COUNT")
        body_limit = settings.whole_number("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT") or DEFAULT_BODY_LIMIT
        self.functions = load_app(self.config.app, settings)
        self._invoker = Invoker(threads=threads, timeout=host_json.function_timeout)
        listeners = Listeners(
            self.config,
            host_json,
            settings,
            host_id=self.host_id,
            invoker=self._invoker,
            threads=self._threads,
            clock=self._clock,
            random=SystemRandom(),
            stopping=self._stopping,
        )
        keys = Keys(self.config.key, self.config.master_key)
        table = routes(self.functions, host_json.http.route_prefix)
        queue = RequestQueue(host_json.http)
        admin = Admin(
            keys, self.host_id, {function.name: function for function in self.functions}, self._run_by_hand
        )
        app = application(FunctionRoutes(table, keys, self._invoker, queue, body_limit), admin.routes())
        try:
            await self._make(listeners)
            self._server = HttpServer(app, self.config.address, self.config.port, self.config.drain_seconds)
            await self._server.start()
        except BaseException:
            await self.close()
            raise
        for listener in self._queues:
            self._spawn(listener.run())
        for timer in self._timers.values():
            self._spawn(timer.run())
        logger.info(
            "The host is running at %s", self.url, extra={"action": "host_started", "host_id": self.host_id}
        )

    async def close(self) -> None:
        """Take no new work, give running functions `drain_seconds` to end, and stop. Safe to call twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        logger.info(
            "The host stops; %d functions are running", self.running, extra={"action": "host_stopping"}
        )
        for listener in self._queues:
            listener.stop()
        closing = [self._server.close()] if self._server is not None else []
        await asyncio.gather(*closing, self._drain())
        for listener in self._queues:
            await listener.abandon()
        if self._invoker is not None:
            self._invoker.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        logger.info("The host has stopped", extra={"action": "host_stopped", "abandoned": self.running})

    async def _make(self, listeners: Listeners) -> None:
        for function in self.functions:
            if function.disabled:
                continue
            match function.trigger:
                case QueueTrigger() as trigger:
                    self._queues.append(await listeners.queue(function, trigger))
                case TimerTrigger() as trigger:
                    self._timers[function.name] = listeners.timer(function, trigger)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or (raised := task.exception()) is None:
            return
        logger.critical("A listener of the host failed", exc_info=raised, extra={"action": "host_failed"})
        self.failure = self.failure or raised
        self.stop_requested.set()

    async def _drain(self) -> None:
        """Wait for what runs, as long as it may take; end the listeners that then still wait."""
        waiting = [*self._tasks, *(asyncio.create_task(listener.drain()) for listener in self._queues)]
        if self._invoker is not None:
            waiting.append(asyncio.create_task(self._invoker.idle()))
        if waiting:
            await asyncio.wait(waiting, timeout=self.config.drain_seconds)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _run_by_hand(self, function: IndexedFunction, text: str) -> None:
        if self._invoker is None:
            return
        value, metadata = self._input(function, text)
        with suppress(FunctionFailed):  # logged by the invoker; who asked has his 202 already
            await self._invoker.invoke(function, value, metadata, reason="run by hand")

    def _input(self, function: IndexedFunction, text: str) -> tuple[Datum, dict[str, Datum]]:
        if isinstance(function.trigger, QueueTrigger):
            now = self._clock()
            message = LeasedMessage(
                id=str(uuid4()),
                content=text,
                pop_receipt="",
                dequeue_count=1,
                inserted_on=now,
                expires_on=datetime.max.replace(tzinfo=UTC),
                next_visible_on=now,
            )
            return queue_datum(function.trigger, text.encode()), queue_metadata(message)
        return self._timers[function.name].value, {}
