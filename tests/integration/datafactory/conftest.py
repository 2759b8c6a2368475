"""What the tests of the Data Factory client over real sockets share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.management import ManagementApi, RetryPolicy
from adf_trigger.datafactory.transport import Limits, Transport
from adf_trigger.emulator.hosting.emulated import Emulated
from tests.integration.datafactory.sockets import RawServer, raw_server
from tests.integration.datafactory.target import Target, emulated_target, real_target, running_emulator

FACTORY = FactoryId("12345678-1234-4234-8234-123456789abc", "my-group", "my-factory")


class OneToken:
    """Always the same token."""

    def token(self) -> str:
        return "the.token"

    def invalidate(self, token: str) -> None:
        """There is no other token."""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxy and CA bundle of the machine are ignored."""
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server that misbehaves as its test configures."""
    with raw_server() as found:
        yield found


@pytest.fixture
def client_of() -> Iterator[Callable[..., DataFactoryClient]]:
    """Makes clients of an endpoint; reads are tried once by default."""
    with ExitStack() as opened:

        def make(
            endpoint: str, *, ca_file: Path | None = None, attempts: int = 1, **seconds: float
        ) -> DataFactoryClient:
            limits = replace(Limits(connect=10.0, read=10.0, whole=10.0, body=100_000), **seconds)  # type: ignore[arg-type]  # none is the body's
            transport = opened.enter_context(Transport(endpoint, ca_file=ca_file, limits=limits))
            policy = RetryPolicy(attempts=attempts, wait_initial=0.01, wait_max=0.01, wait_jitter=0)
            return DataFactoryClient(FACTORY, ManagementApi(transport, OneToken(), retries=policy))

        yield make


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    """The emulated Azure of this test process."""
    with running_emulator(tmp_path_factory.mktemp("azure")) as found:
        yield found


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Target:
    """The factory that contract tests run on."""
    return real_target() or emulated_target(request.getfixturevalue("azure"))


@pytest.fixture(scope="session")
def target_api(target: Target) -> Iterator[ManagementApi]:
    """The management API of that factory."""
    with target.api() as api:
        yield api


@pytest.fixture(scope="session")
def factory_client(target: Target, target_api: ManagementApi) -> DataFactoryClient:
    """The client of that factory."""
    return DataFactoryClient(target.factory, target_api)
