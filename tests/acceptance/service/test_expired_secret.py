"""A client secret that expires while requests wait, on real processes, and a new one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from azure.storage.queue import QueueClient

from adf_trigger.emulator.hosting.defaults import EXPIRED_SECRET
from tests.support.local_stack import TIMEOUTS, LocalStack

PIPELINES: dict[str, dict[str, Any]] = {
    "plain": {"activities": []},
    "secret": {"activities": [], "parameters": {"password": {"type": "SecureString"}}},
}
PASSWORD = "hush-hush-1"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, warm: str) -> Iterator[LocalStack]:
    """A stack whose app signs in by a secret."""
    settings = {"ADF_TRIGGER_CREDENTIAL": "service-principal"}
    with LocalStack(data=tmp_path_factory.mktemp("stack"), settings=settings, warm=warm) as running:
        for name, properties in PIPELINES.items():
            running.define(name, properties)
        yield running


def restart_with(stack: LocalStack, secret: str) -> None:
    """Give the app another secret, as an operator does."""
    stack.processes._app_settings["AZURE_CLIENT_SECRET"] = secret
    stack.processes.restart_functions()


def post(stack: LocalStack, key: str) -> requests.Response:
    """Ask for a run by HTTP."""
    return requests.post(
        f"{stack.endpoints.functions_url}/api/pipelines/plain/runs",
        json={},
        headers={"x-functions-key": stack.endpoints.functions_key, "Idempotency-Key": key},
        timeout=TIMEOUTS,
    )


def send(stack: LocalStack, key: str, pipeline: str, **parameters: str) -> None:
    """Ask for a run by queue."""
    endpoints = stack.endpoints
    with QueueClient.from_connection_string(
        endpoints.storage_connection_string, endpoints.requests_queue
    ) as queue:
        message = {"pipeline": pipeline, "requestId": key, "parameters": parameters}
        queue.send_message(json.dumps(message), time_to_live=-1)


def test_requests_wait_for_a_new_secret_and_then_run_once(stack: LocalStack) -> None:
    """Callers learn why before a claim; messages, with and without secrets of their own, wait and run once."""
    assert post(stack, "teacher").status_code == 202
    send(stack, "teacher-2", "secret", password=PASSWORD)
    stack.eventually(lambda: stack.status("teacher-2") == "Succeeded")
    good = stack.processes._app_settings["AZURE_CLIENT_SECRET"]
    restart_with(stack, EXPIRED_SECRET)
    stack.tick()
    refused = post(stack, "refused")
    assert (refused.status_code, "AADSTS7000222" in refused.text) == (503, True)
    assert int(refused.headers["retry-after"]) >= 1
    assert (post(stack, "teacher").status_code, stack.status("refused")) == (200, "404")
    keys = [f"waiting-{number}" for number in range(5)]
    for key in keys:
        send(stack, key, "plain")
        send(stack, f"{key}-secret", "secret", password=PASSWORD)
    stack.eventually(lambda: {stack.status(key) for key in keys} == {"Accepted"})
    assert len(stack.runs()) == 2
    restart_with(stack, good)
    everything = [*keys, *(f"{key}-secret" for key in keys)]
    stack.eventually(lambda: {stack.status(key) for key in everything} == {"Succeeded"})
    assert len(stack.runs()) == 2 + len(everything)
    log = json.dumps(stack.log())
    assert "AADSTS7000222" in log
    assert not [secret for secret in (good, EXPIRED_SECRET, PASSWORD) if secret in log]
