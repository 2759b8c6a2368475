"""The adapters that the settings name: Data Factory, the ledger's table, the queues."""

from dataclasses import dataclass
from pathlib import Path

from adf_trigger.azure.clouds import Cloud
from adf_trigger.azure.credentials import TokenProvider
from adf_trigger.clock import Clock, IdSource
from adf_trigger.contracts import MAX_CALL_BACK_URI
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.management import ManagementApi, RetryPolicy
from adf_trigger.datafactory.transport import Limits, Transport
from adf_trigger.errors import SettingsError
from adf_trigger.events.callbacks import CallbackPoster
from adf_trigger.events.posting import Poster
from adf_trigger.events.queues import QueueOutbox, put_message
from adf_trigger.events.routes import Routes
from adf_trigger.events.webhooks import WebhookSender
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.table import TableLedger
from adf_trigger.service.factories import Factories, placed
from adf_trigger.settings import POISON_SUFFIX, CommonSettings, Settings
from adf_trigger.settings.opening import credential_settings, storage_account

READ_RETRIES = RetryPolicy(attempts=3, total=15.0, longest_retry_after=1.0)
"""A caller is waiting, or the next tick is near: longer failures are retried later. A throttled call's answer says when
to repeat it."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """The adapters that the use cases need."""

    factories: Factories
    ledger: TableLedger
    outbox: QueueOutbox
    routes: Routes
    callback_sender: CallbackPoster


def connect(settings: Settings, *, clock: Clock, new_id: IdSource) -> Adapters:
    """Create the adapters of the settings. No connection is opened; missing queues and tables are created on first use.

    Raises:
        SettingsError: a setting cannot be used.
    """
    storage = storage_account(settings)
    ledger = open_table_ledger(storage, table=settings.table, create_missing=True)
    outbox = QueueOutbox(
        events=storage.queue(settings.events_queue, encoding=settings.event_encoding),
        rejected=storage.queue(settings.rejected_queue),
        requests=storage.queue(settings.requests_queue, encoding="none"),
        poison=storage.queue(settings.requests_queue + POISON_SUFFIX, encoding="none"),
    )
    routes = Routes(
        {
            name: storage.queue(route.queue, encoding=settings.event_encoding)
            for name, route in settings.routes.items()
            if route.queue is not None
        },
        settings.webhooks,
        WebhookSender(
            clock,
            ca_file=None if settings.ca_file is None else Path(settings.ca_file),
            loopback=settings.webhooks_to_loopback,
        ),
    )
    callback_sender = CallbackPoster(
        Poster(
            "the callback",
            ca_file=None if settings.ca_file is None else Path(settings.ca_file),
            loopback=settings.webhooks_to_loopback,
            longest=MAX_CALL_BACK_URI,
        )
    )
    try:
        return Adapters(_factories(settings, clock, new_id), ledger, outbox, routes, callback_sender)
    except ValueError as exc:
        # Addresses were checked when the settings were read, so only the file can be faulty.
        raise SettingsError(["ADF_TRIGGER_CA_FILE: holds no readable certificate"]) from exc


def put_into_requests(settings: CommonSettings, text: str, *, suffix: str, delay: float) -> None:
    """Put a message into the requests queue, or into one with a suffix to its name, delayed by `delay` seconds.

    Raises:
        SettingsError: a setting of the storage cannot be used.
        PublishError: the queue is out of reach.
    """
    queue = storage_account(settings).queue(settings.requests_queue + suffix, encoding="none")
    put_message(queue, text, delay=delay)


def _factories(settings: Settings, clock: Clock, new_id: IdSource) -> Factories:
    cloud = Cloud.named(settings.cloud)
    if settings.management_endpoint is not None:
        cloud = cloud.at(settings.management_endpoint)
    api = ManagementApi(
        Transport(
            cloud.management_endpoint,
            ca_file=None if settings.ca_file is None else Path(settings.ca_file),
            limits=Limits(
                connect=settings.connect_timeout, read=settings.read_timeout, whole=settings.read_timeout
            ),
        ),
        TokenProvider.of(credential_settings(settings), cloud.token_scope, clock),
        retries=READ_RETRIES,
        clock=clock,
        ids=new_id,
    )
    return placed(
        {alias: str(factory) for alias, factory in settings.factories.items()},
        {str(former): alias for former, alias in settings.moved_factories.items()},
        {alias: DataFactoryClient(factory, api) for alias, factory in settings.factories.items()},
    )
