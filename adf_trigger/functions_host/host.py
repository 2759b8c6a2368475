"""One local Functions host: an app's functions, served and fired until it is closed."""

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
"""How the names of the threads of the host's pools begin."""

_STORAGE_THREADS = 16
_LONGEST_RESTART_PAUSE = 120.0
_OLD_WORKER_SECONDS = 5.0
"""How long a killed worker still answers short calls."""

logger = logging.getLogger(__name__)


class FunctionsHost:
    """Runs a function app of the Python v2 model, as the Azure Functions host v4 does.

    Use it as an asynchronous context manager, or call `start` and `close`. Where host.json is wrong it is there
    all the same, answers 503 to everything and tries again, ever less often.

    Args:
        config: how it is run.
        environ: the app settings. What local.settings.json adds is put into it, so it should be what the app
            reads: os.environ, where the app is imported into this process.
        clock: tells the time to timers.

    Attributes:
        host_id: see HostConfig; known once it has started.
        keys: what opens its functions.
        stop_requested: for whoever waits to close it: a signal handler may set it, and it is set where the host
            has to end by itself.
        crash: the fault of storage that it did not survive; None as long as there was none. It is then ended at
            once, with nothing drained.
        worker_killed: whether a function has run beyond functionTimeout, which kills all that run with it. The
            process must then be replaced by another (see `listening`).
        listening: a copy of the socket that it listens on, for that one; None unless the worker was killed.
        failure: what a listener failed with that nobody foresaw, None as long as none did.
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
        """Where it listens, without a slash at the end. Known once it has started."""
        return self._server.url if self._server else ""

    @property
    def functions(self) -> tuple[IndexedFunction, ...]:
        """The app's, those in error among them; none while host.json is wrong."""
        return self._script.functions if self._script else ()

    @property
    def running(self) -> int:
        """How many functions have not returned."""
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
            NotSupported: the app asks for what this host does not run.
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

        It takes no more connections, while queues are polled and timers fire on, until requests are answered or
        `drain_seconds` are over; then it takes nothing new, and gives running functions `grace_seconds`. After a
        crash there is neither.
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
        """Let the killed worker answer what is short, fail the rest, and keep the socket for its successor."""
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
        """Load the app; where a setting of the host is wrong, say so and serve nothing."""
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
            logger.error("A host error has occurred: %s", exc, extra={"action": "host_error"})  # noqa: TRY400 - the sentence says it all
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
            text = (
                "A function ran longer than functionTimeout: the worker is killed, with all that runs in it"
            )
            logger.error(text, extra={"action": "worker_killed", "running": self.running})
            self.worker_killed = True
            self.stop_requested.set()

    def _failed(self, raised: BaseException) -> None:
        logger.critical("A listener of the host failed", exc_info=raised, extra={"action": "host_failed"})
        self.failure = self.failure or raised
        self.stop_requested.set()
