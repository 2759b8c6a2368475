"""The replay command on real queues."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from azure.storage.queue import QueueClient

from adf_trigger import replay
from adf_trigger.azure.storage import StorageAccount
from adf_trigger.contracts import ProblemFault, RejectedMessage
from adf_trigger.events.queues import QueueOutbox
from tests.support.world import FACTORY_ID

Command = Callable[..., int]


class Queues:
    """The queues of one test."""

    def __init__(self, connection_string: str) -> None:
        mark = uuid4().hex[:8]
        self.names = {name: f"{name}-{mark}" for name in ("requests", "rejected", "events")}
        self.environment = {
            "AzureWebJobsStorage": connection_string,
            "ADF_TRIGGER_FACTORIES": FACTORY_ID,
            "ADF_TRIGGER_REQUESTS_QUEUE": self.names["requests"],
            "ADF_TRIGGER_REJECTED_QUEUE": self.names["rejected"],
        }
        clients = {
            name: StorageAccount(connection_string=connection_string).queue(
                full, encoding="none" if name == "requests" else "base64"
            )
            for name, full in self.names.items()
        }
        self.outbox = QueueOutbox(clients["events"], clients["rejected"], clients["requests"])
        self.requests = QueueClient.from_connection_string(connection_string, self.names["requests"])
        self.rejected = QueueClient.from_connection_string(connection_string, self.names["rejected"])
        self.requests.create_queue()
        self.rejected.create_queue()

    def reject(self, request_id: str, message: str) -> None:
        """Put a message into the rejected queue as the service does."""
        self.outbox.reject(
            RejectedMessage(
                request_id=request_id,
                message_id="m",
                message=message,
                reason="it has faults",
                errors=[ProblemFault(pointer="/pipeline", message="is missing")],
                attempts=3,
                rejected_at=datetime(2026, 1, 5, tzinfo=UTC),
            )
        )

    def waiting(self) -> list[dict[str, object]]:
        """What is on the requests queue."""
        return [json.loads(message.content) for message in self.requests.peek_messages(max_messages=32)]


@pytest.fixture
def queues(azurite: str, monkeypatch: pytest.MonkeyPatch) -> Queues:
    """Queues with names of their own, named by the environment as the app's are."""
    queues = Queues(azurite)
    for name, value in queues.environment.items():
        monkeypatch.setenv(name, value)
    return queues


def test_messages_are_listed_and_shown_and_stay(queues: Queues, capsys: pytest.CaptureFixture[str]) -> None:
    """Looking changes nothing: every message can be looked at again at once."""
    for number in range(40):
        queues.reject(f"key-{number}", json.dumps({"requestId": f"key-{number}"}))
    for _ in range(2):
        assert replay.main(["list"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 40
    assert replay.main(["list", "--json"]) == 0
    assert {json.loads(line)["requestId"] for line in capsys.readouterr().out.splitlines()} == {
        f"key-{number}" for number in range(40)
    }
    assert replay.main(["show", "key-7"]) == 0
    shown = capsys.readouterr().out
    for expected in (
        "key-7",
        "3 deliveries",
        "it has faults",
        "/pipeline: is missing",
        '{"requestId": "key-7"}',
    ):
        assert expected in shown


def test_a_replay_keeps_the_key_and_takes_the_message_away(queues: Queues) -> None:
    """The message goes back under its key, given or derived; the others stay."""
    queues.reject("given", '{"pipeline": "load", "requestId": "given"}')
    queues.reject("derived", '{"pipeline": "load"}')
    queues.reject("other", '{"pipeline": "load"}')
    assert replay.main(["replay", "given", "derived"]) == 0
    assert {message["requestId"] for message in queues.waiting()} == {"given", "derived"}
    assert replay.main(["replay", "given"]) == 1, "it is not there any more"
    assert replay.main(["replay", "--all"]) == 0
    assert len(queues.waiting()) == 3


def test_a_long_message_is_replayed_whole(queues: Queues) -> None:
    """A message that had to be packed comes back as it was."""
    long = {
        "pipeline": "load",
        "parameters": {f"name-{n}": f"value {n}" for n in range(2200)},
        "requestId": "long",
    }
    queues.reject("long", json.dumps(long))
    assert replay.main(["replay", "long"]) == 0
    assert queues.waiting() == [long]


def test_what_can_never_work_is_kept_until_it_is_discarded(
    queues: Queues, capsys: pytest.CaptureFixture[str]
) -> None:
    """A message that is no JSON is not sent again, and says so; discard removes it."""
    queues.reject("noise", "no JSON")
    queues.rejected.send_message("not even ours")
    queues.rejected.send_message("nor this: größe")
    queues.rejected.send_message(base64.b64encode(b'{"a": 1}').decode())
    assert replay.main(["replay", "--all"]) == 1
    assert "kept noise" in capsys.readouterr().out
    assert replay.main(["discard", "noise"]) == 0
    assert replay.main(["discard", "--all"]) == 0
    assert replay.main(["list"]) == 0
    assert capsys.readouterr().out.count("discarded") == 4
    assert replay.main(["show", "noise"]) == 1


@pytest.mark.parametrize("arguments", [[], ["replay"], ["discard"], ["replay", "a", "--all"], ["show"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    """Nothing is replayed or discarded by accident."""
    with pytest.raises(SystemExit) as caught:
        replay.main(arguments)
    assert caught.value.code == 2


def test_storage_that_is_away_is_said_plainly(
    queues: Queues, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unreachable account is one line and exit code 1, without a key in it."""
    away = queues.environment["AzureWebJobsStorage"].partition("QueueEndpoint=")[0]
    monkeypatch.setenv("AzureWebJobsStorage", f"{away}QueueEndpoint=http://127.0.0.1:9/devstoreaccount1;")
    monkeypatch.setenv("ADF_TRIGGER_CONNECT_TIMEOUT_SECONDS", "0.2")
    assert replay.main(["list"]) == 1
    assert "AccountKey" not in capsys.readouterr().err
