"""What both writers of the rejected queue have put there, and what the command shows of it."""

import contextlib
import io
import json
import os
import random
import string
from typing import Any
from uuid import UUID, uuid4

from azure.storage.queue import QueueClient
from stage import BEGINNING, EVERYTHING, LABELS, PIPELINES

from adf_trigger import replay
from adf_trigger.errors import BadRequest
from adf_trigger.events import queue_client, rejected_text
from tests.support.world import FACTORY_ID, World
from tests.unit.functions.conftest import Caller


def rejected(azurite: str) -> dict[str, Any]:
    """What both writers of the rejected queue have put there, and what the command shows of it."""
    names = {name: f"{name}-{uuid4().hex[:8]}" for name in ("requests", "rejected", "events")}
    queue = QueueClient.from_connection_string(azurite, names["rejected"])
    queue.create_queue()
    texts: list[dict[str, str]] = []
    world = World()
    world.clock.now = BEGINNING
    for pipeline, parameters in PIPELINES.items():
        world.factory.declare(pipeline, **parameters)
    caller = Caller(world)

    def take(name: str, body: Any, **options: Any) -> None:
        count = len(world.outbox.rejected)
        caller.message(body, message_id=f"message-{len(texts)}", **options)
        (message,) = world.outbox.rejected[count:]
        texts.append({"name": name, "text": rejected_text(message)})

    take("faults", {"pipeline": "load", "parameters": {"tag": "x", "Count": "many"}, "requestId": "faulty"})
    take("no key of its own", {"pipeline": "load", "parameters": {}})
    take("no JSON", b"{no JSON: \xff\xfe \xf0\x9f\x98\x80")
    take("no object", b"[1, 2]")
    take("base64", {"pipeline": "load", "größe": "ü"}, base64=True)
    take("no such pipeline", {"pipeline": "gone", "requestId": "gone-1", "metadata": {"team": "Größen"}})
    take("unknown factory", {"pipeline": "load", "factory": "elsewhere", "requestId": "elsewhere-1"})
    take(
        "packed", {"pipeline": "load", "requestId": "packed", "parameters": {"day": "lang " * 12_000}, "x": 1}
    )
    chance = random.Random(7)  # noqa: S311 - to be the same each time, not to be secret
    noise = "".join(
        chance.choice(string.ascii_letters + string.digits + "!#$%&()*+,-.:;<=>?@[]^_{|}~")
        for _ in range(60_000)
    )
    take("cut", {"pipeline": "load", "requestId": "cut", "parameters": {"day": noise}, "x": 1})
    take(
        "poison",
        {"pipeline": "load", "requestId": "poison-1", "parameters": {"day": "d"}},
        poison=True,
        attempts=5,
    )
    world.submit("taken", parameters={"day": "2026-01-05"})
    take("another request under its key", {"pipeline": "quick", "requestId": "taken"})
    for name, body in (
        (
            "refused by createRun",
            {"pipeline": "load", "requestId": "refused-1", "parameters": {"day": "ü", "Count": 4}},
        ),
        ("refused by createRun, no key", {"pipeline": "load", "parameters": {"day": "2026-01-05"}}),
        (
            "refused by createRun, everything",
            {
                "pipeline": "everything",
                "requestId": "refused-everything",
                "parameters": EVERYTHING,
                "correlationId": "Auftrag 17",
                "metadata": LABELS,
                "factory": "default",
            },
        ),
        (
            "refused by createRun, a rerun",
            {
                "pipeline": "load",
                "requestId": "refused-rerun",
                "referencePipelineRunId": str(UUID(int=7)),
                "isRecovery": True,
                "startActivityName": "Kopiere",
            },
        ),
        (
            "refused by createRun, secure",
            {
                "pipeline": "vault",
                "requestId": "refused-secure",
                "parameters": {"user": "a", "password": "secret-value-1"},
            },
        ),
    ):
        world.factory.fail_next("create_run", BadRequest("Grund: kein ü", status=400, code="BadRequest"))
        take(name, body)
    for each in texts:
        world.outbox.rejected.clear()
        outbox_text(azurite, names["rejected"], each["text"])
    queue.send_message("a stranger's: {}", time_to_live=-1)
    raw = [message.content for message in queue.receive_messages(messages_per_page=32, visibility_timeout=1)]
    (hidden,) = [QueueClient.from_connection_string(azurite, f"copy-{uuid4().hex[:8]}")]
    hidden.create_queue()
    for text in raw:
        hidden.send_message(text, time_to_live=-1)
    environment = {
        "AzureWebJobsStorage": azurite,
        "ADF_TRIGGER_FACTORIES": FACTORY_ID,
        "ADF_TRIGGER_REQUESTS_QUEUE": names["requests"],
        "ADF_TRIGGER_REJECTED_QUEUE": hidden.queue_name,
    }
    requests = QueueClient.from_connection_string(azurite, names["requests"])
    requests.create_queue()
    os.environ.update(environment)
    listed = said_by("list", "--json")
    shown = {
        each["requestId"]: said_by("show", each["requestId"])
        for each in map(json.loads, listed.strip().split("\n"))
        if len(each["message"]) < 2_000 and not each["message"].startswith("a stranger's")
    }
    replayed = said_by("replay", "--all")
    sent = [json.loads(each.content) for each in requests.receive_messages(messages_per_page=32)]
    return {
        "names": [each["name"] for each in texts] + ["not ours"],
        "messages": raw,
        "list --json": [json.loads(line) for line in listed.strip().split("\n")],
        "show": shown,
        "replay --all": replayed.strip().split("\n"),
        "sent": sorted(sent, key=lambda message: message["requestId"]),
    }


def outbox_text(azurite: str, queue: str, text: str) -> None:
    """Put a text into a queue with the client that the service uses."""
    client = queue_client(queue, connection_string=azurite, connect_timeout=5, read_timeout=10)
    client.send_message(text, time_to_live=-1)


def said_by(*arguments: str) -> str:
    """What the command for the rejected queue prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        replay.main(arguments)
    return out.getvalue()
