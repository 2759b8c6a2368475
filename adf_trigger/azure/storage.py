"""The one place where a storage account is opened, by connection string or by identity."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from azure.core.credentials import TokenCredential
from azure.core.pipeline.transport import RequestsTransport
from azure.core.utils import parse_connection_string
from azure.storage.queue import LinearRetry, QueueClient, TextBase64EncodePolicy

from adf_trigger.azure.table_client import LeanTableClient
from adf_trigger.azure.transports import storage_transport
from adf_trigger.errors import SettingsError

_BY_KEY = "AzureWebJobsStorage"
_BY_IDENTITY = {
    "queue": "AzureWebJobsStorage__queueServiceUri",
    "table": "AzureWebJobsStorage__tableServiceUri",
}

QUEUE_RETRIES = 2
"""One second apart: the SDK's default waits 15 seconds and more, and a caller is waiting."""

_NO_RETRIES = {"retry_total": 0}
"""The ledger itself repeats failed calls, since only it can tell whether a transaction was applied."""

_DEVELOPMENT = {"usedevelopmentstorage", "developmentstorageproxyuri"}
_AZURITE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint={0}:10000/devstoreaccount1;QueueEndpoint={0}:10001/devstoreaccount1;"
    "TableEndpoint={0}:10002/devstoreaccount1"
)
"""Azurite at its default ports, with its documented key, which is no secret."""

Client = TypeVar("Client", QueueClient, LeanTableClient)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageAccount:
    """A storage account. Nothing is sent until a client of it is used.

    Tokens are requested for https://storage.azure.com, which storage accepts in every cloud.

    Attributes:
        connection_string: with an account key, or `UseDevelopmentStorage=true`; else endpoints and credential are used.
        queue_endpoint: `https://{account}.queue.{suffix}`.
        table_endpoint: `https://{account}.table.{suffix}`.
        credential: signs in to the endpoints.
        connect_timeout: seconds to make a connection.
        read_timeout: seconds between two bytes of an answer.
        make_transport: creates the transport of each client.
    """

    connection_string: str | None = field(default=None, repr=False)
    queue_endpoint: str | None = None
    table_endpoint: str | None = None
    credential: TokenCredential | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 10.0
    make_transport: Callable[..., RequestsTransport] = field(default=storage_transport, repr=False)

    def queue(self, name: str, *, encoding: Literal["base64", "none"] = "base64") -> QueueClient:
        """A client of a queue.

        Args:
            name: the queue.
            encoding: the encoding of message texts.

        Raises:
            SettingsError: the account's settings are not valid.
        """
        options: dict[str, Any] = {
            "retry_policy": LinearRetry(backoff=1, retry_total=QUEUE_RETRIES, random_jitter_range=1)
        }
        if encoding == "base64":
            options["message_encode_policy"] = TextBase64EncodePolicy()
        return self._open("queue", QueueClient, self.queue_endpoint, name, options)

    def table(self, name: str) -> LeanTableClient:
        """A client of a table.

        Raises:
            SettingsError: the account's settings are not valid.
        """
        return self._open("table", LeanTableClient, self.table_endpoint, name, _NO_RETRIES)

    def _open(
        self, service: str, kind: type[Client], endpoint: str | None, name: str, options: dict[str, Any]
    ) -> Client:
        transport = self.make_transport(connect_timeout=self.connect_timeout, read_timeout=self.read_timeout)
        options = {"transport": transport, **options}
        text = None if self.connection_string is None else expanded(self.connection_string)
        if (text is None) == (endpoint is None):
            raise SettingsError([f"{_BY_KEY}: either a connection string or a {service} endpoint is needed"])
        if text is not None:
            _require_no_signature(text)
            return _opened(_BY_KEY, lambda: kind.from_connection_string(text, name, **options))
        if self.credential is None or "?" in str(endpoint):
            raise SettingsError(
                [f"{_BY_IDENTITY[service]}: needs a credential, and must have no query string"]
            )
        return _opened(
            _BY_IDENTITY[service], lambda: kind(str(endpoint), name, credential=self.credential, **options)
        )


def expanded(connection_string: str) -> str:
    """A connection string with the shorthand for development storage expanded; any other unchanged.

    The SDKs differ in whether they know the shorthand, with or without a semicolon at its end.

    Args:
        connection_string: such as `UseDevelopmentStorage=true`, which may be followed by
            `DevelopmentStorageProxyUri=http://host`.
    """
    pairs = (part.partition("=") for part in connection_string.split(";") if part.strip())
    parts = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if parts.keys() <= _DEVELOPMENT and parts.get("usedevelopmentstorage", "").lower() == "true":
        return _AZURITE.format(parts.get("developmentstorageproxyuri", "http://127.0.0.1").rstrip("/"))
    return connection_string


def _require_no_signature(connection_string: str) -> None:
    # It would be part of every URL, and so of the text of errors.
    try:
        parts = parse_connection_string(connection_string)
    except ValueError as exc:
        raise SettingsError([f"{_BY_KEY}: is not a valid connection string"]) from exc
    if "sharedaccesssignature" in parts:
        raise SettingsError([f"{_BY_KEY}: a shared access signature is not supported"])


def _opened(setting: str, open_client: Callable[[], Client]) -> Client:
    try:
        return open_client()
    except ValueError as exc:
        raise SettingsError([f"{setting}: {exc}"]) from exc
