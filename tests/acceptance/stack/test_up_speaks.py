"""`up` reports progress, what will not run and what to do next; a failure names its cause and its log."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from adf_trigger.local.demo.story import DemoFailed, run
from adf_trigger.local.screen.screen import Screen
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import StackConfig
from tests.acceptance.stack.up_process import PATIENT_SECONDS, ROOT, Up, eventually
from tests.support.warm import WarmStack

OTHER_SYSTEM = ROOT / "tests" / "support" / "other_system"
PRODUCTION = "production.invalid"


def repository(folder: Path) -> Path:
    """A factory as it is made for the cloud: its storage, a call to production, what is not emulated."""
    store = {"type": "AzureBlobStorage", "typeProperties": {"sasUri": f"https://{PRODUCTION}/?sig=secret"}}
    call = {"url": f"https://{PRODUCTION}/orders", "method": "GET"}
    documents: dict[str, dict[str, Any]] = {
        "linkedService/Orders": store,
        "pipeline/TellOthers": {
            "activities": [{"name": "Tell", "type": "WebActivity", "typeProperties": call}]
        },
        "pipeline/Transform": {"activities": [{"name": "Flow", "type": "ExecuteDataFlow"}]},
    }
    for name, properties in documents.items():
        file = folder / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"name": file.stem, "properties": properties}))
    return folder


def lines_until(running: Up, last: str) -> list[str]:
    """What it says up to a line, without the ends of lines."""
    assert running.process.stdout is not None
    lines: list[str] = []
    for line in running.process.stdout:
        lines.append(line.rstrip("\n"))
        if last in line:
            return lines
    pytest.fail("\n".join([*lines, running.said()]))


def facts(data: Path) -> dict[str, Any]:
    """What stays the same after a restart."""
    endpoints = asdict(Endpoints.from_json((data / "endpoints.json").read_text("utf-8")))
    return {name: value for name, value in endpoints.items() if name != "pids"} | {
        "ca": Path(endpoints["ca_file"]).read_text()
    }


def test_a_repository_is_run_and_a_restart_changes_nothing(
    up: Callable[..., Up], tmp_path: Path, warm: str
) -> None:
    """What will not run is reported before anything starts; production is refused; keys, ports and CA stay."""
    data = tmp_path / "data"
    running = up(str(repository(tmp_path / "factory")), "--data", str(data), json=False, warm=warm)
    lines = lines_until(running, "Ctrl+C stops it")
    started = next(number for number, line in enumerate(lines) if line.startswith("✓ Azurite"))
    before, after = "\n".join(lines[:started]), "\n".join(lines[started:])
    assert "Loaded 1 linked service, 2 pipelines" in before
    assert "Orders (AzureBlobStorage) leads to this Azurite" in before
    assert "Transform: ExecuteDataFlow (Flow)" in before
    assert f"{PRODUCTION}: TellOthers/Tell (WebActivity)" in before
    assert 'eval "$(' in after
    assert "adf-trigger run TellOthers --wait" in after
    assert f"Logs  {data / 'logs'}" in after
    (page,) = [line.removeprefix("See   ") for line in lines if line.startswith("See   ")]
    assert "<title>" in requests.get(page, timeout=60).text
    assert any(line.endswith(facts(data)["functions_key"]) for line in lines)
    paths = ("eval", str(tmp_path))
    assert [line for line in lines if len(line) > 80 and not any(path in line for path in paths)] == []

    first = facts(data)
    headers = {"x-functions-key": first["functions_key"]}
    url = f"{first['functions_url']}/api/pipelines/TellOthers/runs"
    requests.post(url, headers=headers, json={}, timeout=60).raise_for_status()
    (row,) = [line for line in lines_until(running, "Failed") if "TellOthers" in line]
    assert len(row) <= 80
    view = requests.get(f"{first['functions_url']}/api/runs", headers=headers, timeout=60).json()["runs"][0]
    assert view["status"] == "Failed"
    assert running.end(signal.SIGINT) == 0
    assert "Stopped: SIGINT." in running.said()

    again = up("--data", str(data), json=False, warm=warm)
    lines = lines_until(again, "Ctrl+C stops it")
    assert lines.index("  Transform: ExecuteDataFlow (Flow)") < next(
        number for number, line in enumerate(lines) if line.startswith("✓ Azurite")
    )
    assert facts(data) == first
    assert again.end(signal.SIGINT) == 0

    machine = up("--data", str(data), "--allow-host", PRODUCTION, warm=warm)
    machine.ready()
    assert "Transform: ExecuteDataFlow (Flow)" in machine.said()
    assert PRODUCTION not in machine.said()
    assert machine.end(signal.SIGINT) == 0
    assert machine.rest_of_output() == ""


def test_a_factory_alone_can_bring_azurite_and_stops_with_a_word(tmp_path: Path) -> None:
    """The same lines; what it has loaded by `import --data` is what it serves."""
    local = [sys.executable, "-m", "adf_trigger.local"]
    data = tmp_path / "data"
    loaded = subprocess.run(
        [*local, "import", str(repository(tmp_path / "factory")), "--data", str(data), "--azurite"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENT_SECONDS,
        check=True,
    )
    assert "Orders (AzureBlobStorage) leads to this Azurite" in loaded.stdout
    command = [*local, "factory", "--azurite", "--data", str(data)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as factory:
        assert factory.stdout is not None
        assert factory.stderr is not None
        lines = []
        for line in factory.stdout:
            lines.append(line)
            if "Ctrl+C" in line:
                break
        assert [line.split()[1] for line in lines if line.startswith("✓")] == ["Azurite", "Data"]
        found = json.loads((data / "endpoints.json").read_text("utf-8"))
        runs = requests.get(f"{found['control_url']}/runs", timeout=60)
        factory.send_signal(signal.SIGINT)
        assert factory.wait(PATIENT_SECONDS) == 0
        assert "Stopped: SIGINT." in factory.stderr.read()
    assert runs.json()["runs"] == []


def test_every_broken_file_ends_it_before_anything_starts(up: Callable[..., Up], tmp_path: Path) -> None:
    """All are reported, and no process is started."""
    folder = repository(tmp_path / "factory")
    for name in ("One", "Two"):
        (folder / "pipeline" / f"{name}.json").write_text("{")
    running = up(str(folder), "--data", str(tmp_path / "data"), json=False)
    assert running.process.wait(PATIENT_SECONDS) == 1
    assert [line.partition(".json: ")[2].partition(":")[0] for line in running.said().splitlines()] == [
        "not JSON"
    ] * 2
    assert running.rest_of_output() == ""


@pytest.fixture
def kept_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary data folders are made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_an_app_that_answers_500_without_a_body_fails_the_demo_in_words(
    tmp_path: Path, kept_logs: Path, warm: str
) -> None:
    """No traceback: what was answered, and the logs, which are kept."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.route(route='pipelines/{name}/runs', methods=['POST'])\n"
        "def start_run(req: func.HttpRequest) -> func.HttpResponse:\n"
        "    raise SystemError\n"
    )
    with pytest.raises(DemoFailed, match=r"expected 202, got 500: without a body") as failed:
        run("public", stack=WarmStack(StackConfig(app=app), warm))
    (logs,) = kept_logs.glob("adf-trigger-*/logs")
    assert f"The logs are kept: {logs}" in str(failed.value)
    assert (logs / "functions.log").is_file()


