"""Settings that are wrong, or come late, on a real Functions host: nothing disappears, and no message is lost."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest
import requests
from azure.storage.queue import QueueClient

from adf_trigger.local.azurite import Azurite
from adf_trigger.local.processes.process import Process, ready_line
from tests.support.waiting import until
from tests.support.world import FACTORY_ID

ROOT = Path(__file__).parents[3]
TIMEOUTS = (5.0, 30.0)
OURS = "ADF_TRIGGER_"

LATE = '''
"""The real app in an instance that is warmed up first: its settings come after its import."""

import os

from adf_trigger.functions.app import create_app

late = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("ADF_TRIGGER_")}
app = create_app()
os.environ.update(late)
'''


class Hosts:
    """A storage account, a requests queue, and the hosts that run on them."""

    def __init__(self, folder: Path, storage: str, running: ExitStack) -> None:
        self.folder = folder
        self.storage = storage
        self.queue = f"requests-{uuid4().hex[:8]}"
        self._running = running

    def start(self, app: Path = ROOT, **settings: str) -> "Host":
        """A host that is ready."""
        process = Process(
            "host",
            [sys.executable, "-m", "adf_trigger.functions_host", "--app", str(app), "--json"],
            log=self.folder / "host.log",
            answers=self.folder / "host.ready",
            env={name: value for name, value in os.environ.items() if not name.startswith(OURS)}
            | {
                "AzureWebJobsStorage": self.storage,
                "PYTHONPATH": str(ROOT),
                "ADF_TRIGGER_REQUESTS_QUEUE": self.queue,
                "ADF_TRIGGER_POLL_SCHEDULE": "*/2 * * * * *",
            }
            | settings,
        )
        self._running.callback(process.stop)
        return Host(process, process.wait_until_ready(ready_line, timeout=60))

    def client(self) -> QueueClient:
        """The requests queue."""
        return QueueClient.from_connection_string(self.storage, self.queue)

    def late_app(self) -> Path:
        """A folder with the app whose settings come late."""
        app = self.folder / "late"
        app.mkdir()
        (app / "function_app.py").write_text(dedent(LATE), encoding="utf-8")
        (app / "host.json").write_text((ROOT / "host.json").read_text("utf-8"), encoding="utf-8")
        return app


class Host:
    """One host process."""

    def __init__(self, process: Process, ready: dict[str, Any]) -> None:
        self.process = process
        self.ready = ready

    def call(self, method: str, path: str, *, key: bool = True, **options: Any) -> requests.Response:
        """Call the app."""
        headers = {"x-functions-key": self.ready["key"]} if key else {}
        return requests.request(
            method, f"{self.ready['url']}/api/{path}", headers=headers, timeout=TIMEOUTS, **options
        )

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        lines = self.process.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def records(self, action: str) -> list[dict[str, Any]]:
        """The records of an action."""
        return [line for line in self.log if f'"action":"{action}"' in line["message"]]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    """Hosts on an Azurite of their own."""
    with Azurite(log=tmp_path / "azurite.log") as azurite, ExitStack() as running:
        yield Hosts(tmp_path, azurite.connection_string, running)


def test_with_faulty_settings_everything_answers_and_the_message_stays(hosts: Hosts) -> None:
    """503 with what is wrong, an ERROR a tick, and a queue that is not read."""
    queue = hosts.client()
    queue.create_queue()
    queue.send_message(json.dumps({"pipeline": "load"}))
    host = hosts.start(ADF_TRIGGER_FACTORIES="nonsense", ADF_TRIGGER_TABLE="1")
    assert host.call("GET", "health", key=False).status_code == 503
    for method, path in (("POST", "pipelines/load/runs"), ("GET", "runs/x"), ("GET", "health/details")):
        answer = host.call(method, path)
        assert answer.status_code == 503
        assert {error["pointer"] for error in answer.json()["errors"]} == {
            "ADF_TRIGGER_FACTORIES",
            "ADF_TRIGGER_TABLE",
        }
    begun = len(host.records("settings_faulty"))
    until(lambda: len(host.records("settings_faulty")) >= begun + 2)
    for line in host.records("settings_faulty")[-2:]:
        assert line["level"] == "ERROR"
        assert "ADF_TRIGGER_FACTORIES" in line["message"]
        assert "ADF_TRIGGER_TABLE" in line["message"]
    assert queue.get_queue_properties().approximate_message_count == 1
    (message,) = queue.receive_messages()
    assert message.dequeue_count == 1, "it was read before"


def test_a_key_in_the_query_is_in_no_log(hosts: Hosts) -> None:
    """Neither the app nor the host that stands for the platform writes the query of a call."""
    host = hosts.start(ADF_TRIGGER_FACTORIES=FACTORY_ID, ADF_TRIGGER_MANAGEMENT_ENDPOINT="http://127.0.0.1:9")
    key = host.ready["key"]
    for method, path in (("POST", "pipelines/load/runs"), ("GET", "runs/x"), ("GET", "health/details")):
        assert host.call(method, f"{path}?code={key}&bogus=1", key=False).status_code in {400, 503}
    until(lambda: "problem_answered" in host.process.log.read_text(encoding="utf-8"))
    assert key not in host.process.log.read_text(encoding="utf-8")


def test_settings_that_come_late_are_found_and_the_message_is_taken(hosts: Hosts) -> None:
    """An instance that was imported without settings binds to the name that the template sets, and works later."""
    hosts.client().create_queue()
    host = hosts.start(
        hosts.late_app(),
        ADF_TRIGGER_FACTORIES=FACTORY_ID,
        ADF_TRIGGER_MANAGEMENT_ENDPOINT="http://127.0.0.1:9",
    )
    hosts.client().send_message(json.dumps({"pipeline": "load", "bogus": 1}))
    until(lambda: host.call("GET", "runs/none").status_code == 404)
    until(lambda: hosts.client().get_queue_properties().approximate_message_count == 0)
    assert host.records("message_put_back") == []


def test_a_message_that_meets_settings_that_come_late_and_faulty_goes_back_unchanged(hosts: Hosts) -> None:
    """Byte for byte, to come again later; none of its deliveries is lost to the settings."""
    queue = hosts.client()
    queue.create_queue()
    text = ' {"pipeline": "load",\r\n "parameters": {"a": 1}} '
    queue.send_message(text)
    host = hosts.start(hosts.late_app(), ADF_TRIGGER_FACTORIES="nonsense")
    until(lambda: host.records("message_put_back") != [])
    until(lambda: queue.get_queue_properties().approximate_message_count == 1)
    assert host.records("message_put_back")[0]["level"] == "WARNING"
    assert "ADF_TRIGGER_FACTORIES" in host.call("GET", "health/details").text
