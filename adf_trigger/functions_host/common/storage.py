"""The storage behind a trigger's `connection=`: a connection string, or an identity and two addresses."""

import random
from dataclasses import dataclass, replace
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential, DefaultAzureCredential, ManagedIdentityCredential
from azure.storage.blob import ContainerClient
from azure.storage.blob import ExponentialRetry as BlobRetry
from azure.storage.queue import ExponentialRetry as QueueRetry
from azure.storage.queue import QueueClient

from adf_trigger.functions_host.common.app_settings import AppSettings
from adf_trigger.functions_host.common.errors import SettingError

DEFAULT_CONNECTION = "AzureWebJobsStorage"

_PREFIX = "AzureWebJobs"
_CONNECT_SECONDS = 5
_READ_SECONDS = 30
_RETRIES = 5
_LONGEST_RETRY_PAUSE = 10.0


class _Growing:
    """Retry pauses of the platform's own SDK: doubled each time, give or take a fifth, up to ten seconds."""

    first = 0.8

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        pause: float = self.first * 2 ** (settings["count"] - 1)
        return min(_LONGEST_RETRY_PAUSE, pause * random.uniform(0.8, 1.2))  # noqa: S311 - a spread


class _QueueRetry(_Growing, QueueRetry):
    """For calls to a queue."""


class _BlobRetry(_Growing, BlobRetry):
    """For calls to a blob."""


@dataclass(frozen=True, slots=True)
class StorageAccount:
    """One storage account, as a setting of the app names it.

    Attributes:
        connection_string: empty where an identity is used.
        queue_uri: address of the queue service, for an identity.
        blob_uri: address of the blob service, for an identity.
        credential: the identity.
        retry_pause: seconds before the second try of a call.
    """

    connection_string: str = ""
    queue_uri: str = ""
    blob_uri: str = ""
    credential: TokenCredential | None = None
    retry_pause: float = _Growing.first

    def queue(self, name: str) -> QueueClient:
        """A client of one queue that does not decode messages: the trigger does."""
        options = _options(_QueueRetry, self.retry_pause)
        if self.connection_string:
            return QueueClient.from_connection_string(self.connection_string, name, **options)
        if not self.queue_uri:
            raise SettingError("An identity-based connection of a queue trigger needs __queueServiceUri")
        return QueueClient(self.queue_uri, name, credential=self.credential, **options)

    def container(self, name: str) -> ContainerClient:
        """A client of one blob container."""
        options = _options(_BlobRetry, self.retry_pause)
        if self.connection_string:
            return ContainerClient.from_connection_string(self.connection_string, name, **options)
        if not self.blob_uri:
            raise SettingError("An identity-based connection of timers needs __blobServiceUri")
        return ContainerClient(self.blob_uri, name, credential=self.credential, **options)


def storage_account(
    settings: AppSettings, connection: str, *, retry_pause: float = _Growing.first
) -> StorageAccount:
    """The account behind a trigger's `connection=`; an empty name means AzureWebJobsStorage.

    As on the platform, a setting AzureWebJobs{connection} takes precedence over {connection}, and a name
    without a value may have parts: `__queueServiceUri` and `__blobServiceUri` (or `__accountName`), with
    `__credential`, `__clientId`, `__tenantId`, `__clientSecret`.

    Raises:
        SettingError: there is no such setting.
    """
    name = connection or DEFAULT_CONNECTION
    for candidate in (_PREFIX + name, name):
        if value := settings.get(candidate):
            return StorageAccount(connection_string=value, retry_pause=retry_pause)
        if parts := settings.section(candidate):
            return replace(_by_identity(candidate, parts), retry_pause=retry_pause)
    raise SettingError(
        f"There is no app setting {name}, nor {name}__queueServiceUri, for a trigger's storage"
    )


def error_code(error: HttpResponseError) -> str:
    """The service's error code, such as PopReceiptMismatch; the HTTP status where there is none."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or error.status_code)


def _by_identity(name: str, parts: dict[str, str]) -> StorageAccount:
    queue_uri = parts.get("queueserviceuri", parts.get("serviceuri", ""))
    blob_uri = parts.get("blobserviceuri", "")
    if account := parts.get("accountname"):
        queue_uri = queue_uri or f"https://{account}.queue.core.windows.net"
        blob_uri = blob_uri or f"https://{account}.blob.core.windows.net"
    if not (queue_uri or blob_uri):
        raise SettingError(f"The app settings {name}__… name no storage service")
    return StorageAccount(queue_uri=queue_uri, blob_uri=blob_uri, credential=_credential(parts))


def _credential(parts: dict[str, str]) -> TokenCredential:
    client_id = parts.get("clientid")
    secret = parts.get("clientsecret")
    if parts.get("credential", "").lower() == "managedidentity":
        return ManagedIdentityCredential(client_id=client_id)
    if secret and client_id:
        return ClientSecretCredential(parts.get("tenantid", ""), client_id, secret)
    return DefaultAzureCredential()


def _options(kind: type[_QueueRetry] | type[_BlobRetry], first_pause: float) -> dict[str, Any]:
    retry = kind(retry_total=_RETRIES, retry_connect=_RETRIES, retry_read=_RETRIES, retry_status=_RETRIES)
    retry.first = first_pause
    return {
        "connection_timeout": _CONNECT_SECONDS,
        "read_timeout": _READ_SECONDS,
        "retry_policy": retry,
    }
