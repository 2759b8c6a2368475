"""The functions host as a process where something around it fails: what the platform's was seen to do, in rows."""

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.storage_answers import Rule, StorageAnswers, queue_port, through
from tests.support.waiting import LIMIT, until

if TYPE_CHECKING:
    from tests.acceptance.functions_host.conftest import HostProcess, Lab

QUEUE = '@app.queue_trigger(arg_name="msg", queue_name="%TOY_QUEUE%", connection="AzureWebJobsStorage")\n'
HELLO = """
@app.route(route="hello", auth_level="anonymous")
def hello(req: func.HttpRequest) -> str:
    return "hello"
"""


def ask(host: "HostProcess", path: str, key: str = "") -> httpx.Response:
    """What a path of the host answers."""
    headers = {"x-functions-key": key} if key else {}
    return httpx.get(f"{host.ready['url']}/{path}", headers=headers, timeout=LIMIT)


def hello(host: "HostProcess") -> httpx.Response:
    """What the toy answers."""
    return ask(host, "api/hello")


def refused(host: "HostProcess") -> bool:
    """Whether it takes no more connections."""
    try:
        hello(host)
    except httpx.ConnectError:
        return True
    except httpx.RemoteProtocolError:
        return False  # it was in the queue of a socket that closed just then
    return False


def said(host: "HostProcess") -> str:
    """All that the host has logged."""
    return host.process.log.read_text(encoding="utf-8")


def status(host: "HostProcess") -> dict[str, Any]:
    """The host's status, as the master key reads it."""
    document: dict[str, Any] = ask(host, "admin/host/status", host.ready["master_key"]).json()
    return document


def hidden(lab: "Lab") -> bool:
    """Whether the queue has a message that is invisible."""
    return bool(
        lab.client().get_queue_properties().approximate_message_count and not lab.client().peek_messages()
    )


@pytest.mark.parametrize(
    "code",
    ["raise ValueError('a secret reason')", "app2 = func.FunctionApp()", "import no_such_module"],
)
def test_an_app_that_cannot_be_imported_has_no_functions_and_no_reason_is_given(
    lab: "Lab", code: str
) -> None:
    """The host runs, answers 404 to every route, and its log holds no word of the exception."""
    lab.write(HELLO + code)
    host = lab.start()
    answers = [hello(host), ask(host, "api/health")]
    assert [(answer.status_code, answer.content) for answer in answers] == [(404, b"")] * 2
    assert status(host)["state"] == "Running"
    assert "0 functions found (Custom)" in said(host)
    assert "No job functions found" in said(host)
    assert not any(
        word in said(host) for word in ("secret reason", "Traceback", "no_such_module", "more than")
    )
    assert host.terminate() == 0


def test_a_forgiving_host_says_why_an_app_cannot_be_imported(lab: "Lab") -> None:
    """For development, the exception is in the log."""
    lab.write(HELLO + "import no_such_module")
    host = lab.start("--forgiving")
    assert hello(host).status_code == 404
    assert "no_such_module" in said(host)


def test_a_reference_to_no_setting_leaves_the_other_functions_working(lab: "Lab") -> None:
    """A queue and a timer whose `%NAME%` resolves to nothing are in error, with the reason in the log."""
    lab.write(
        HELLO
        + """
@app.queue_trigger(arg_name="msg", queue_name="%MY_Q%", connection="AzureWebJobsStorage")
def work(msg: func.QueueMessage) -> None:
    note(work=True)

@app.timer_trigger(arg_name="timer", schedule="%MY_T%")
def tick(timer: func.TimerRequest) -> None:
    note(tick=True)
"""
    )
    host = lab.start()
    assert hello(host).text == "hello"
    for name, setting in (("work", "MY_Q"), ("tick", "MY_T")):
        assert f"The '{name}' function is in error: '%{setting}%' does not resolve to a value." in said(host)
        answer = ask(host, f"admin/functions/{name}/status", host.ready["master_key"])
        assert answer.json()["errors"] == [f"'%{setting}%' does not resolve to a value."]


