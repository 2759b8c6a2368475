"""The whole local stack: Azurite, the emulator and the functions host, started, watched and stopped together."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from adf_trigger.emulator.commands.data_folder import DATABASE, data_folder, emulator_folder, exclusive
from adf_trigger.emulator.commands.environment import CLIENT_SECRET, IDENTITY_HEADER, STORAGE
from adf_trigger.emulator.commands.running import ENDPOINTS, announced
from adf_trigger.emulator.commands.stored_values import StoredValues
from adf_trigger.emulator.common.clouds import PUBLIC
from adf_trigger.emulator.hosting import defaults
from adf_trigger.emulator.hosting.defaults import FACTORY_ID
from adf_trigger.emulator.outbound.allowed_hosts import AllowedHosts
from adf_trigger.functions_host.environment import HOST_KEY, MASTER_KEY
from adf_trigger.local.azurite import Azurite
from adf_trigger.local.processes.environment import child_environment
from adf_trigger.local.processes.leftovers import wait_for_leftovers
from adf_trigger.local.processes.ports import Ports, check, usual
from adf_trigger.local.processes.process import GRACE_SECONDS, Process, StartFailed, ready_line
from adf_trigger.local.stack.app_settings import app_settings
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack_config import APP, CONSOLE, POLL_SCHEDULE, Progress, StackConfig
from adf_trigger.local.stack.storage import provide_storage
from adf_trigger.settings import Settings

__all__ = ["APP", "POLL_SCHEDULE", "Ports", "Stack", "StackConfig"]

_READY_SECONDS = 60.0
_END_OPTIONS = ("--drain-seconds", 5, "--grace-seconds", 3)
"""Time limits for requests, and then functions, to end; within the grace period after which a process is killed."""


class Stack:
    """A stack that runs between `__enter__` and `__exit__`. Its processes never outlive this one.

    Args:
        config: of the stack.
        progress: receives the progress of the start.

    Entering may raise:
        SettingsError: the app settings are wrong.
        PortTaken: a requested port is in use.
        ImportFailed: the factory to load has faults.
        DataFolderError: the data folder cannot be used, or is in use.
        AzuriteInstallError: Azurite could not be installed.
        StartFailed: a process did not become ready.
    """

    def __init__(self, config: StackConfig | None = None, progress: Progress | None = None) -> None:
        self._config = config or StackConfig()
        self._progress = progress or Progress()
        self._ports = self._config.ports
        self._processes: dict[str, Process] = {}
        self._running = ExitStack()
        self._endpoints: Endpoints | None = None
        self.failing: frozenset[str] = frozenset()
        """Pipelines of the factory that use something which is not emulated, so that their runs can fail."""

    @property
    def endpoints(self) -> Endpoints:
        """The current addresses; process ids change when the functions host is restarted."""
        if self._endpoints is None:
            raise RuntimeError("the stack is not running")
        return self._endpoints

    @property
    def logs(self) -> Path:
        """The folder of its processes' logs."""
        return self._data / "logs"

    def __enter__(self) -> Endpoints:
        with ExitStack() as starting:
            self._endpoints = self._start(starting)
            self._running = starting.pop_all()
        return self._endpoints

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.__exit__(exc_type, exc, traceback)
        self._endpoints = None
        self._processes = {}

    def dead(self) -> str | None:
        """The name of a process that has ended without being stopped; None if all are running."""
        return next(
            (name for name, process in self._processes.items() if process.exit_code is not None), None
        )

    def exit_code(self, name: str) -> int | None:
        """The exit code of a process; None while it runs."""
        return self._processes[name].exit_code

    def exit_report(self, name: str) -> str:
        """How a process ended, with the end of its log."""
        process = self._processes[name]
        return f"{name} ended with exit code {process.exit_code}; the end of {process.log}:\n{process.tail()}"

    def restart_functions(self) -> Endpoints:
        """Restart the functions host on its port; everything else is left as it is.

        Raises:
            StartFailed: it did not become ready.
        """
        self._stop_functions()
        port = int(self.endpoints.functions_url.rpartition(":")[2])
        self._start_functions(port)
        self._endpoints = replace(self.endpoints, pids=self._pids())
        self._endpoints.save(self._data / ENDPOINTS)
        return self._endpoints

    def _start(self, starting: ExitStack) -> Endpoints:
        self._data = starting.enter_context(data_folder(self._config.data))
        (self._data / "logs").mkdir(exist_ok=True)
        # The guards of a killed stack end its processes, which may take as long as their grace period.
        self._held = (starting.enter_context(exclusive(self._data, patience=GRACE_SECONDS + 2)),)
        wait_for_leftovers(self._data / ENDPOINTS, patience=GRACE_SECONDS + 2)
        kept = StoredValues(self._data)
        self._keys = {
            HOST_KEY: kept.secret("functions_key", defaults.make_secret),
            MASTER_KEY: kept.secret("master_key", defaults.make_secret),
        }
        client_secret = kept.secret("client_secret", defaults.make_secret)
        identity_header = kept.secret("identity_header", defaults.make_secret)
        check(self._config.ports)
        self._check_app()
        self._load()
        self._choose_ports(kept)
        storage = self._start_azurite(starting)
        self._cloud = self._config.settings.get("ADF_TRIGGER_CLOUD", PUBLIC.name)
        emulator = self._start_emulator(
            starting,
            {CLIENT_SECRET: client_secret, IDENTITY_HEADER: identity_header, STORAGE: storage},
        )
        self._app_settings = app_settings(
            emulator,
            storage=storage,
            identity_header=identity_header,
            client_secret=client_secret,
            poll_schedule=self._config.poll_schedule,
            chosen=self._config.settings,
        )
        settings = Settings.from_env(self._app_settings)
        provide_storage(storage, settings)
        starting.callback(self._stop_functions)
        functions_url = self._start_functions(self._ports.functions)
        endpoints = Endpoints(
            functions_url=functions_url,
            functions_key=self._keys[HOST_KEY],
            management_url=emulator["management_url"],
            management_tls_url=emulator["management_tls_url"],
            control_url=emulator["control_url"],
            identity_endpoint=emulator["identity_endpoint"],
            identity_header=identity_header,
            authority_url=emulator["authority_url"],
            tenant_id=defaults.TENANT_ID,
            client_id=defaults.OWNER_CLIENT_ID,
            client_secret=client_secret,
            ca_file=emulator["ca_file"],
            proxy_url=emulator["proxy_url"],
            cloud=self._cloud,
            storage_connection_string=storage,
            factory_id=FACTORY_ID,
            requests_queue=settings.requests_queue,
            rejected_queue=settings.rejected_queue,
            events_queue=settings.events_queue,
            table=settings.table,
            pids=self._pids(),
        )
        if self._config.usual_ports:
            kept.keep_ports(endpoints.ports())
        endpoints.save(self._data / ENDPOINTS)
        starting.enter_context(announced(self._data / ENDPOINTS))
        return endpoints

    def _choose_ports(self, kept: StoredValues) -> None:
        if self._config.usual_ports:
            self._ports, notes = usual(self._config.ports, kept.ports)
            for note in notes:
                self._progress.note(note)

    def _check_app(self) -> None:
        """Raise StartFailed if there is no app, before any process is started."""
        app = self._config.app
        if not (app / "function_app.py").is_file():
            why = "it has no function_app.py" if app.is_dir() else "the folder does not exist"
            raise StartFailed(f"{app} holds no function app: {why}")

    def _load(self) -> None:
        home = emulator_folder(self._data)
        if self._config.loading is None and not (home / DATABASE).is_file():
            return
        from adf_trigger.emulator.commands.loader import (  # noqa: PLC0415 - it imports the whole emulator
            inspect_factory,
            load_factory,
        )

        if self._config.loading is not None:
            self._progress.starting(f"{self._config.loading.source}")
            loaded = load_factory(home, self._config.loading)
        else:
            loaded = inspect_factory(home, AllowedHosts.of(self._config.allow_hosts))
        self.failing = loaded.failing
        for line in loaded.lines:
            self._progress.note(line)

    def _start_azurite(self, starting: ExitStack) -> str:
        ports = self._ports
        self._progress.starting("Azurite")
        azurite = starting.enter_context(
            Azurite(
                log=self._log("azurite"),
                location=self._data / "azurite",
                blob_port=ports.blob,
                queue_port=ports.queue,
                table_port=ports.table,
                held=self._held,
            )
        )
        self._processes["azurite"] = azurite.process
        listening = (urlsplit(url).port for url in (azurite.blob_url, azurite.queue_url, azurite.table_url))
        self._progress.started("Azurite", "blob {}, queue {}, table {}".format(*listening))
        return azurite.connection_string

    def _start_emulator(self, starting: ExitStack, environment: Mapping[str, str]) -> Mapping[str, str]:
        ports = self._ports
        self._progress.starting("Data Factory")
        options: dict[str, object] = {
            "--data": emulator_folder(self._data),
            "--management-port": ports.management,
            "--management-tls-port": ports.management_tls,
            "--identity-port": ports.identity,
            "--authority-port": ports.authority,
            "--proxy-port": ports.proxy,
            "--cloud": self._cloud,
            "--console": CONSOLE,
        }
        if self._config.secrets:
            options["--secrets"] = self._config.secrets
        process = self._start_python(
            "emulator",
            [
                "serve",
                "--json",
                "--log",
                "--unannounced",
                *(word for option in options.items() for word in option),
                *(["--any-group"] if self._config.any_group else []),
                *(word for host in self._config.allow_hosts for word in ("--allow-host", host)),
            ],
            environment,
        )
        starting.callback(process.stop)
        ready = process.wait_until_ready(ready_line, timeout=_READY_SECONDS)
        self._progress.started("Data Factory", ready["management_url"])
        return ready

    def _start_functions(self, port: int) -> str:
        self._progress.starting("Functions host")
        options = ["--app", self._config.app, "--port", port, "--json", *_END_OPTIONS]
        options += self._config.host_options
        settings = {**self._keys, **self._app_settings}
        process = self._start_python("functions_host", options, settings, name="functions")
        ready = process.wait_until_ready(ready_line, timeout=_READY_SECONDS)
        if not ready["functions"]:
            raise StartFailed(
                f"the app has no functions: {self._config.app / 'function_app.py'} could not be imported; like the "
                "platform, the host does not say why, except with --forgiving"
            )
        url: str = ready["url"]
        self._progress.started("Functions host", f"{url}/api")
        return url

    def _stop_functions(self) -> None:
        if (process := self._processes.get("functions")) is not None:
            process.stop()

    def _start_python(
        self, module: str, options: Sequence[object], settings: Mapping[str, str], *, name: str | None = None
    ) -> Process:
        name = name or module
        process = Process(
            name,
            [sys.executable, "-m", f"adf_trigger.{module}", *map(str, options)],
            log=self._log(name),
            answers=self._data / f"{name}.ready",
            env=child_environment(settings),
            held=self._held,
        )
        self._processes[name] = process
        return process

    def _log(self, name: str) -> Path:
        return self._data / "logs" / f"{name}.log"

    def _pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items()}
