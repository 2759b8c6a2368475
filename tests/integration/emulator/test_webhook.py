"""A WebHook activity, called back through the emulator's own server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any

import httpx
import pytest


@pytest.fixture
def endpoint() -> Iterator[tuple[str, "Queue[str]"]]:
    """An endpoint's URL, and the callback URIs that it received."""
    callbacks: Queue[str] = Queue()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()
            callbacks.put(body["callBackUri"])

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", callbacks
        server.shutdown()
        thread.join(60)


def test_the_run_continues_when_the_endpoint_calls_back(
    served: Any, endpoint: tuple[str, "Queue[str]"]
) -> None:
    """The callback URI is the emulator's, needs no token, works once, and ends the activity."""
    url, callbacks = endpoint
    path = served.create_factory()
    hook = {
        "name": "hook",
        "type": "WebHook",
        "typeProperties": {"url": url, "method": "POST", "body": {}, "timeout": "00:01:00"},
    }
    served.put(f"{path}/pipelines/p", {"activities": [hook]})
    run_id = served.client.post(f"{path}/pipelines/p/createRun").json()["runId"]
    callback = callbacks.get(timeout=60)
    assert callback.startswith(served.url)
    assert httpx.post(callback, content=b"[").status_code == 400
    assert httpx.post(callback, json=["no object"]).status_code == 400
    assert httpx.post(callback, json={"answer": 42}).status_code == 200
    assert served.wait_for(path, run_id)["status"] == "Succeeded"
    assert httpx.post(callback, json={}).status_code == 404
    (row,) = served.client.post(f"{path}/pipelineruns/{run_id}/queryActivityruns").json()["value"]
    assert row["output"] == {"answer": 42}


def test_a_recovery_run_does_not_call_again(served: Any, endpoint: tuple[str, "Queue[str]"]) -> None:
    """The first callback's body is the activity's output in the recovery run, too."""
    url, callbacks = endpoint
    path = served.create_factory()
    hook = {
        "name": "hook",
        "type": "WebHook",
        "typeProperties": {"url": url, "method": "POST", "body": {}, "timeout": "00:01:00"},
    }
    fail = {
        "name": "fail",
        "type": "Fail",
        "dependsOn": [{"activity": "hook", "dependencyConditions": ["Succeeded"]}],
        "typeProperties": {
            "message": {"value": "@string(activity('hook').output.answer)", "type": "Expression"},
            "errorCode": "1",
        },
    }
    served.put(f"{path}/pipelines/p", {"activities": [hook, fail]})
    first = served.client.post(f"{path}/pipelines/p/createRun").json()["runId"]
    httpx.post(callbacks.get(timeout=60), json={"answer": 42}).raise_for_status()
    assert served.wait_for(path, first)["message"] == "Operation on target fail failed: 42"
    recovery = {"referencePipelineRunId": first, "isRecovery": "true", "startFromFailure": "true"}
    second = served.client.post(f"{path}/pipelines/p/createRun", params=served.version | recovery).json()
    assert served.wait_for(path, second["runId"])["message"] == "Operation on target fail failed: 42"
    assert callbacks.empty()