class _Killer(Screen):
    """A screen on which the Functions host dies before the requests."""

    def heading(self, text: str) -> None:
        super().heading(text)
        if text.startswith("2."):
            (host,) = [child for child in psutil.Process().children() if "functions_host" in child.cmdline()]
            os.kill(host.pid, signal.SIGKILL)
            assert eventually(
                lambda: host.status() == psutil.STATUS_ZOMBIE
            )  # its exit code is the stack's to read


def test_a_process_that_dies_fails_the_demo_in_words(kept_logs: Path, warm: str) -> None:
    """Which one, how, and where its log is."""
    with pytest.raises(DemoFailed, match=r"functions ended with exit code -9") as failed:
        run("public", _Killer(), WarmStack(StackConfig(), warm))
    (logs,) = kept_logs.glob("adf-trigger-*/logs")
    assert str(logs / "functions.log") in str(failed.value)


def test_it_starts_where_there_are_no_process_groups(up: Callable[..., Up]) -> None:
    """Without fork, killpg, fcntl, SIGHUP and the event loop's signal handlers: as on Windows."""
    running = up(wrapper=("env", f"PYTHONPATH={OTHER_SYSTEM}"))
    endpoints = running.ready()
    reply = requests.get(
        f"{endpoints.functions_url}/api/runs/none",
        headers={"x-functions-key": endpoints.functions_key},
        timeout=60,
    )
    assert reply.status_code == 404
    assert any("watchdog.py" in " ".join(process.cmdline()) for process in running.processes())
    assert running.end(signal.SIGTERM) == 0
    assert eventually(lambda: running.processes() == [])
