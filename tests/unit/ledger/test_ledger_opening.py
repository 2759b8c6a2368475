import base64
import time

import pytest
from azure.core.credentials import AccessToken

from adf_trigger.errors import SettingsError
from adf_trigger.ledger.opening import open_table_ledger

KEY = base64.b64encode(b"a made-up account key").decode()
BY_KEY = f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.windows.net"


class _Credential:
    def get_token(self, *_: str, **__: object) -> AccessToken:
        return AccessToken("token", int(time.time()) + 3600)


def test_a_connection_string_opens_a_ledger() -> None:
    """An account key is enough, and nothing is sent until the ledger is used."""
    open_table_ledger(table="adfruns", connection_string=BY_KEY)
    open_table_ledger(table="adfruns", connection_string="UseDevelopmentStorage=true")


def test_an_endpoint_and_a_credential_open_a_ledger() -> None:
    """An identity is enough, and no token is fetched until the ledger is used."""
    open_table_ledger(
        table="adfruns", endpoint="https://acme.table.core.windows.net", credential=_Credential()
    )


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
def test_what_cannot_work_is_a_fault_of_the_settings(
    connection_string: str | None, endpoint: str | None, credential: _Credential | None
) -> None:
    """Storage that is named badly is told at the start, by the name of its setting and without its value."""
    with pytest.raises(SettingsError, match="AzureWebJobsStorage") as caught:
        open_table_ledger(
            table="adfruns", connection_string=connection_string, endpoint=endpoint, credential=credential
        )
    error: BaseException | None = caught.value
    while error is not None:
        assert "SECRET" not in str(error)
        assert KEY not in str(error)
        error = error.__cause__
