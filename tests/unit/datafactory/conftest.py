"""Fixtures of the tests of the Data Factory client."""

from collections.abc import Iterator

import pytest

from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.management import ManagementApi
from tests.support.log_records import records_can_be_read  # noqa: F401  # a fixture of all of them
from tests.unit.datafactory.service import FACTORY, TOKEN, Service, Tokens, management_api, served


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxy and CA bundle of the machine are ignored."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def service() -> Iterator[Service]:
    """The service behind the management endpoint."""
    with served(Service()) as found:
        yield found


@pytest.fixture
def tokens() -> Tokens:
    """The tokens of the calls."""
    return Tokens([TOKEN, "second.token.secret"])


@pytest.fixture
def api(tokens: Tokens) -> Iterator[ManagementApi]:
    """The management API."""
    api = management_api(tokens)
    yield api
    api.close()


@pytest.fixture
def client(api: ManagementApi) -> DataFactoryClient:
    """The client of the factory that `service` is."""
    return DataFactoryClient(FACTORY, api)
