"""The functions host as a process of its own, with toy apps."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from adf_trigger.local.azurite import Azurite
from adf_trigger.local.processes.process import Process, ready_line
from tests.support.waiting import LIMIT, until
from tests.support.warm import command

PRELUDE = '''
import json, os, threading, time
from pathlib import Path
import azure.functions as func

app = func.FunctionApp()
_LOCK = threading.Lock()

def note(**values):
    """Append what happened to a file that the test reads."""
    line = json.dumps({"pid": os.getpid(), "at": time.time()} | values, default=str)
    with _LOCK, Path(__file__).with_name("noted.jsonl").open("a") as file:
        file.write(line + "\\n")
'''


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of a real Azurite, for the tests of a module."""
    with Azurite(log=tmp_path_factory.mktemp("azurite") / "azurite.log") as server:
        yield server.connection_string


@dataclass
class HostProcess:
    """One process and what it said when it was ready."""

    process: Process
    ready: dict[str, Any]

    @property
    def pid(self) -> int:
        """The host's own: what was started stands in for a host that is forked."""
        return int(self.ready["pid"])

    def kill(self) -> None:
        """End it as a crash does: at once, with nothing tidied up."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def terminate(self) -> int:
        """End it in order; its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Its exit code, once it has one."""
        until(lambda: self.process.exit_code is not None)
        assert self.process.exit_code is not None
        return self.process.exit_code

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        lines = self.process.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@dataclass
class Lab:
    """A toy app, its storage, and the host processes that run it.

    Attributes:
        begin: what starts a host process, before its options.
    """

    folder: Path
    queue: str
    storage: str
    running: ExitStack
    begin: list[str]
    started: int = 0

    def write(self, code: str, host_json: dict[str, Any] | None = None) -> None:
        """Write function_app.py and host.json."""
        (self.folder / "function_app.py").write_text(PRELUDE + dedent(code), encoding="utf-8")
        document = host_json or {"version": "2.0", "extensions": {"queues": {"messageEncoding": "none"}}}
        (self.folder / "host.json").write_text(json.dumps(document), encoding="utf-8")

    @property
    def noted(self) -> list[dict[str, Any]]:
        """What the app's functions have noted, in order."""
        path = self.folder / "noted.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def client(self, suffix: str = "") -> QueueClient:
        """The toy's queue, or its poison queue by suffix."""
        return QueueClient.from_connection_string(self.storage, self.queue + suffix)

    def launch(self, *options: str, **settings: str) -> Process:
        """Start a host process without waiting for it; its queue is made for it, since it makes none itself."""
        with suppress(ResourceExistsError):
            self.client().create_queue()
        self.started += 1
        process = Process(
            f"host {self.started}",
            [*self.begin, "--app", str(self.folder), "--json", *options],
            log=self.folder / f"host-{self.started}.log",
            answers=self.folder / f"host-{self.started}.ready",
            env=os.environ | {"AzureWebJobsStorage": self.storage, "TOY_QUEUE": self.queue} | settings,
        )
        self.running.callback(process.stop)
        return process

    def start(self, *options: str, **settings: str) -> HostProcess:
        """Start a host process and wait until it is ready."""
        process = self.launch(*options, **settings)
        return HostProcess(process, process.wait_until_ready(ready_line, timeout=LIMIT))


@pytest.fixture
def lab(tmp_path: Path, storage: str, warm: str) -> Iterator[Lab]:
    """A laboratory of its own for each test; what still runs at its end is stopped."""
    with ExitStack() as running:
        yield Lab(tmp_path, f"toy-{uuid4().hex}", storage, running, command(warm, "functions_host"))
