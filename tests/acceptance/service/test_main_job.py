"""The main job on real processes: HTTP and queue in, runs in the factory, events out."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from azure.storage.queue import QueueClient

from adf_trigger.local.demo.quickstart import PARAM_PIPELINE
from tests.support.local_stack import TIMEOUTS, LocalStack

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """A stack whose factory has the quickstarts and a pipeline that waits a second."""
    with LocalStack(warm=warm) as running:
        for _ in running.quickstart.provision():
            pass
        running.quickstart.upload()
        running.define("pause")
        yield running


def test_the_demo_does_what_it_shows() -> None:
    """`make demo` succeeds, shows three events, and is plain text when it is piped."""
    demo = subprocess.run(
        [sys.executable, "-m", "adf_trigger.local", "demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    for expected in ("Succeeded", "UserErrorSourceBlobNotExist", "output/aloha.txt holds the bytes", "400"):
        assert expected in demo.stdout
    assert "\x1b[" not in demo.stdout


def test_a_caller_without_a_key_is_401(stack: LocalStack) -> None:
    """The host keeps strangers out; health alone answers them."""
    root = stack.endpoints.functions_url
    assert requests.post(f"{root}/api/pipelines/pause/runs", json={}, timeout=TIMEOUTS).status_code == 401
    assert requests.get(f"{root}/api/runs/x", timeout=TIMEOUTS).status_code == 401
    assert requests.get(f"{root}/api/health/details", timeout=TIMEOUTS).status_code == 401
    stack.eventually(lambda: requests.get(f"{root}/api/health", timeout=TIMEOUTS).status_code == 200)
    assert set(requests.get(f"{root}/api/health", timeout=TIMEOUTS).json()) == {"status", "since"}


def test_bad_input_is_a_problem_and_never_a_500(stack: LocalStack) -> None:
    """Malformed bodies, headers, names and ids are answered with reasons."""
    root = f"{stack.endpoints.functions_url}/api"
    key = {"x-functions-key": stack.endpoints.functions_key}
    bad = [
        requests.post(f"{root}/pipelines/pause/runs", data=b"{", headers=key, timeout=TIMEOUTS),
        requests.post(f"{root}/pipelines/pause/runs", data=b"\xff", headers=key, timeout=TIMEOUTS),
        requests.post(f"{root}/pipelines/pause/runs", data=b"[]", headers=key, timeout=TIMEOUTS),
        requests.post(f"{root}/pipelines/pause/runs", data=b" " * 70_000, headers=key, timeout=TIMEOUTS),
        requests.post(f"{root}/pipelines/a%3Cb/runs", json={}, headers=key, timeout=TIMEOUTS),
        requests.post(f"{root}/pipelines/nowhere/runs", json={}, headers=key, timeout=TIMEOUTS),
        requests.post(
            f"{root}/pipelines/pause/runs",
            json={},
            headers={**key, "Idempotency-Key": "x" * 256},
            timeout=TIMEOUTS,
        ),
        requests.get(f"{root}/runs/%01", headers=key, timeout=TIMEOUTS),
        requests.get(f"{root}/runs/nothing", headers=key, timeout=TIMEOUTS),
    ]
    assert [answer.status_code for answer in bad] == [400, 400, 400, 413, 400, 404, 400, 404, 404]
    assert {answer.headers["content-type"] for answer in bad} == {"application/problem+json"}


def test_messages_of_every_kind_become_a_run_or_a_rejection(stack: LocalStack) -> None:
    """Plain and base64 messages start runs; what cannot work is in the rejected queue, whole."""
    endpoints = stack.endpoints
    requests_queue = QueueClient.from_connection_string(
        endpoints.storage_connection_string, endpoints.requests_queue
    )
    rejected_queue = QueueClient.from_connection_string(
        endpoints.storage_connection_string, endpoints.rejected_queue
    )
    stack.caller.send({"pipeline": "pause", "requestId": "plain"})
    requests_queue.send_message("eyJwaXBlbGluZSI6InBhdXNlIiwicmVxdWVzdElkIjoiYmFzZTY0In0=")
    for text in ("no JSON", '{"pipeline": "nowhere"}', '{"pipeline": "pause", "parameters": {"n": "x"}}'):
        requests_queue.send_message(text)
    stack.eventually(lambda: stack.status("plain") == stack.status("base64") == "Succeeded")
    stack.eventually(lambda: rejected_queue.get_queue_properties().approximate_message_count == 3)


@pytest.mark.parametrize("queue", ["", "-poison"])
def test_a_message_with_properties_named_like_the_platform_s_is_not_lost(
    stack: LocalStack, queue: str
) -> None:
    """Rejected with its true id and its bytes, from the requests queue and from its poison queue."""
    storage, name = stack.endpoints.storage_connection_string, stack.endpoints.requests_queue + queue
    rejected = QueueClient.from_connection_string(storage, stack.endpoints.rejected_queue)
    texts = [
        '{"Id": "evil", "pipeline": "pause"}',
        '{"dequeueCount": "evil", "pipeline": "pause"}',
        '{"InsertionTime": "garbage", "pipeline": "pause"}',
    ]
    client = QueueClient.from_connection_string(storage, name)
    sent = {client.send_message(text).id: text for text in texts}
    found: dict[str, str] = {}

    def all_found() -> bool:
        for message in rejected.receive_messages(visibility_timeout=60):
            document = json.loads(base64.b64decode(message.content))
            found[document["messageId"]] = document["message"]
        return sent.keys() <= found.keys()

    stack.eventually(all_found, ticking=False)
    assert sent.items() <= found.items()


def test_a_rejected_message_is_replayed_once_its_cause_is_gone(stack: LocalStack) -> None:
    """A message for a pipeline that was not there yet runs under its own key after a replay."""
    stack.caller.send({"pipeline": "late", "requestId": "early-bird"})
    environment = {**os.environ, "AzureWebJobsStorage": stack.endpoints.storage_connection_string}

    def replay(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "adf_trigger.replay", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    stack.eventually(lambda: "early-bird" in replay("list").stdout, ticking=False)
    stack.define("late")
    replayed = replay("replay", "early-bird")
    assert (replayed.returncode, replayed.stdout) == (0, "replayed early-bird\n"), replayed.stderr
    stack.eventually(lambda: stack.status("early-bird") == "Succeeded")
    assert "early-bird" not in replay("list").stdout
    assert len(stack.runs("late")) == 1


def test_twenty_concurrent_repeats_get_one_run(stack: LocalStack) -> None:
    """Concurrent repeats wait for no other request and are answered with the same run."""
    answers = []

    def ask() -> None:
        answers.append(stack.caller.post("pause", {"parameters": {"n": 20}}, key="concurrent"))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stack.eventually(lambda: stack.status("concurrent") == "Succeeded")
    assert {answer.status for answer in answers} <= {200, 202}
    assert sum(answer.status == 202 for answer in answers) == 1
    run_ids = {answer.body["runId"] for answer in answers} - {None}
    assert len(run_ids) == 1
    assert sum(run["runId"] in run_ids for run in stack.runs()) == 1


@pytest.mark.parametrize("rule", ["dropped", "answered 500"])
def test_a_run_whose_reply_was_lost_is_adopted(stack: LocalStack, rule: str) -> None:
    """After createRun has taken effect and its answer is lost, the run is found and not doubled."""
    faults = {
        "dropped": {"operation": "CreateRun", "fault": "drop", "when": "after", "count": 1},
        "answered 500": {
            "operation": "CreateRun",
            "fault": "status",
            "status": 500,
            "when": "after",
            "count": 1,
        },
    }
    before = len(stack.runs("pause"))
    key = f"lost-{rule.replace(' ', '-')}"
    with stack.faults(faults[rule]):
        answer = stack.caller.post("pause", {}, key=key)
    assert (answer.status, answer.body["status"]) == (202, "Accepted")
    stack.eventually(lambda: stack.status(key) == "Succeeded")
    assert len(stack.runs("pause")) == before + 1


def test_a_host_killed_between_create_run_and_the_ledger_adopts_the_run(stack: LocalStack) -> None:
    """A kill while the answer of createRun is on its way doubles nothing: the next host finds the run."""
    before = len(stack.runs("pause"))
    slow = {"operation": "CreateRun", "fault": "delay", "seconds": 1.5, "when": "after", "count": 1}
    with stack.faults(slow):
        caller = threading.Thread(target=_post_and_be_cut_off, args=(stack,))
        caller.start()
        stack.eventually(lambda: len(stack.runs("pause")) == before + 1, ticking=False)
        stack.kill_functions()
        caller.join()
    stack.processes.restart_functions()
    assert stack.status("killed") == "Accepted"
    stack.eventually(lambda: stack.status("killed") == "Succeeded")
    assert len(stack.runs("pause")) == before + 1


def _post_and_be_cut_off(stack: LocalStack) -> None:
    with pytest.raises(requests.ConnectionError):
        stack.caller.post("pause", {}, key="killed")


def test_wrong_parameters_are_published_before_anything_starts(stack: LocalStack) -> None:
    """A missing, a mistyped and an undeclared parameter come in one answer."""
    body = {"parameters": {"strParamInputFileName": 7, "strOutput": "x"}}
    answer = stack.caller.post(PARAM_PIPELINE, body, key="wrong")
    assert answer.status == 400
    assert len(answer.body["errors"]) == 3
    assert stack.runs(PARAM_PIPELINE) == []
