"""Toy apps, hosts that run them in this process, and the records that the apps wrote."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from adf_trigger.functions_host.common.config import HostConfig
from adf_trigger.functions_host.host import FunctionsHost
from tests.support.waiting import LIMIT

PRELUDE = '''
import asyncio, json, threading, time
from pathlib import Path
import azure.functions as func

app = func.FunctionApp()
_LOCK = threading.Lock()

def note(**values):
    """Append what happened to a file that the test reads."""
    with _LOCK, Path(__file__).with_name("noted.jsonl").open("a") as file:
        file.write(json.dumps(values, default=str) + "\\n")
'''


@dataclass
class Toy:
    """An app folder, the queue that it polls, and the settings of a host that runs it."""

    folder: Path
    queue: str
    storage: str

    @property
    def noted(self) -> list[dict[str, Any]]:
        """The records that the app's functions wrote, in order."""
        path = self.folder / "noted.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def environ(self) -> dict[str, str]:
        """The app settings."""
        return {"AzureWebJobsStorage": self.storage, "TOY_QUEUE": self.queue}

    def client(self, suffix: str = "") -> QueueClient:
        """The queue, or its poison queue by suffix."""
        return QueueClient.from_connection_string(self.storage, self.queue + suffix)

    @asynccontextmanager
    async def hosted(self, *, make_queue: bool = True, **config: Any) -> AsyncIterator[FunctionsHost]:
        """A host in this process; its queue is created first, since a host creates none."""
        if make_queue:
            with suppress(ResourceExistsError):
                self.client().create_queue()
        async with FunctionsHost(HostConfig(app=self.folder, **config), self.environ) as host:
            yield host

    async def until(self, condition: Callable[["Toy"], bool], *, limit: float = LIMIT) -> None:
        """Wait until a condition holds; fails once the limit is over."""
        deadline = time.monotonic() + limit
        while not condition(self):
            assert time.monotonic() < deadline, f"not so within {limit:g} s; noted: {self.noted}"
            await asyncio.sleep(0.02)


MakeToy = Callable[..., Toy]


@pytest.fixture
def make_toy(tmp_path: Path, azurite: str, monkeypatch: pytest.MonkeyPatch) -> MakeToy:
    """Write a toy app and its host.json; its queue has a name of its own."""

    def make(code: str, host_json: dict[str, Any] | None = None) -> Toy:
        (tmp_path / "function_app.py").write_text(PRELUDE + dedent(code), encoding="utf-8")
        document = {"version": "2.0"} | (host_json or {"extensions": {"queues": {"messageEncoding": "none"}}})
        (tmp_path / "host.json").write_text(json.dumps(document), encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "function_app", raising=False)
        return Toy(tmp_path, f"toy-{uuid4().hex}", azurite)

    return make
