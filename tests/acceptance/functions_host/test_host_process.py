"""The functions host as a process: ready, killed, stopped."""

import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import ContainerClient

from adf_trigger.local.azurite import Azurite
from tests.support.waiting import until

if TYPE_CHECKING:
    from tests.acceptance.functions_host.conftest import Lab

TRIGGER = '@app.queue_trigger(arg_name="msg", queue_name="%TOY_QUEUE%", connection="AzureWebJobsStorage")\n'


def test_the_ready_line_says_how_to_reach_it_and_sigterm_ends_it(lab: "Lab") -> None:
    """One JSON line on stdout, what the app prints and logs in the log, keys that the app does not see; exit code 0."""
    lab.write(
        """
        import logging
        print("printed by the app")

        @app.route(route="hello")
        def hello(req: func.HttpRequest) -> str:
            logging.getLogger("shop").info("Greeted", extra={"action": "greeted", "who": "you"})
            return os.environ["GREETING"] + os.environ.get("FUNCTIONS_HOST_KEY", "")
        """
    )
    (lab.folder / "local.settings.json").write_text(
        json.dumps({"IsEncrypted": False, "Values": {"GREETING": "from the file"}}), encoding="utf-8"
    )
    lab.begin = [
        sys.executable,
        "-m",
        "adf_trigger.functions_host",
    ]  # not forked off one that has imported all
    host = lab.start(FUNCTIONS_HOST_KEY="-the-key", FUNCTIONS_MASTER_KEY="-master-key")
    assert (host.ready["key"], host.ready["master_key"]) == ("-the-key", "-master-key")
    assert host.ready["pid"] == host.process.pid
    assert host.ready["functions"] == ["hello"]
    url = host.ready["url"]
    assert httpx.get(f"{url}/api/hello", headers={"x-functions-key": "-the-key"}).text == "from the file"
    status = httpx.get(f"{url}/admin/host/status", headers={"x-functions-key": "-master-key"})
    assert status.json()["id"] == host.ready["host_id"]
    assert host.terminate() == 0
    assert host.process.output().count("\n") == 1
    assert "printed by the app" in host.process.log.read_text(encoding="utf-8")
    (greeted,) = [line for line in host.log if line["message"] == "Greeted"]
    assert (greeted["function"], greeted["logger"]) == ("hello", "shop")
    assert greeted["invocation_id"]
    assert not {"action", "who"} & set(greeted), "the platform's worker passes the text on alone"
    assert host.log[-1]["action"] == "host_stopped"


def test_a_message_of_a_killed_host_comes_back_when_its_lease_is_over_and_no_sooner(lab: "Lab") -> None:
    """kill -9 in the middle of a function: the next host gets the message again, its count risen, once."""
    lab.write(
        TRIGGER
        + """def work(msg: func.QueueMessage) -> None:
    note(count=msg.dequeue_count)
    if msg.dequeue_count == 1:
        time.sleep(120)
"""
    )
    scaled = ("--time-scale", "0.01")
    host = lab.start(*scaled)
    lab.client().send_message("precious")
    until(lambda: len(lab.noted) == 1)
    host.kill()
    successor = lab.start(*scaled)
    until(lambda: len(lab.noted) == 2)
    until(lambda: lab.client().get_queue_properties().approximate_message_count == 0)
    first, second = lab.noted
    assert [first["count"], second["count"]] == [1, 2]
    assert (first["pid"], second["pid"]) == (host.pid, successor.pid)
    lease = 600 * 0.01
    assert lease - 1 < second["at"] - first["at"] < lease + 15


def test_five_killed_hosts_poison_a_healthy_message(lab: "Lab") -> None:
    """Crashes count: delivered a sixth time, the message goes to poison without its function being called."""
    lab.write(
        TRIGGER
        + """def work(msg: func.QueueMessage) -> None:
    note(count=msg.dequeue_count)
    os.kill(os.getpid(), 9)
"""
    )
    lab.client().create_queue()
    lab.client().send_message("deadly")
    for _ in range(5):
        host = lab.start("--message-lease", "1")
        host.wait()
    lab.start("--message-lease", "1")
    until(lambda: lab.client().get_queue_properties().approximate_message_count == 0)
    assert [seen["count"] for seen in lab.noted] == [1, 2, 3, 4, 5]
    assert [message.content for message in lab.client("-poison").peek_messages()] == ["deadly"]


def test_sigterm_lets_running_functions_end(lab: "Lab") -> None:
    """A message and a request under way are finished; then the process ends with 0."""
    lab.write(
        TRIGGER
        + """def work(msg: func.QueueMessage) -> None:
    note(begun="queue")
    time.sleep(2)
    note(done="queue")
"""
    )
    host = lab.start()
    lab.client().send_message("x")
    until(lambda: bool(lab.noted))
    assert host.terminate() == 0
    assert [seen.get("done") for seen in lab.noted] == [None, "queue"]
    assert lab.client().get_queue_properties().approximate_message_count == 0


