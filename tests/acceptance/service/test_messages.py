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
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient

from adf_trigger.ledger.table import TableLedger
from adf_trigger.messages.texts import MAX_QUEUE_BYTES
from tests.support.local_stack import LocalStack

ROOT = Path(__file__).parents[3]
ANY_TEXT: dict[str, Any] = {"activities": [], "parameters": {"text": {"type": "String", "defaultValue": ""}}}
NOT_READ = {"operation": "GetPipeline", "fault": "status", "status": 503}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, warm: str) -> Iterator[LocalStack]:
    """A stack."""
    with LocalStack(data=tmp_path_factory.mktemp("stack"), warm=warm) as running:
        yield running


def queue(stack: LocalStack, suffix: str = "") -> QueueClient:
    """The requests queue, or one behind it."""
    endpoints = stack.endpoints
    return QueueClient.from_connection_string(
        endpoints.storage_connection_string, endpoints.requests_queue + suffix
    )


def replay(stack: LocalStack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`python -m adf_trigger.replay`."""
    return subprocess.run(
        [sys.executable, "-m", "adf_trigger.replay", *arguments],
        cwd=ROOT,
        env={**os.environ, "AzureWebJobsStorage": stack.endpoints.storage_connection_string},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def wait_until_kept(stack: LocalStack, name: str, *, ticking: bool = False) -> None:
    """Wait until a message is kept as rejected, by its requestId, and the command lists it.

    The ledger is looked at meanwhile: a process of the command for each look would take more time than all else.
    """
    endpoints = stack.endpoints
    kept = TableLedger(
        lambda: TableClient.from_connection_string(endpoints.storage_connection_string, endpoints.table)
    ).rejected()
    stack.eventually(
        lambda: name in {each.request_id for each in kept.list(limit=100) if not each.waiting},
        ticking=ticking,
    )
    assert name in replay(stack, "list").stdout


def largest(pipeline: str, **fields: Any) -> str:
    """A message as large as a queue takes, which does not compress."""
    document = {"pipeline": pipeline, **fields, "parameters": {"text": ""}}
    room = MAX_QUEUE_BYTES - len(json.dumps(document))
    noise = base64.b64encode(random.Random(1).randbytes(room)).decode()  # noqa: S311  # no secret
    return json.dumps({**document, "parameters": {"text": noise[:room]}})


def test_the_largest_message_outlasts_an_outage(stack: LocalStack) -> None:
    """With a key or without: while its pipeline cannot be read it waits, whole, under one key, and then runs once."""
    keys = {"outage-keyed": "large"}
    for pipeline in ("outage-keyed", "outage"):
        stack.define(pipeline, ANY_TEXT)
    with stack.faults(NOT_READ):
        queue(stack).send_message(largest("outage-keyed", requestId="large"), time_to_live=-1)
        keys["outage"] = str(queue(stack).send_message(largest("outage"), time_to_live=-1).id)
        stack.eventually(lambda: all(_is_put_back(stack, key) for key in keys.values()), ticking=False)
    stack.eventually(lambda: {stack.status(key) for key in keys.values()} == {"Succeeded"})
    assert [len(stack.runs(pipeline)) for pipeline in keys] == [1, 1]
    assert replay(stack, "list").stdout == ""


def test_messages_the_host_gave_up_on_run_once(stack: LocalStack) -> None:
    """A poison message that was never taken runs; a copy of one that was is shown, and replayed by force alone."""
    stack.define("given-up", ANY_TEXT)
    queue(stack, "-poison").send_message('{"pipeline": "given-up", "requestId": "never-taken"}')
    stack.eventually(lambda: stack.status("never-taken") == "Succeeded")
    text = '{"pipeline": "given-up", "parameters": {"text": "same"}}'
    taken = str(queue(stack).send_message(text).id)
    stack.eventually(lambda: stack.status(taken) == "Succeeded")
    copy = str(queue(stack, "-poison").send_message(text).id)
    wait_until_kept(stack, copy)
    assert f"taken as:   {taken}" in replay(stack, "show", copy).stdout
    assert replay(stack, "replay", "--all").returncode == 1
    assert len(stack.runs("given-up")) == 2
    assert replay(stack, "replay", copy, "--force").stdout == f"replayed {copy}\n"
    stack.eventually(lambda: stack.status(copy) == "Succeeded")
    assert len(stack.runs("given-up")) == 3


def test_a_message_that_the_timer_rejects_is_published_as_it_came(stack: LocalStack) -> None:
    """It was taken while nothing could be started, and refused later: its copy has its very bytes."""
    stack.define("published-whole", ANY_TEXT)
    text = ' {"pipeline" : "published-whole","requestId":"whole", "parameters":{"text":"\\u00e9"} } '
    denied = {"operation": "CreateRun", "fault": "status", "status": 403, "code": "AuthorizationFailed"}
    with stack.faults({**denied, "count": 1}, {**denied, "status": 400, "code": "BadRequest"}):
        queue(stack).send_message(text, time_to_live=-1)
        stack.eventually(lambda: stack.status("whole") == "Rejected")
        wait_until_kept(stack, "whole", ticking=True)
    assert text in replay(stack, "show", "whole").stdout
    assert replay(stack, "replay", "whole").stdout == "replayed whole\n"
    stack.eventually(lambda: stack.status("whole") == "Succeeded")


def test_a_rejected_message_outlives_the_rejected_queue(stack: LocalStack) -> None:
    """The largest is replayed whole from the ledger, after the queue was emptied, and its secret is asked for."""
    secret = {"type": "SecureString", "defaultValue": ""}
    queue(stack).send_message(largest("too-early", requestId="emptied"))
    wait_until_kept(stack, "emptied")
    endpoints = stack.endpoints
    QueueClient.from_connection_string(
        endpoints.storage_connection_string, endpoints.rejected_queue
    ).clear_messages()
    stack.define("too-early", {**ANY_TEXT, "parameters": {**ANY_TEXT["parameters"], "password": secret}})
    assert replay(stack, "replay", "emptied").stdout == "replayed emptied\n"
    stack.eventually(lambda: stack.status("emptied") == "Succeeded")
    message = {"pipeline": "too-early", "requestId": "hidden", "parameters": {"password": "hush"}, "x": 1}
    queue(stack).send_message(json.dumps(message))
    wait_until_kept(stack, "hidden")
    shown = replay(stack, "show", "hidden").stdout
    assert "masked:     password" in shown
    assert "hush" not in shown
    refused = replay(stack, "replay", "hidden")
    assert refused.returncode == 1
    assert "password" in refused.stdout


def _is_put_back(stack: LocalStack, key: str) -> bool:
    return any("message_put_back" in (said := json.dumps(line)) and key in said for line in stack.log())
