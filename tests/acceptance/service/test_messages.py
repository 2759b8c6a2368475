"""Messages on real processes: put back, given up on by the host, rejected and replayed, none lost and none doubled."""

import base64
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.queue import QueueClient

from adf_trigger.message_texts import MAX_QUEUE_BYTES
from tests.support.laptop import Laptop

ROOT = Path(__file__).parents[3]
ANY_TEXT: dict[str, Any] = {"activities": [], "parameters": {"text": {"type": "String", "defaultValue": ""}}}
NOT_READ = {"operation": "GetPipeline", "fault": "status", "status": 503}


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A stack."""
    with Laptop(data=tmp_path_factory.mktemp("stack")) as running:
        yield running


def queue(laptop: Laptop, suffix: str = "") -> QueueClient:
    """The requests queue, or one behind it."""
    endpoints = laptop.endpoints
    return QueueClient.from_connection_string(
        endpoints.storage_connection_string, endpoints.requests_queue + suffix
    )


def replay(laptop: Laptop, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`python -m adf_trigger.replay`."""
    return subprocess.run(
        [sys.executable, "-m", "adf_trigger.replay", *arguments],
        cwd=ROOT,
        env={**os.environ, "AzureWebJobsStorage": laptop.endpoints.storage_connection_string},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def largest(pipeline: str, **fields: Any) -> str:
    """A message as large as a queue takes, which does not compress."""
    document = {"pipeline": pipeline, **fields, "parameters": {"text": ""}}
    room = MAX_QUEUE_BYTES - len(json.dumps(document))
    noise = base64.b64encode(random.Random(1).randbytes(room)).decode()  # noqa: S311  # no secret
    return json.dumps({**document, "parameters": {"text": noise[:room]}})


@pytest.mark.parametrize("fields", [{"requestId": "large"}, {}], ids=["with a key", "without"])
def test_the_largest_message_outlasts_an_outage(laptop: Laptop, fields: dict[str, str]) -> None:
    """While its pipeline cannot be read it waits, with its bytes and under one key, and then runs once."""
    pipeline = f"outage-{len(fields)}"
    laptop.define(pipeline, ANY_TEXT)
    text = largest(pipeline, **fields)
    with laptop.faults(NOT_READ):
        sent = queue(laptop).send_message(text, time_to_live=-1)
        key = fields.get("requestId", str(sent.id))
        laptop.eventually(lambda: _is_put_back(laptop, key), ticking=False)
    laptop.eventually(lambda: laptop.status(key) == "Succeeded")
    assert len(laptop.runs(pipeline)) == 1
    assert replay(laptop, "list").stdout == ""


def test_what_the_host_gave_up_on_runs_once(laptop: Laptop) -> None:
    """A poison message that was never taken runs; a copy of one that was is shown, and replayed by force alone."""
    laptop.define("given-up", ANY_TEXT)
    queue(laptop, "-poison").send_message('{"pipeline": "given-up", "requestId": "never-taken"}')
    laptop.eventually(lambda: laptop.status("never-taken") == "Succeeded")
    text = '{"pipeline": "given-up", "parameters": {"text": "same"}}'
    taken = str(queue(laptop).send_message(text).id)
    laptop.eventually(lambda: laptop.status(taken) == "Succeeded")
    copy = str(queue(laptop, "-poison").send_message(text).id)
    laptop.eventually(lambda: copy in replay(laptop, "list").stdout, ticking=False)
    assert f"taken as:   {taken}" in replay(laptop, "show", copy).stdout
    assert replay(laptop, "replay", "--all").returncode == 1
    assert len(laptop.runs("given-up")) == 2
    assert replay(laptop, "replay", copy, "--force").stdout == f"replayed {copy}\n"
    laptop.eventually(lambda: laptop.status(copy) == "Succeeded")
    assert len(laptop.runs("given-up")) == 3


def test_a_rejected_message_outlives_the_rejected_queue(laptop: Laptop) -> None:
    """The largest is replayed whole from the ledger, after the queue was emptied, and its secret is asked for."""
    secret = {"type": "SecureString", "defaultValue": ""}
    queue(laptop).send_message(largest("too-early", requestId="emptied"))
    laptop.eventually(lambda: "emptied" in replay(laptop, "list").stdout, ticking=False)
    endpoints = laptop.endpoints
    QueueClient.from_connection_string(
        endpoints.storage_connection_string, endpoints.rejected_queue
    ).clear_messages()
    laptop.define("too-early", {**ANY_TEXT, "parameters": {**ANY_TEXT["parameters"], "password": secret}})
    assert replay(laptop, "replay", "emptied").stdout == "replayed emptied\n"
    laptop.eventually(lambda: laptop.status("emptied") == "Succeeded")
    message = {"pipeline": "too-early", "requestId": "hidden", "parameters": {"password": "hush"}, "x": 1}
    queue(laptop).send_message(json.dumps(message))
    laptop.eventually(lambda: "hidden" in replay(laptop, "list").stdout, ticking=False)
    shown = replay(laptop, "show", "hidden").stdout
    assert "masked:     password" in shown
    assert "hush" not in shown
    refused = replay(laptop, "replay", "hidden")
    assert refused.returncode == 1
    assert "password" in refused.stdout


def _is_put_back(laptop: Laptop, key: str) -> bool:
    return any("message_put_back" in (said := json.dumps(line)) and key in said for line in laptop.log())
