"""The storage that the app needs, on a real Azurite: created where missing, and recognised later."""

import json
import logging
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueClient, QueueServiceClient

from adf_trigger.azure.storage import StorageAccount
from adf_trigger.clock import utcnow
from adf_trigger.errors import PublishError, SettingsError
from adf_trigger.events.queues import QueueOutbox, put_message
from adf_trigger.functions.unread import put_back_unread
from adf_trigger.ledger.notes import APP_SCOPE
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.waiting import life_left, waits_since
from adf_trigger.service.health.ledger_identity import LEDGER_NOTE, LedgerIdentity
from adf_trigger.service.steps import logged_steps
from tests.contracts.ledger_records import a_factory, a_record
from tests.support.world import FACTORY_ID


class AppStorage:
    """Names of a table and of queues that do not exist."""

    def __init__(self, connection_string: str) -> None:
        self.mark = uuid4().hex[:12]
        self.table = f"t{self.mark}"
        self.connection_string = connection_string
        self.account = StorageAccount(connection_string=connection_string)
        self.outbox = QueueOutbox(
            *(self.queue(name) for name in ("events", "rejected", "requests", "poison"))
        )
        self.ledger = open_table_ledger(self.account, table=self.table, create_missing=True)

    def queue(self, name: str) -> QueueClient:
        """A client of a queue."""
        return self.account.queue(f"{name}-{self.mark}", encoding="none")

    def identity(self) -> LedgerIdentity:
        """The ledger's identity as a new process reads it."""
        return LedgerIdentity(self.ledger.notes(), self.outbox, utcnow, uuid4, logged_steps)

    def drop_table(self) -> None:
        """Delete the table, as an operator might."""
        with TableServiceClient.from_connection_string(self.connection_string) as service:
            service.delete_table(self.table)


@pytest.fixture
def app_storage(azurite: str) -> AppStorage:
    """A storage account that holds nothing of ours."""
    return AppStorage(azurite)


def test_missing_queues_are_created_and_reported(
    app_storage: AppStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """All three exist after one check: the platform never creates the one that requests are read from."""
    app_storage.outbox.check()
    with QueueServiceClient.from_connection_string(app_storage.connection_string) as service:
        names = {queue.name for queue in service.list_queues()}
    assert {f"{name}-{app_storage.mark}" for name in ("events", "rejected", "requests")} <= names
    assert [record.levelno for record in caplog.records if "was missing" in record.message] == [
        logging.WARNING
    ] * 3
    app_storage.outbox.check()


def test_a_missing_table_is_created_on_first_use(app_storage: AppStorage) -> None:
    """A claim, a read or a note on an account without the table works, and creates it."""
    factory = a_factory()
    stored = app_storage.ledger.claim(a_record(factory)).stored
    app_storage.drop_table()
    assert app_storage.ledger.get(factory, stored.record.request_id) is None
    app_storage.drop_table()
    app_storage.ledger.notes().put(APP_SCOPE, "x", {"a": 1})
    assert app_storage.ledger.notes().get(APP_SCOPE, "x") is not None


def test_a_recreated_table_is_recognised_as_new(
    app_storage: AppStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """By a running process, and by one that starts afterwards; other metadata of the queue stays."""
    app_storage.outbox.check()
    requests = app_storage.queue("requests")
    requests.set_queue_metadata({"owner": "somebody"})
    first = app_storage.identity()
    first.check()
    app_storage.identity().check()
    assert not [record for record in caplog.records if record.levelno == logging.ERROR]
    app_storage.drop_table()
    first.check()
    note = app_storage.ledger.notes().get(APP_SCOPE, LEDGER_NOTE)
    assert note is not None
    assert note.value["acknowledged"] is False
    assert datetime.fromisoformat(note.value["since"]).tzinfo == UTC
    app_storage.drop_table()
    app_storage.identity().check()
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 2
    assert (requests.get_queue_properties().metadata or {})["owner"] == "somebody"


class Denied(QueueClient):
    """A missing queue that may not be created."""

    def get_queue_properties(self, **_: object) -> None:  # type: ignore[override]
        raise ResourceNotFoundError

    def create_queue(self, **_: object) -> None:
        error = HttpResponseError("AuthorizationPermissionMismatch at https://account/?sig=hush")
        error.status_code = 403
        raise error


def test_a_queue_that_may_not_be_created_is_reported(app_storage: AppStorage) -> None:
    """The queue and the role are named; the service's text, which may quote a URL, is not."""
    denied = Denied.from_connection_string(app_storage.connection_string, "requests-denied")
    outbox = QueueOutbox(
        app_storage.queue("events"), app_storage.queue("rejected"), denied, app_storage.queue("poison")
    )
    with pytest.raises(
        PublishError, match=r"requests-denied is missing.*Storage Queue Data Contributor"
    ) as caught:
        outbox.check()
    assert "hush" not in str(caught.value)


def test_a_requeued_message_is_unchanged(app_storage: AppStorage) -> None:
    """Spaces, line ends and invalid JSON come back unchanged, in a queue that is created where missing."""
    text = ' \t{"a": 1,\r\n "a": 2} trailing \u00e9 &amp; <x> '
    put_message(app_storage.queue("requests"), text, delay=0)
    (message,) = app_storage.queue("requests").receive_messages()
    assert message.content == text


def wait_of(queue: QueueClient) -> datetime | None:
    """The time since when the one message of a queue has waited."""
    (message,) = queue.receive_messages()
    assert message.inserted_on is not None
    return waits_since(message.inserted_on, message.expires_on)


def test_a_requeued_message_keeps_the_time_since_when_it_waits(app_storage: AppStorage) -> None:
    """Storage keeps the time, which goes with the message through every queue and process."""
    since = utcnow() - timedelta(hours=30)
    app_storage.outbox.put_back("x", delay=0, life=life_left(since, utcnow()))
    put_message(app_storage.queue("events"), "x")
    read = [wait_of(app_storage.queue(name)) for name in ("requests", "events")]
    assert read[0] is not None
    assert abs(read[0] - since) < timedelta(seconds=60)
    assert read[1] is None


@pytest.mark.parametrize("suffix", ["", "-poison"])
def test_a_message_that_meets_faulty_settings_is_requeued_unchanged(
    app_storage: AppStorage, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """It goes into its queue with the usable part of the settings, without losing one of its deliveries."""
    name = f"requests-{app_storage.mark}"
    monkeypatch.setenv("AzureWebJobsStorage", app_storage.connection_string)
    monkeypatch.setenv("ADF_TRIGGER_REQUESTS_QUEUE", name)
    monkeypatch.setenv("ADF_TRIGGER_FACTORIES", json.dumps({"a": FACTORY_ID}))
    monkeypatch.setenv("ADF_TRIGGER_CLOUD", "moon")
    body = b' {"pipeline": "load",\r\n "x": 1} '
    message = Message.decode(body, message_id="m-1", attempts=1, inserted_at=utcnow())
    put_back_unread(message, SettingsError(["ADF_TRIGGER_CLOUD: is none"]), suffix=suffix)
    with QueueClient.from_connection_string(app_storage.connection_string, name + suffix) as queue:
        assert queue.get_queue_properties().approximate_message_count == 1
        assert list(queue.receive_messages()) == []
