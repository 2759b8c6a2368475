"""One local Functions host: serves and fires an app's functions until it is closed."""

import asyncio
import logging
import socket
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from adf_trigger.functions_host.common.app_settings import AppSettings, host_id, load_local_settings
from adf_trigger.functions_host.common.clock import Clock, utcnow
from adf_trigger.functions_host.common.config import HostConfig
from adf_trigger.functions_host.common.errors import NotSupported, SettingError, StorageFault
from adf_trigger.functions_host.http.admin import Admin
from adf_trigger.functions_host.http.app import Front, application
from adf_trigger.functions_host.http.keys import Keys
from adf_trigger.functions_host.http.server import HttpServer
from adf_trigger.functions_host.script_host import ScriptHost
from adf_trigger.functions_host.worker.index import IndexedFunction

POOL_THREADS = ("function", "storage")
"""Prefixes of the names of the threads in the host's pools."""

_STORAGE_THREADS = 16
_LONGEST_RESTART_PAUSE = 120.0
_OLD_WORKER_SECONDS = 5.0
"""Time for which a killed worker still answers short calls."""

logger = logging.getLogger(__name__)


class FunctionsHost:
    """Runs a function app of the Python v2 model, as the Azure Functions host v4 does.

    Use it as an asynchronous context manager, or call `start` and `close`. If host.json is wrong, it starts
    nevertheless, answers 503 to everything and retries with growing pauses.

    Args:
        config: of the host.
        environ: the app settings. The values of local.settings.json are added to it, so it should be the mapping
            that the app reads: os.environ, where the app is imported into this process.
        clock: returns the current time, for timers.

    Attributes:
        host_id: see HostConfig; known once it has started.
        keys: the keys of its functions.
        stop_requested: set by a signal handler, or by the host itself where it must end; the owner waits for it
            before it closes the host.
        crash: the storage fault that ended the host; None if there was none. The host then ends immediately,
            without draining.
        worker_killed: whether a function has exceeded functionTimeout, which kills all running functions. The
            process must then be replaced (see `listening`).
        listening: a copy of the listening socket, for the replacement; None unless the worker was killed.
        failure: an unexpected error of a listener; None if there was none.
    """

    def __init__(
        self, config: HostConfig, environ: MutableMapping[str, str], *, clock: Clock = utcnow
    ) -> None:
        self.config = config
        self.host_id = ""
        self.stop_requested = asyncio.Event()
        self.crash: StorageFault | None = None
        self.worker_killed = False
        self.listening: socket.socket | None = None
        self.failure: BaseException | None = None
        self._environ = environ
        self._clock = clock
        self._closed = False
        self._threads = ThreadPoolExecutor(_STORAGE_THREADS, thread_name_prefix=POOL_THREADS[1])
        self.keys = Keys(config.key, config.master_key)
        self._front = Front()
        self._server: HttpServer | None = None
        self._script: ScriptHost | None = None
        self._restarting: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Its URL, without a slash at the end; known once it has started."""
        return self._server.url if self._server else ""

    @property
    def functions(self) -> tuple[IndexedFunction, ...]:
        """The app's functions, including those in error; none while host.json is wrong."""
        return self._script.functions if self._script else ()

    @property
    def running(self) -> int:
        """The number of functions that have not returned."""
        return self._script.running if self._script else 0

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
            SettingError: local.settings.json is wrong.
            NotSupported: the app uses something that this host does not support.
            OSError: the port is in use.
        """
        load_local_settings(self.config.app, self._environ)
        self.host_id = self.config.host_id or host_id(AppSettings(self._environ), self.config.app)
        try:
            self._load()
            admin = Admin(self.keys, self.host_id, self._front)
            app = application(self._front, admin.routes())
            server = HttpServer(app, self.config)
            await server.start()
            self._server = server
        except BaseException:
            await self.close()
            raise
        if self._script is None:
            self._restarting = asyncio.create_task(self._restart())
        else:
            self._script.start()
        logger.info(
            "The host is running at %s", self.url, extra={"action": "host_started", "host_id": self.host_id}
        )

    async def close(self) -> None:
        """End it as the platform does. Safe to call twice.

        It accepts no more connections, while it still polls queues and fires timers, until requests are answered or
        `drain_seconds` are over; then it starts nothing new, and running functions have `grace_seconds`. After a
        crash it ends without waiting.
        """
        if self._closed:
            return
        self._closed = True
        logger.info(
            "The host stops; %d functions are running", self.running, extra={"action": "host_stopping"}
        )
        if self._restarting is not None:
            self._restarting.cancel()
        if self.crash is not None:
            await self._cut()
        elif self.worker_killed:
            await self._hand_over()
        else:
            await self._drain()
        self._threads.shutdown(wait=False, cancel_futures=True)
        logger.info("The host has stopped", extra={"action": "host_stopped", "abandoned": self.running})

    async def _cut(self) -> None:
        if self._server is not None:
            await self._server.close(within=0.0)
        if self._script is not None:
            await self._script.cut()

    async def _hand_over(self) -> None:
        """Let the killed worker answer short calls, fail the others, and keep the socket for its successor."""
        if self._server is None or self._script is None:
            return
        invoker = self._script.invoker
        cutting = asyncio.get_running_loop().call_later(_OLD_WORKER_SECONDS, invoker.cut)
        self.listening = self._server.listening_socket()
        await self._server.close(within=2 * _OLD_WORKER_SECONDS)
        cutting.cancel()
        invoker.cut()
        self._script.stop(give_back=True)
        await self._script.drain(self.config.grace_seconds, functions=False)

    async def _drain(self) -> None:
        if self._server is not None:
            await self._server.close()
        if self._script is not None:
            self._script.stop()
            await self._script.drain(self.config.grace_seconds)

    def _load(self) -> None:
        """Load the app; if a setting of the host is wrong, log it and serve nothing."""
        try:
            self._script = ScriptHost(
                self.config,
                AppSettings(self._environ),
                host_id=self.host_id,
                threads=self._threads,
                clock=self._clock,
                keys=self.keys,
                crash=self._crashed,
                kill_worker=self._kill_worker,
                failed=self._failed,
            )
        except SettingError as exc:
            logger.error("A host error has occurred: %s", exc, extra={"action": "host_error"})  # noqa: TRY400 - the sentence suffices
            self._front.fault = str(exc)
        else:
            self._front.serve(self._script)

    async def _restart(self) -> None:
        pause = 1.0
        while self._script is None:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_RESTART_PAUSE)
            try:
                self._load()
            except NotSupported as exc:
                self._failed(exc)
                return
        self._script.start()

    def _crashed(self, fault: StorageFault) -> None:
        if self.crash is None:
            text = "An unhandled exception has occurred. Host is shutting down."
            logger.critical(text, exc_info=fault, extra={"action": "host_crashed"})
            self.crash = fault
            self.stop_requested.set()

    def _kill_worker(self) -> None:
        if not self.worker_killed:
            text = "A function ran longer than functionTimeout: killing the worker with all its functions"
            logger.error(text, extra={"action": "worker_killed", "running": self.running})
            self.worker_killed = True
            self.stop_requested.set()

    def _failed(self, raised: BaseException) -> None:
        logger.critical("A listener of the host failed", exc_info=raised, extra={"action": "host_failed"})
        self.failure = self.failure or raised
        self.stop_requested.set()