def test_a_function_that_does_not_end_does_not_keep_the_process(lab: "Lab") -> None:
    """Once the drain time is over the process ends with 0, thread or no thread, and the message is not lost."""
    lab.write(
        TRIGGER
        + """def work(msg: func.QueueMessage) -> None:
    note(begun=True)
    time.sleep(120)
"""
    )
    host = lab.start("--drain-seconds", "0.5", "--grace-seconds", "0.5")
    lab.client().send_message("x")
    until(lambda: bool(lab.noted))
    began = time.monotonic()
    assert host.terminate() == 0
    assert time.monotonic() - began < 60
    assert lab.client().get_queue_properties().approximate_message_count == 1


def test_storage_that_hangs_does_not_keep_the_process(
    lab: "Lab", tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Stopped while storage accepts connections and answers nothing, the process still ends with 0."""
    lab.write(
        TRIGGER
        + """def work(msg: func.QueueMessage) -> None:
    note(count=msg.dequeue_count)

@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
def tick(timer: func.TimerRequest) -> None:
    note(tick=True)
"""
    )
    with Azurite(log=tmp_path_factory.mktemp("azurite") / "azurite.log") as storage:
        lab.storage = storage.connection_string
        host = lab.start("--drain-seconds", "0.5", "--grace-seconds", "0.5")
        until(lambda: bool(lab.noted))
        os.kill(storage.process.pid, signal.SIGSTOP)
        try:
            time.sleep(2.5)  # longer than the longest pause between polls: a poll is under way
            began = time.monotonic()
            assert host.terminate() == 0
            assert time.monotonic() - began < 25
        finally:
            os.kill(storage.process.pid, signal.SIGCONT)


@pytest.mark.slow
def test_a_timer_of_a_killed_host_is_caught_up_by_the_other(lab: "Lab") -> None:
    """Killed in a past-due run, the lock's holder is followed by the waiting host, which runs past due, once."""
    lab.write(
        """
        @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
        def yearly(timer: func.TimerRequest) -> None:
            note(past_due=timer.past_due)
            if os.environ["ROLE"] == "first":
                time.sleep(120)
        """
    )
    host_id = uuid4().hex
    container = ContainerClient.from_connection_string(lab.storage, "azure-webjobs-hosts")
    try:
        container.create_container()
    except ResourceExistsError:
        assert container.exists()
    missed = {name: f"{year}-01-01T00:00:00+00:00" for name, year in (("Last", 2020), ("Next", 2021))}
    status = container.get_blob_client(f"timers/{host_id}/Host.Functions.yearly/status")
    status.upload_blob(json.dumps(missed | {"LastUpdated": missed["Last"]}))

    options = ("--host-id", host_id, "--time-scale", "0.01")
    first = lab.start(*options, ROLE="first")
    until(lambda: len(lab.noted) == 1)
    second = lab.start(*options, ROLE="second")
    first.kill()
    until(lambda: len(lab.noted) == 2)
    until(lambda: json.loads(status.download_blob().readall())["Next"] > "2026")
    assert second.terminate() == 0
    assert [(seen["past_due"], seen["pid"]) for seen in lab.noted] == [
        (True, first.pid),
        (True, second.pid),
    ]


def test_an_app_with_a_binding_that_this_host_does_not_run_ends_the_process_with_a_reason(lab: "Lab") -> None:
    """What this host does not imitate it says: exit code 1, no ready line, and one log line that says why."""
    lab.write('@app.blob_trigger(arg_name="b", path="c", connection="")\ndef f(b): ...')
    process = lab.launch()
    until(lambda: process.exit_code is not None)
    assert process.exit_code == 1
    assert process.output() == ""
    lines = [json.loads(line) for line in process.log.read_text(encoding="utf-8").splitlines()]
    (failed,) = [line for line in lines if line.get("action") == "host_failed"]
    assert "blobTrigger" in failed["message"]


def test_nothing_of_the_caller_s_environment_is_needed(lab: "Lab") -> None:
    """The app's settings are what the process was given; the host adds none of its own."""
    lab.write(
        """
        @app.route(route="env", auth_level="anonymous")
        def env(req: func.HttpRequest) -> str:
            return json.dumps(sorted(os.environ))
        """
    )
    host = lab.start(MINE="1")
    seen = set(httpx.get(f"{host.ready['url']}/api/env").json())
    assert seen - set(os.environ) == {"AzureWebJobsStorage", "TOY_QUEUE", "MINE"}
