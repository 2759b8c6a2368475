"""The replay command on a real table and real queues."""

import base64
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.queue import QueueClient

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.contracts import ProblemFault
from adf_trigger.errors import Fault
from adf_trigger.events.queues import QueueOutbox
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.messages.texts import MAX_QUEUE_BYTES
from adf_trigger.news import RejectedMessage
from adf_trigger.replay import __main__ as replay
from tests.contracts.ledger_records import a_record
from tests.support.world import FACTORY_ID

Command = Callable[..., int]
NOON = datetime(2026, 1, 5, tzinfo=UTC)


class Storage:
    """The table and the queues of one test."""

    def __init__(self, connection_string: str) -> None:
        mark = uuid4().hex[:8]
        self.names = {name: f"{name}-{mark}" for name in ("requests", "rejected", "events", "poison")}
        self.environment = {
            "AzureWebJobsStorage": connection_string,
            "ADF_TRIGGER_FACTORIES": FACTORY_ID,
            "ADF_TRIGGER_REQUESTS_QUEUE": self.names["requests"],
            "ADF_TRIGGER_REJECTED_QUEUE": self.names["rejected"],
            "ADF_TRIGGER_TABLE": f"t{mark}",
        }
        account = StorageAccount(connection_string=connection_string)
        self.ledger = open_table_ledger(account, table=f"t{mark}", create_missing=True)
        self.messages = self.ledger.rejected()
        clients = {
            name: account.queue(full, encoding="base64" if name in {"events", "rejected"} else "none")
            for name, full in self.names.items()
        }
        self.outbox = QueueOutbox(
            clients["events"], clients["rejected"], clients["requests"], clients["poison"]
        )
        self.requests = QueueClient.from_connection_string(connection_string, self.names["requests"])
        self.rejected = QueueClient.from_connection_string(connection_string, self.names["rejected"])
        self.requests.create_queue()
        self.rejected.create_queue()
        self._count = 0

    def reject(self, request_id: str, message: str | bytes, **changes: Any) -> KeptMessage:
        """Reject a message as the service does: a record, and a copy in the rejected queue."""
        self._count += 1
        fields: dict[str, Any] = {
            "factory": FACTORY_ID,
            "name": f"m-{self._count}",
            "request_id": request_id,
            "message_id": f"m-{self._count}",
            "body": message if isinstance(message, bytes) else message.encode(),
            "reason": "it has faults",
            "faults": (Fault("/pipeline", "is missing"),),
            "attempts": 3,
            "received_at": NOON + timedelta(seconds=self._count),
            "rejected_at": NOON + timedelta(seconds=self._count),
        }
        kept = self.messages.keep(KeptMessage(**{**fields, **changes}))
        self.outbox.reject(kept.as_rejected())
        return kept

    def reject_as_before(self, request_id: str, message: str, **changes: Any) -> None:
        """Reject a message as earlier versions did: into the rejected queue alone."""
        fields: dict[str, Any] = {
            "request_id": request_id,
            "message_id": "m",
            "message": message,
            "reason": "it has faults",
            "errors": [ProblemFault(pointer="/pipeline", message="is missing")],
            "attempts": 3,
            "rejected_at": NOON,
        }
        self.outbox.reject(RejectedMessage(**{**fields, **changes}))

    def waiting(self) -> list[str]:
        """The texts on the requests queue."""
        return [str(message.content) for message in self.requests.receive_messages(messages_per_page=32)]

    def sent(self) -> list[bytes]:
        """The messages on the requests queue, with references replaced by the stored messages."""
        return [self.body_of(text) for text in self.waiting()]

    def body_of(self, text: str) -> bytes:
        """The bytes that a text on the queue represents."""
        document = json.loads(text)
        if "adfTriggerKept" not in document:
            return text.encode()
        kept = self.messages.get(document["adfTriggerKept"])
        assert kept is not None
        assert (kept.request_id, document["adfTriggerReplay"]) == (document["requestId"], True)
        return kept.body

    def kept(self) -> list[KeptMessage]:
        """All rejected messages."""
        found: list[KeptMessage] = []
        while page := self.messages.list(after=found[-1].key if found else "", limit=1_000):
            found += page
        return found

    def left(self) -> list[str]:
        """Keys of the remaining rejected messages."""
        return [kept.request_id for kept in self.kept() if not kept.waiting]

    def copies(self) -> int:
        """How many messages are in the rejected queue."""
        return self.rejected.get_queue_properties().approximate_message_count or 0


