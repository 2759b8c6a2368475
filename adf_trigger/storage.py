"""The storage account that the settings name: its queues and the ledger's table."""

from dataclasses import replace
from typing import Literal

from azure.core.credentials import TokenCredential
from azure.storage.queue import QueueClient

from adf_trigger.credentials import CredentialSettings, build_credential
from adf_trigger.errors import SettingsError
from adf_trigger.events.queues import queue_client
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.table import TableLedger
from adf_trigger.settings import CommonSettings, CredentialKind

STORAGE_SUFFIXES = {
    "public": "core.windows.net",
    "us-government": "core.usgovcloudapi.net",
    "china": "core.chinacloudapi.cn",
}
"""Where each cloud keeps its storage accounts."""


class Storage:
    """The storage account, by connection string or by identity.

    Args:
        settings: that name it.

    Raises:
        SettingsError: a setting cannot be used.
    """

    def __init__(self, settings: CommonSettings) -> None:
        self._settings = settings
        secret = settings.storage_connection_string
        self._connection_string = None if secret is None else secret.get_secret_value()
        self._credential = None if self._connection_string is not None else self._sign_in()

    def _sign_in(self) -> TokenCredential:
        own = CredentialSettings.of(self._settings)
        if self._settings.storage_client_id is not None:
            own = replace(
                own, kind=CredentialKind.MANAGED_IDENTITY, client_id=self._settings.storage_client_id
            )
        try:
            return build_credential(own)
        except (OSError, ValueError) as exc:
            raise SettingsError([f"ADF_TRIGGER_CREDENTIAL: cannot be used: {type(exc).__name__}"]) from exc

    def ledger(self) -> TableLedger:
        """The run ledger in its table."""
        return open_table_ledger(
            table=self._settings.table,
            connection_string=self._connection_string,
            endpoint=None
            if self._connection_string
            else self._address("table", self._settings.storage_table_uri),
            credential=self._credential,
            connect_timeout=self._settings.connect_timeout,
            read_timeout=self._settings.read_timeout,
            create_missing=True,
        )

    def queue(self, name: str, encoding: Literal["base64", "none"]) -> QueueClient:
        """A client of a queue.

        Raises:
            SettingsError: the connection string cannot be used.
        """
        try:
            return self._queue(name, encoding)
        except ValueError as exc:
            raise SettingsError(["AzureWebJobsStorage: is no connection string for queues"]) from exc

    def _queue(self, name: str, encoding: Literal["base64", "none"]) -> QueueClient:
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
