"""The table ledger from settings that have been read."""

from collections.abc import Callable
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.utils import parse_connection_string
from azure.data.tables import TableClient

from adf_trigger.errors import SettingsError
from adf_trigger.ledger.table import TableLedger

_STORAGE_BY_KEY = "AzureWebJobsStorage"
_STORAGE_BY_IDENTITY = "AzureWebJobsStorage__tableServiceUri"

# The gateway repeats what failed, since it alone can tell whether a transaction has happened.
_NO_RETRIES = {"retry_total": 0}


def open_table_ledger(
    *,
    table: str,
    connection_string: str | None = None,
    endpoint: str | None = None,
    credential: TokenCredential | None = None,
    connect_timeout: float = 5.0,
    read_timeout: float = 10.0,
    create_missing: bool = False,
) -> TableLedger:
    """The ledger of a storage account, named by a connection string or by its table endpoint and a credential.

    Nothing is sent until the ledger is used. Tokens are asked for https://storage.azure.com, which storage takes
    in every cloud.

    Args:
        table: name of the table.
        connection_string: with an account key, or `UseDevelopmentStorage=true`.
        endpoint: `https://{account}.table.{suffix}`.
        credential: signs in to the endpoint.
        connect_timeout: seconds to make a connection.
        read_timeout: seconds between two bytes of an answer.
        create_missing: whether a table that turns out to be missing is made.

    Raises:
        SettingsError: neither or both are given, or they cannot be used.
    """
    if (connection_string is None) == (endpoint is None):
        raise SettingsError([f"{_STORAGE_BY_KEY}: either a connection string or a table endpoint is needed"])
    options: dict[str, Any] = {
        "connection_timeout": connect_timeout,
        "read_timeout": read_timeout,
        **_NO_RETRIES,
    }
    if connection_string is not None:
        _require_no_signature(connection_string)
        text = connection_string
        return _opened(
            _STORAGE_BY_KEY,
            lambda: TableClient.from_connection_string(text, table, **options),
            create_missing=create_missing,
        )
    if credential is None or "?" in str(endpoint):
        raise SettingsError([f"{_STORAGE_BY_IDENTITY}: needs a credential, and no query string"])
    address = str(endpoint)
    return _opened(
        _STORAGE_BY_IDENTITY,
        lambda: TableClient(address, table, credential=credential, **options),
        create_missing=create_missing,
    )


def _require_no_signature(connection_string: str) -> None:
    # It would travel in every URL, and so into the text of errors.
    try:
        parts = parse_connection_string(connection_string)
    except ValueError as exc:
        raise SettingsError([f"{_STORAGE_BY_KEY}: is no connection string"]) from exc
    if "sharedaccesssignature" in parts:
        raise SettingsError([f"{_STORAGE_BY_KEY}: a shared access signature is not taken"])


def _opened(setting: str, open_client: Callable[[], TableClient], *, create_missing: bool) -> TableLedger:
    try:
        open_client().close()
    except ValueError as exc:
        raise SettingsError([f"{setting}: {exc}"]) from exc
    return TableLedger(open_client, create_missing=create_missing)