@pytest.fixture
def storage(azurite: str, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """A table and queues with names of their own, in the app's settings."""
    storage = Storage(azurite)
    for name, value in storage.environment.items():
        monkeypatch.setenv(name, value)
    return storage


def test_messages_are_listed_and_shown_and_kept(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    """Reading changes nothing; records and messages of earlier versions are listed together, each once."""
    for number in range(60):
        put = storage.reject_as_before if number % 3 == 0 else storage.reject
        put(f"key-{number}", json.dumps({"requestId": f"key-{number}"}))
    for _ in range(2):
        assert replay.main(["list"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 60
    assert replay.main(["list", "--json"]) == 0
    assert {json.loads(line)["requestId"] for line in capsys.readouterr().out.splitlines()} == {
        f"key-{number}" for number in range(60)
    }
    for number in (6, 7):
        assert replay.main(["show", f"key-{number}"]) == 0
        shown = capsys.readouterr().out
        for expected in ("3 deliveries", "it has faults", "/pipeline: is missing", f"key-{number}"):
            assert expected in shown


@pytest.mark.parametrize("emptied", [False, True])
def test_a_replay_keeps_the_key_and_the_bytes(
    storage: Storage, capsys: pytest.CaptureFixture[str], *, emptied: bool
) -> None:
    """The new queue message leads to the original bytes; the copies in the rejected queue do not matter."""
    given, derived = ' {"pipeline":"load", "requestId" : "given"}', '{"pipeline": 1e0}'
    storage.reject("given", given)
    storage.reject("derived", derived)
    storage.reject("noise", '{"pipeline": "load"}')
    storage.reject("other", '{"pipeline": "load"}')
    storage.reject_as_before("earlier", '{"pipeline": "load"}')
    if emptied:
        storage.rejected.clear_messages()
    assert replay.main(["replay", "given", "derived", "m-3"]) == 0
    texts = storage.waiting()
    assert [json.loads(text)["requestId"] for text in texts] == ["given", "derived", "noise"]
    assert [storage.body_of(text) for text in texts[:2]] == [given.encode(), derived.encode()]
    assert storage.left() == ["other"]
    capsys.readouterr()
    assert replay.main(["replay", "given"]) == 0
    assert "given: it was sent to the requests queue again, and waits there" in capsys.readouterr().out
    assert replay.main(["show", "given"]) == 0
    assert "waits there" in capsys.readouterr().out
    assert replay.main(["replay", "--all"]) == 0
    assert len(storage.waiting()) == (1 if emptied else 2)
    assert (storage.left(), storage.copies()) == ([], 0)
    assert replay.main(["replay", "given", "--force"]) == 0
    assert len(storage.waiting()) == 1


def test_the_largest_message_is_replayed_whole(storage: Storage) -> None:
    """This holds even where its key does not fit into the message."""
    noise = base64.b64encode(bytes(uuid4().int % 251 for _ in range(9)) * 6_000).decode()
    own, none = '{"requestId":"own","a":"', '{"a":"'
    bodies = [(start + noise)[: MAX_QUEUE_BYTES - 2] + '"}' for start in (own, none)]
    storage.reject("own", bodies[0])
    storage.reject("none", bodies[1])
    assert replay.main(["replay", "--all"]) == 0
    assert storage.sent() == [body.encode() for body in bodies]


def test_a_message_whose_key_belongs_to_another_request_needs_force(
    storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be a request of its own: the command says so, whichever version rejected it."""
    body = '{"pipeline": "load", "requestId": "other"}'
    storage.reject("m-1", body)
    storage.reject_as_before("m-0", body)
    assert replay.main(["replay", "--all"]) == 1
    said = capsys.readouterr().out
    assert said.count("its key other already named another request") == 2
    assert storage.waiting() == []
    assert replay.main(["replay", "--all", "--force"]) == 0
    assert [json.loads(text)["requestId"] for text in storage.waiting()] == ["m-1", "m-0"]


def test_a_message_whose_key_is_in_use_needs_force(
    storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the request that has the key."""
    storage.ledger.claim(a_record(FACTORY_ID, "k"))
    storage.reject("k", '{"pipeline": "load", "requestId": "k"}')
    assert replay.main(["replay", "k"]) == 1
    assert "its key k names a request that was accepted" in capsys.readouterr().out
    assert replay.main(["replay", "k", "--force"]) == 0


def test_a_discarded_message_shows_who_discarded_it(
    storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Discarding it again is no error, sending it is one; its bytes are gone."""
    storage.reject("k", '{"pipeline": "load"}')
    assert replay.main(["discard", "k"]) == 0
    assert capsys.readouterr().out == "discarded k\n"
    for command, code in (("discard", 0), ("show", 0), ("replay", 1)):
        assert replay.main([command, "k"]) == code
        said = capsys.readouterr().out
        assert "k: it was dismissed, and its message is no longer stored (at " in said
        assert "by python -m adf_trigger.replay" in said
    assert [kept.body for kept in storage.kept()] == [b""]
    assert storage.waiting() == []
    storage.reject("sent", '{"pipeline": "load"}')
    assert replay.main(["replay", "sent"]) == 0
    assert replay.main(["discard", "sent"]) == 1
    assert "kept sent: it was sent to the requests queue again, and waits there" in capsys.readouterr().out


def test_secrets_are_requested(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the masked values a replay is rejected; with them they are put back in their places."""
    body = '{"pipeline":"load","parameters":{"Password":"**********","day":"monday"}}'
    storage.reject("secret", body, masked=("Password",))
    assert replay.main(["replay", "secret"]) == 1
    assert "Password" in capsys.readouterr().out
    assert (storage.left(), storage.waiting()) == (["secret"], [])
    monkeypatch.setattr("sys.stdin", io.StringIO('{"password": "hush"}'))
    assert replay.main(["replay", "secret", "--secrets", "-"]) == 0
    (sent,) = storage.waiting()
    assert json.loads(sent)["parameters"] == {"Password": "hush", "day": "monday"}
    assert "hush" not in capsys.readouterr().out


def test_a_message_that_may_have_been_accepted_needs_force(
    storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is shown with the request that it may be, and not sent by `--all`."""
    storage.reject("copy", '{"pipeline": "load"}', taken_as="original")
    assert replay.main(["show", "copy"]) == 0
    assert "taken as:   original" in capsys.readouterr().out
    assert replay.main(["replay", "--all"]) == 1
    assert storage.waiting() == []
    assert replay.main(["replay", "copy", "--force"]) == 0
    assert len(storage.waiting()) == 1


def test_a_message_rejected_again_is_not_sent_again(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100 messages whose cause persists each is sent once."""
    for number in range(100):
        put = storage.reject_as_before if number % 2 else storage.reject
        put(f"key-{number}", '{"pipeline": "load"}')
    sent = []

    def rejected_at_once(_queue: QueueClient, text: str) -> None:
        key = json.loads(text)["requestId"]
        sent.append(key)
        storage.reject(key, storage.body_of(text))
        storage.reject_as_before(key, text)

    monkeypatch.setattr("adf_trigger.replay.tool.put_message", rejected_at_once)
    assert replay.main(["replay", "--all"]) == 0
    assert sorted(sent) == sorted({f"key-{number}" for number in range(100)})
    assert len(storage.left()) == 100


def test_one_broken_message_does_not_end_it(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the broken message holds, the others are listed, shown and sent; it is kept until it is discarded."""
    storage.reject_as_before("broken", "no base64!", message_encoding="gzip+base64")
    cut = base64.b64encode(b"\x1f\x8b\x08\x00").decode()
    storage.reject_as_before("cut", cut, message_encoding="gzip+base64")
    storage.reject("noise", b"\xff\xfe no JSON")
    storage.rejected.send_message("not even ours")
    storage.rejected.send_message("nor this: größe")
    storage.rejected.send_message(base64.b64encode(b'{"a": 1}').decode())
    storage.reject("whole", '{"pipeline": "load"}')
    storage.reject_as_before("whole-too", '{"pipeline": "load"}')
    assert replay.main(["list"]) == 0
    assert replay.main(["show", "broken"]) == 0
    capsys.readouterr()
    assert replay.main(["replay", "--all"]) == 1
    said = capsys.readouterr().out
    for expected in ("kept broken", "kept cut", "kept noise", "replayed whole\n", "replayed whole-too"):
        assert expected in said
    assert len(storage.waiting()) == 2
    assert replay.main(["discard", "--all"]) == 0
    assert replay.main(["list"]) == 0
    assert capsys.readouterr().out.count("discarded") == 6
    assert (storage.left(), storage.copies()) == ([], 0)


def test_control_characters_are_not_printed_raw(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    """No message can clear the screen, or imitate a line of the command."""
    evil = "\x1b[2J\u202e\x9b1A"
    storage.reject("k", f'{{"a": "{evil}"}}', reason=f"{evil}\nreplayed everything")
    for command in (["list"], ["show", "k"], ["list", "--json"]):
        assert replay.main(command) == 0
        said = capsys.readouterr().out
        assert not set(evil) & set("\x1b\u202e\x9b") & set(said)
        assert "\nreplayed everything" not in said


@pytest.mark.parametrize("arguments", [[], ["replay"], ["discard"], ["replay", "a", "--all"], ["show"]])
def test_wrong_arguments_are_rejected(arguments: list[str]) -> None:
    """Nothing is replayed or discarded by accident."""
    with pytest.raises(SystemExit) as caught:
        replay.main(arguments)
    assert caught.value.code == 2


def test_unreachable_storage_is_reported_plainly(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unreachable account is one line and exit code 1, without a key in it."""
    away = storage.environment["AzureWebJobsStorage"].partition("QueueEndpoint=")[0]
    monkeypatch.setenv("AzureWebJobsStorage", f"{away}QueueEndpoint=http://127.0.0.1:9/devstoreaccount1;")
    monkeypatch.setenv("ADF_TRIGGER_CONNECT_TIMEOUT_SECONDS", "0.2")
    assert replay.main(["list"]) == 1
    assert "AccountKey" not in capsys.readouterr().err


def test_a_message_that_outgrows_the_queue_does_not_end_the_replay(
    storage: Storage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its secrets or its key a message may exceed the limit: it is kept, and the rest is sent."""
    masked = '{"pipeline":"load","parameters":{"password":"**********"}}'
    storage.reject("secret", masked, masked=("password",))
    storage.reject("keyless", json.dumps({"a": "ä" * 30_000}, ensure_ascii=False))
    storage.reject_as_before("packed", '{"a":"' + "x" * (MAX_QUEUE_BYTES - 10) + '"}')
    storage.reject("whole", '{"pipeline": "load"}')
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"password": "x" * MAX_QUEUE_BYTES})))
    assert replay.main(["replay", "--all", "--secrets", "-"]) == 1
    said = capsys.readouterr().out
    for expected in ("kept secret: ", "replayed keyless\n", "kept packed: ", "replayed whole\n"):
        assert expected in said
    assert sorted(json.loads(text)["requestId"] for text in storage.waiting()) == ["keyless", "whole"]