@pytest.mark.parametrize(
    "host_json",
    [
        {"version": "3.0"},
        {"version": "2.0", "functionTimeout": "later"},
        {"version": "2.0", "extensions": {"http": {"maxConcurrentRequests": "many"}}},
        {"version": "2.0", "extensions": {"queues": {"batchSize": 33}}},
        {"version": "2.0", "extensions": {"queues": {"batchSize": 0}}},
        {"version": "2.0", "extensions": {"queues": {"newBatchThreshold": -1}}},
        {"version": "2.0", "extensions": {"queues": {"maxDequeueCount": 0}}},
        {"version": "2.0", "extensions": {"queues": {"visibilityTimeout": "30 seconds"}}},
        {"version": "2.0", "extensions": {"queues": {"maxPollingInterval": "00:00:00.05"}}},
        {"version": "2.0", "extensions": {"queues": {"messageEncoding": "nonsense"}}},
    ],
)
def test_a_host_json_that_is_wrong_leaves_a_host_that_answers_503(
    lab: "Lab", host_json: dict[str, Any]
) -> None:
    """It stays up in error and tries again: mended, the app is served."""
    lab.write(HELLO, host_json)
    host = lab.start()
    answer = hello(host)
    assert (answer.status_code, answer.text) == (503, "Function host is not running.")
    assert "content-type" not in answer.headers
    assert (status(host)["state"], len(status(host)["errors"])) == ("Error", 1)
    lab.write(HELLO)
    until(lambda: hello(host).status_code == 200)
    assert status(host)["state"] == "Running"


def test_a_delete_that_is_refused_ends_the_process_at_once(lab: "Lab") -> None:
    """Exit code 0 and one critical line; what ran is cut, and its message hidden for the rest of the lease."""
    lab.write(QUEUE + "def work(msg: func.QueueMessage) -> None:\n    note(count=msg.dequeue_count)\n")
    with StorageAnswers(queue_port(lab.storage)) as answers:
        answers.honour([Rule(name="delete", method="DELETE", path="/messages/", status=403)])
        lab.storage, direct = through(lab.storage, answers.port), lab.storage
        host = lab.start()
        lab.client().send_message("unlucky")
        assert host.wait() == 0
        lab.storage = direct
    assert "An unhandled exception has occurred. Host is shutting down." in said(host)
    assert [seen["count"] for seen in lab.noted] == [1]
    assert hidden(lab)


def test_a_forgiving_host_survives_a_delete_that_is_refused(lab: "Lab") -> None:
    """For development, the fault is logged and the next message is worked on."""
    lab.write(QUEUE + "def work(msg: func.QueueMessage) -> None:\n    note(count=msg.dequeue_count)\n")
    with StorageAnswers(queue_port(lab.storage)) as answers:
        answers.honour([Rule(name="delete", method="DELETE", path="/messages/", status=403, left=1)])
        lab.storage = through(lab.storage, answers.port)
        host = lab.start("--forgiving")
        for text in ("unlucky", "lucky"):
            lab.client().send_message(text)
        until(lambda: len(lab.noted) == 2)
        until(lambda: answers.counts["delete"] == 1)
        assert host.process.exit_code is None
        assert host.terminate() == 0


