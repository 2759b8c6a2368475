"""However `up` ends, nothing of it stays behind, and what was acknowledged is kept."""

import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import requests
from azure.storage.queue import QueueServiceClient

from adf_trigger.local.stack.endpoints import Endpoints
from tests.acceptance.stack.up_process import PATIENT_SECONDS, Up, eventually


def messages(endpoints: Endpoints) -> list[str]:
    """The messages on the events queue, which has no reader here."""
    with QueueServiceClient.from_connection_string(endpoints.storage_connection_string) as queues:
        queue = queues.get_queue_client(endpoints.events_queue)
        return [message.content for message in queue.peek_messages(max_messages=32)]


def put(endpoints: Endpoints, text: str) -> None:
    """Put a message on the events queue."""
    with QueueServiceClient.from_connection_string(endpoints.storage_connection_string) as queues:
        queues.get_queue_client(endpoints.events_queue).send_message(text)


def test_the_end_of_its_terminal_ends_it_clean(up: Callable[..., Up]) -> None:
    """SIGHUP is like SIGTERM: exit code 0, no process left, and the temporary folder gone."""
    running = up()
    endpoints = running.ready()
    folder = Path(endpoints.ca_file).parents[1]
    assert folder.is_dir()
    assert len(running.processes()) >= 4
    assert running.end(signal.SIGHUP) == 0
    assert running.processes() == []
    assert not folder.exists()


def test_a_signal_while_it_starts_ends_it_clean(up: Callable[..., Up]) -> None:
    """Stopped before everything is ready, it leaves nothing either."""
    running = up()
    assert eventually(lambda: any("azurite.js" in " ".join(cmdline(p)) for p in running.processes()))
    assert running.end(signal.SIGTERM) == 0
    assert running.rest_of_output() == ""
    assert eventually(lambda: running.processes() == [])


def test_a_second_signal_does_not_disturb_the_end(up: Callable[..., Up], warm: str) -> None:
    """An impatient Ctrl+C changes nothing: all is stopped in order."""
    running = up(warm=warm)
    running.ready()
    running.process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(PATIENT_SECONDS) == 0
    assert running.processes() == []


def test_data_outlives_the_stack_even_killed_and_no_process_does(
    up: Callable[..., Up], tmp_path: Path, warm: str
) -> None:
    """With a data folder, the next stack finds the messages of the last one, whether that was ended or killed.

    SIGKILL gives it no chance; its children end all the same, and Azurite saves what it acknowledged.
    """
    data = str(tmp_path / "data")
    ended = up("--data", data, warm=warm)
    put(ended.ready(), "from the first")
    assert ended.end(signal.SIGTERM) == 0
    killed = up("--data", data)
    endpoints = killed.ready()
    assert messages(endpoints) == ["from the first"]
    put(endpoints, "from the second")
    killed.end(signal.SIGKILL)
    # Started at once, the next stack waits until the processes of the one before are gone.
    last = up("--data", data, warm=warm)
    assert messages(last.ready()) == ["from the first", "from the second"]
    assert killed.processes() == []
    assert last.end(signal.SIGTERM) == 0


def test_it_ends_when_its_parent_is_killed(up: Callable[..., Up]) -> None:
    """A test run or a shell that dies takes the whole stack with it."""
    parent = textwrap.dedent(
        """
        import subprocess, sys
        raise SystemExit(subprocess.run(sys.argv[1:]).returncode)
        """
    )
    running = up(wrapper=(sys.executable, "-c", parent))
    endpoints = running.ready()
    running.end(signal.SIGKILL)
    assert eventually(lambda: running.processes() == [])
    assert not Path(endpoints.ca_file).exists()
    assert "has ended" in running.said()


def test_with_nohup_it_outlives_its_parent(up: Callable[..., Up], warm: str) -> None:
    """Where SIGHUP is ignored, the stack keeps running."""
    parent = textwrap.dedent(
        """
        import signal, subprocess, sys
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        raise SystemExit(subprocess.run(sys.argv[1:]).returncode)
        """
    )
    running = up(wrapper=(sys.executable, "-c", parent), warm=warm)
    endpoints = running.ready()
    (command,) = (process for process in running.processes() if "up" in cmdline(process)[:5])
    running.end(signal.SIGKILL)
    time.sleep(1)
    assert requests.get(f"{endpoints.functions_url}/api/health", timeout=60).status_code in (200, 503)
    command.terminate()
    assert eventually(lambda: running.processes() == [])


@pytest.mark.parametrize("name", ["azurite", "emulator"])
def test_a_process_that_dies_ends_the_stack(up: Callable[..., Up], name: str, warm: str) -> None:
    """`up` says which one ended and how, stops the others, and fails with code 1."""
    running = up(warm=warm)
    endpoints = running.ready()
    os.kill(endpoints.pids[name], signal.SIGKILL)
    assert running.process.wait(PATIENT_SECONDS) == 1
    assert f"{name} ended with exit code -9" in running.said()
    assert eventually(lambda: running.processes() == [])
    log = Path(endpoints.ca_file).parents[1] / "logs" / f"{name}.log"
    assert str(log) in running.said()
    assert log.is_file()


def test_with_restart_the_functions_host_comes_back(up: Callable[..., Up], tmp_path: Path, warm: str) -> None:
    """Killed, it is started again on its port and with its key, and the others do not notice."""
    running = up("--restart", "--data", str(tmp_path / "data"), warm=warm)
    before = running.ready()

    def now() -> Endpoints:
        return Endpoints.from_json((tmp_path / "data" / "endpoints.json").read_text())

    os.kill(before.pids["functions"], signal.SIGKILL)
    assert eventually(lambda: now().pids["functions"] != before.pids["functions"])
    after = now()
    assert (after.functions_url, after.functions_key) == (before.functions_url, before.functions_key)
    assert {**after.pids, "functions": 0} == {**before.pids, "functions": 0}
    key = {"x-functions-key": after.functions_key}
    reply = requests.get(f"{after.functions_url}/api/runs/none", headers=key, timeout=60)
    assert reply.status_code == 404
    assert running.end(signal.SIGTERM) == 0
    assert running.processes() == []


def cmdline(process: psutil.Process) -> list[str]:
    """The words of its command; none once it has gone."""
    try:
        words: list[str] = process.cmdline()
    except psutil.NoSuchProcess:
        return []
    return words
