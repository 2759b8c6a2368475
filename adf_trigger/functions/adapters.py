"""The adapters that the settings name: Data Factory, the ledger's table, the queues."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from azure.core.credentials import TokenCredential
from azure.identity import ManagedIdentityCredential
from azure.storage.queue import QueueClient

from adf_trigger.clock import Clock, IdSource
from adf_trigger.credentials import CredentialSettings, TokenProvider, build_credential
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.clouds import Cloud
from adf_trigger.datafactory.management import ManagementApi, RetryPolicy
from adf_trigger.datafactory.transport import Limits, Transport
from adf_trigger.errors import LedgerError
from adf_trigger.events import QueueOutbox, queue_client
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.table import TableLedger
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.settings import Settings

logger = logging.getLogger(__name__)

READ_RETRIES = RetryPolicy(attempts=3, total=15.0, longest_retry_after=5.0)
"""A caller is waiting, or the next tick is near: what fails for longer is asked again later."""

STORAGE_SUFFIXES = {
    "public": "core.windows.net",
    "us-government": "core.usgovcloudapi.net",
    "china": "core.chinacloudapi.cn",
}


@dataclass(frozen=True, slots=True)
class Adapters:
    """Everything outside that the use cases need."""

    factories: Factories
    ledger: TableLedger
    outbox: QueueOutbox


def connect(settings: Settings, *, clock: Clock, new_id: IdSource) -> Adapters:
    """The adapters of the settings. Only the ledger's table is touched: it is made where it is missing.

    Raises:
        SettingsError: a setting cannot be used.
    """
    storage = _Storage(settings)
    ledger = storage.ledger()
    try:
        ledger.create_table_if_missing()
    except LedgerError as exc:
        logger.warning(
            "The ledger's table could not be made sure of: %s", exc, extra={"action": "table_not_ensured"}
        )
    outbox = QueueOutbox(
        events=storage.queue(settings.events_queue, settings.event_encoding),
        rejected=storage.queue(settings.rejected_queue, "base64"),
        requests=storage.queue(settings.requests_queue, "none"),
    )
    return Adapters(_factories(settings, clock, new_id), ledger, outbox)


def _factories(settings: Settings, clock: Clock, new_id: IdSource) -> Factories:
    cloud = Cloud.named(settings.cloud)
    if settings.management_endpoint is not None:
        cloud = cloud.at(settings.management_endpoint)
    api = ManagementApi(
        Transport(
            cloud.management_endpoint,
            ca_file=None if settings.ca_file is None else Path(settings.ca_file),
            limits=Limits(connect=settings.connect_timeout, read=settings.read_timeout),
        ),
        TokenProvider.of(CredentialSettings.of(settings), cloud.token_scope, clock),
        retries=READ_RETRIES,
        clock=clock,
        ids=new_id,
    )
    return Factories(
        {
            alias: FactoryHandle(alias, str(factory), DataFactoryClient(factory, api))
            for alias, factory in settings.factories.items()
        }
    )


class _Storage:
    """The storage account, by connection string or by identity."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        secret = settings.storage_connection_string
        self._connection_string = None if secret is None else secret.get_secret_value()
        self._credential = None if self._connection_string is not None else self._sign_in()

    def _sign_in(self) -> TokenCredential:
        if self._settings.storage_client_id is not None:
            return ManagedIdentityCredential(client_id=self._settings.storage_client_id)
        return build_credential(CredentialSettings.of(self._settings))

    def ledger(self) -> TableLedger:
        return open_table_ledger(
            table=self._settings.table,
            connection_string=self._connection_string,
            endpoint=None
            if self._connection_string
            else self._address("table", self._settings.storage_table_uri),
            credential=self._credential,
            connect_timeout=self._settings.connect_timeout,
            read_timeout=self._settings.read_timeout,
        )

    def queue(self, name: str, encoding: Literal["base64", "none"]) -> QueueClient:
        return queue_client(
            name,
            connection_string=self._connection_string,
            account_url=None
            if self._connection_string
            else self._address("queue", self._settings.storage_queue_uri),
            credential=self._credential,
            encoding=encoding,
            connect_timeout=self._settings.connect_timeout,
            read_timeout=self._settings.read_timeout,
        )

    def _address(self, service: str, given: str | None) -> str:
        suffix = STORAGE_SUFFIXES[self._settings.cloud]
        return given or f"https://{self._settings.storage_account_name}.{service}.{suffix}"
