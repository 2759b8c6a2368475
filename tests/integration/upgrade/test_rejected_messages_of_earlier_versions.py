"""The rejected queue of an earlier version, processed by this one's commands and app."""

import json
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.queue import QueueClient

from adf_trigger.replay import __main__ as replay
from tests.support.golden import PIPELINES, golden
from tests.support.world import FACTORY_ID, World
from tests.unit.functions.conftest import Caller

Kept = dict[str, Any]
NOT_OURS = "this message was not written by adf-trigger"


@pytest.fixture(params=golden("rejected.json"))
def kept(request: pytest.FixtureRequest) -> Kept:
    """What a version put into the rejected queue, and the output of its command."""
    rejected: Kept = golden("rejected.json")[request.param]
    return rejected


@pytest.fixture
def requests(kept: Kept, azurite: str, monkeypatch: pytest.MonkeyPatch) -> QueueClient:
    """The requests queue, empty; the rejected queue has the earlier version's messages."""
    mark = uuid4().hex[:8]
    queues = {name: f"{name}-{mark}" for name in ("requests", "rejected")}
    for name in queues.values():
        QueueClient.from_connection_string(azurite, name).create_queue()
    rejected = QueueClient.from_connection_string(azurite, queues["rejected"])
    for text in kept["messages"]:
        rejected.send_message(text, time_to_live=-1)
    monkeypatch.setenv("AzureWebJobsStorage", azurite)
    monkeypatch.setenv("ADF_TRIGGER_FACTORIES", FACTORY_ID)
    monkeypatch.setenv("ADF_TRIGGER_REQUESTS_QUEUE", queues["requests"])
    monkeypatch.setenv("ADF_TRIGGER_REJECTED_QUEUE", queues["rejected"])
    return QueueClient.from_connection_string(azurite, queues["requests"])


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on standard output."""
    return capsys.readouterr().out.strip().split("\n")


def by_key(messages: list[Kept]) -> dict[str, Kept]:
    """Messages by their names; a stranger is named by its queue, newly each time."""
    return {"a stranger" if each["reason"] == NOT_OURS else each["requestId"]: each for each in messages}


@pytest.mark.usefixtures("requests")
def test_the_old_command_lists_and_shows_them(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    """`list` and `show` print what the earlier version printed; a fault of the whole body has no place any more."""
    assert replay.main(["list", "--json"]) == 0
    listed, before = by_key([json.loads(line) for line in said(capsys)]), by_key(kept["list --json"])
    assert listed.keys() == before.keys()
    for key in listed.keys() - {"a stranger"}:
        assert listed[key] == before[key]
    for key, text in kept["show"].items():
        assert replay.main(["show", key]) == 0
        assert said(capsys) == text.strip().replace("\n  /: ", "\n  ").split("\n")


def test_the_old_command_replays_them_and_the_app_accepts_them(
    kept: Kept, requests: QueueClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """The replayable ones are sent, the same bytes under the same key, and each starts one run once mended."""
    assert replay.main(["replay", "--all"]) == 1, "some can never work"
    lines = said(capsys)
    others = [line.split()[1].rstrip(":") for line in lines if "already named another request" in line]
    if others:  # those of this version need force
        assert replay.main(["replay", "--force", *others]) == 0
    done = [line for line in (*lines, *said(capsys)) if line.startswith("replayed")]
    assert sorted(done) == sorted(line for line in kept["replay --all"] if line.startswith("replayed"))
    raw = [message.content for message in requests.receive_messages(messages_per_page=32)]
    sent = sorted((json.loads(text) for text in raw), key=lambda message: str(message["requestId"]))
    assert sent == kept["sent"]
    world = World()
    for pipeline, parameters in PIPELINES.items():
        world.factory.declare(pipeline, **parameters)
    world.factory.declare("gone")
    for text in raw:
        Caller(world).message(text.encode(), message_id=f"new-{uuid4()}")
    right = {message["requestId"] for message in sent} - {
        message.request_id for message in world.outbox.rejected
    }
    assert len(world.factory.runs) == len(right)
    assert right >= {"gone-1", "poison-1", "refused-1", "refused-everything", "refused-rerun"}
    for key in right:
        assert world.status(key) == "Queued"
