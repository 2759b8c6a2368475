"""A storage account is opened in one place, by key or by identity."""

import base64
import time

import pytest
from azure.core.credentials import AccessToken

from adf_trigger.azure.storage import StorageAccount, expanded
from adf_trigger.errors import SettingsError
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.settings.opening import storage_account
from tests.support.world import settings

KEY = base64.b64encode(b"a made-up account key").decode()
BY_KEY = f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.windows.net"


class _Credential:
    def get_token(self, *_: str, **__: object) -> AccessToken:
        return AccessToken("token", int(time.time()) + 3600)


@pytest.mark.parametrize("connection_string", [BY_KEY, "UseDevelopmentStorage=true"])
def test_a_connection_string_opens_an_account(connection_string: str) -> None:
    """An account key is enough, and no request is sent until a client is used."""
    account = StorageAccount(connection_string=connection_string)
    account.queue("adf-run-events").close()
    open_table_ledger(account, table="adfruns")


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("UseDevelopmentStorage=true", "127.0.0.1"),
        ("UseDevelopmentStorage=true;", "127.0.0.1"),
        (" usedevelopmentstorage = TRUE ; ", "127.0.0.1"),
        ("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite/", "azurite"),
    ],
)
def test_development_storage_is_azurite(text: str, host: str) -> None:
    """However the shorthand is written, and whatever an SDK adds to it, it means Azurite at its usual ports."""
    account = StorageAccount(connection_string=text)
    with account.queue("q") as queue, account.table("t") as table:
        assert queue.url == f"http://{host}:10001/devstoreaccount1/q"
        assert table.url == f"http://{host}:10002/devstoreaccount1"


@pytest.mark.parametrize(
    "text", ["UseDevelopmentStorage=false", "UseDevelopmentStorage=true;AccountName=a", "", ";"]
)
def test_other_texts_are_left_unchanged(text: str) -> None:
    """A text that is not the shorthand is not interpreted."""
    assert expanded(text) == text


def test_endpoints_and_a_credential_open_an_account() -> None:
    """An identity is enough, and no token is fetched until a client is used."""
    account = StorageAccount(
        queue_endpoint="https://acme.queue.core.windows.net",
        table_endpoint="https://acme.table.core.windows.net",
        credential=_Credential(),
    )
    account.queue("adf-run-events").close()
    open_table_ledger(account, table="adfruns")


@pytest.mark.parametrize("service", ["queue", "table"])
@pytest.mark.parametrize(
    ("connection_string", "endpoint", "credential"),
    [
        (None, None, None),
        (BY_KEY, "https://acme.table.core.windows.net", _Credential()),
        (None, "https://acme.table.core.windows.net", None),
        (None, "http://acme.table.core.windows.net", _Credential()),
        (None, "https://acme.table.core.windows.net?sv=2020&sig=SECRET", _Credential()),
        (None, "https://", _Credential()),
        ("AccountName=acme", None, None),
        ("SECRET", None, None),
        ("AccountName=acme;SharedAccessSignature=sv=2020&sig=SECRET", None, None),
        ("AccountName=acme;AccountName=SECRET", None, None),
    ],
)
def test_unusable_storage_is_a_fault_of_the_settings(
    service: str, connection_string: str | None, endpoint: str | None, credential: _Credential | None
) -> None:
    """An invalid name of storage fails at the start, by the name of its setting and without its value."""
    account = StorageAccount(
        connection_string=connection_string,
        queue_endpoint=endpoint,
        table_endpoint=endpoint,
        credential=credential,
    )
    with pytest.raises(SettingsError, match="AzureWebJobsStorage") as caught:
        account.queue("adf-run-events") if service == "queue" else account.table("adfruns")
    error: BaseException | None = caught.value
    while error is not None:
        assert "SECRET" not in str(error)
        assert KEY not in str(error)
        error = error.__cause__


@pytest.mark.parametrize(
    ("cloud", "suffix"),
    [
        ("public", "core.windows.net"),
        ("us-government", "core.usgovcloudapi.net"),
        ("china", "core.chinacloudapi.cn"),
    ],
)
def test_an_account_by_name_is_in_the_settings_cloud(cloud: str, suffix: str) -> None:
    """The host name of an account named for an identity has that cloud's suffix."""
    account = storage_account(
        settings(AzureWebJobsStorage="", AzureWebJobsStorage__accountName="acme", ADF_TRIGGER_CLOUD=cloud)
    )
    assert account.connection_string is None
    assert (account.queue_endpoint, account.table_endpoint) == (
        f"https://acme.queue.{suffix}",
        f"https://acme.table.{suffix}",
    )


def test_a_connection_string_is_not_in_the_accounts_repr() -> None:
    """The connection string holds the key."""
    assert KEY not in repr(StorageAccount(connection_string=BY_KEY))