def test_a_function_beyond_its_timeout_kills_the_worker_with_the_innocent_calls_in_it(lab: "Lab") -> None:
    """Both calls get an empty 500, what hung is gone, and the same address serves again, with nothing remembered."""
    lab.write(
        """
BEGUN = time.time()
CALLS = []

@app.route(route="hang", auth_level="anonymous")
def hang(req: func.HttpRequest) -> str:
    while True:
        note(hang=True)
        time.sleep(0.1)

@app.route(route="innocent")
def innocent(req: func.HttpRequest) -> str:
    while True:
        note(innocent=True)
        time.sleep(0.1)

@app.route(route="calls", auth_level="anonymous")
def calls(req: func.HttpRequest) -> str:
    CALLS.append(1)
    return json.dumps({"pid": os.getpid(), "begun": BEGUN, "calls": len(CALLS)})
"""
        + QUEUE
        + """def work(msg: func.QueueMessage) -> None:
    note(work=msg.dequeue_count)
    if msg.dequeue_count == 1:
        time.sleep(600)
""",
        {
            "version": "2.0",
            "functionTimeout": "00:00:04",
            "extensions": {"queues": {"messageEncoding": "none"}},
        },
    )
    host = lab.start()
    key = host.ready["function_keys"]["innocent"]
    answers = [ask(host, "api/calls").json() for _ in range(2)]
    assert [answer["calls"] for answer in answers] == [1, 2]
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(ask, host, "api/hang")
        until(lambda: bool(lab.noted))
        lab.client().send_message("innocent, too")
        beside = pool.submit(ask, host, "api/innocent", key)
        assert [(each.result().status_code, each.result().content) for each in (late, beside)] == [
            (500, b"")
        ] * 2

    # Until it is gone, the old worker answers what is short; the new one remembers nothing.
    def is_restarted() -> bool:
        answers.append(ask(host, "api/calls").json())
        return bool(answers[-1]["begun"] != answers[0]["begun"])

    until(is_restarted)
    assert (answers[-1]["calls"], answers[-1]["pid"]) == (1, host.pid)
    # The old worker, too, may still take the message, and be cut a second time: it need not be the second delivery
    # that is worked on to its end.
    until(lambda: max(seen.get("work", 0) for seen in lab.noted) > 1)
    until(lambda: not lab.client().get_queue_properties().approximate_message_count)
    assert ask(host, "api/innocent").status_code == 401
    assert host.terminate() == 0
    of_the_old = [seen["at"] for seen in lab.noted if "hang" in seen or "innocent" in seen]
    assert len(of_the_old) > 2
    assert max(of_the_old) < answers[-1]["begun"]
    assert host.process.output().count("\n") == 1


def test_sigterm_takes_messages_on_while_requests_drain_and_then_gives_functions_a_short_grace(
    lab: "Lab",
) -> None:
    """The request is answered, a message that comes meanwhile is done, and one that takes too long is cut."""
    lab.write(
        """
@app.route(route="slow", auth_level="anonymous")
def slow(req: func.HttpRequest) -> str:
    note(slow=True)
    while not Path(__file__).with_name("go").exists():
        time.sleep(0.05)
    return "done"
"""
        + QUEUE
        + """def work(msg: func.QueueMessage) -> None:
    note(begun=msg.get_body().decode())
    time.sleep(float(msg.get_body()))
    note(ended=msg.get_body().decode())
"""
    )
    host = lab.start("--grace-seconds", "2", "--polling-cap", "0.2")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, host, "api/slow")
        until(lambda: bool(lab.noted))
        os.kill(host.pid, signal.SIGTERM)
        until(lambda: refused(host))
        for seconds in ("0.1", "60"):
            lab.client().send_message(seconds)
        until(lambda: {"0.1", "60"} <= {seen.get("begun") for seen in lab.noted})
        (lab.folder / "go").touch()
        assert (answer.result().text, answer.result().headers["connection"]) == ("done", "close")
    assert host.wait() == 0
    assert [seen["ended"] for seen in lab.noted if "ended" in seen] == ["0.1"]
    assert hidden(lab)


def test_what_the_app_s_sdk_logs_is_in_the_log_and_what_the_host_s_own_does_is_not(lab: "Lab") -> None:
    """With the root logger at INFO the Azure SDK writes of every call; the host's own calls are not the app's."""
    lab.write(
        """
from azure.storage.queue import QueueClient

@app.route(route="count", auth_level="anonymous")
def count(req: func.HttpRequest) -> str:
    client = QueueClient.from_connection_string(os.environ["AzureWebJobsStorage"], os.environ["TOY_QUEUE"])
    return str(client.get_queue_properties().approximate_message_count)
"""
        + QUEUE
        + "def work(msg: func.QueueMessage) -> None: ...\n"
    )
    host = lab.start()
    assert ask(host, "api/count").text == "0"
    time.sleep(1)  # some polls
    lines = [json.loads(line) for line in said(host).splitlines() if line.startswith("{")]
    of_the_sdk = [line for line in lines if line["logger"].startswith("azure.")]
    assert {line.get("function") for line in of_the_sdk} == {"count"}
    assert any("Request URL" in line["message"] for line in of_the_sdk)
