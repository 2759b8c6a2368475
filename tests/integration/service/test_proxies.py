"""A proxy of the environment is used for encrypted calls only: plain http goes directly to its machine."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import pytest

from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.azure.credentials import CredentialSettings, build_credential
from adf_trigger.azure.storage import StorageAccount
from adf_trigger.datafactory.calls import Call, Effect
from adf_trigger.datafactory.transport import Transport
from adf_trigger.errors import DataFactoryError
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.settings import Settings
from adf_trigger.settings.opening import storage_account
from tests.support.world import FACTORY_ID

A_CALL = Call(
    operation="Factories_Get", method="GET", path="/x", effect=Effect.NONE, client_request_id=uuid4()
)


class Proxy:
    """Accepts connections, keeps the first line of each, and closes them."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.asked: list[bytes] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(4096).split(b"\r\n")[0])

    def close(self) -> None:
        """Accept no more connections."""
        self._server.close()


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"access_token": "t", "expires_on": "4102444800", "resource": "r", "token_type": "Bearer"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """A plain http service on this machine, which stands for an identity endpoint and for Data Factory."""
    with HTTPServer(("127.0.0.1", 0), _Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy that the environment names for everything."""
    proxy = Proxy()
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    yield proxy
    proxy.close()


def ask_data_factory(service: str, _storage: str) -> None:
    """A call of the management API with a bearer token."""
    with Transport(service) as transport:
        reply = transport.send(A_CALL, None, "t")
        assert reply.status == 200


def ask_for_a_token(service: str, _storage: str) -> None:
    """A call of the identity endpoint with its secret header."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDENTITY_ENDPOINT", f"{service}/msi/token")
        patch.setenv("IDENTITY_HEADER", "hush")
        credential = build_credential(CredentialSettings(kind=CredentialKind.MANAGED_IDENTITY))
        assert credential.get_token("https://management.azure.com/.default").token == "t"


def account_of(connection_string: str) -> StorageAccount:
    """Azurite, as the app connects to it."""
    environ = {"ADF_TRIGGER_FACTORIES": FACTORY_ID, "AzureWebJobsStorage": connection_string}
    return storage_account(Settings.from_env(environ))


def use_a_queue(_service: str, storage: str) -> None:
    """A call of the queue service."""
    with account_of(storage).queue(f"q-{uuid4().hex[:12]}", encoding="none") as queue:
        queue.create_queue()


def use_the_table(_service: str, storage: str) -> None:
    """A call of the table service."""
    open_table_ledger(account_of(storage), table=f"t{uuid4().hex[:12]}", create_missing=True).check()


@pytest.mark.parametrize("call", [ask_data_factory, ask_for_a_token, use_a_queue, use_the_table])
def test_a_plain_http_endpoint_is_never_reached_through_a_proxy(
    call: Callable[[str, str], None], service: str, azurite: str, proxy: Proxy
) -> None:
    """Tokens, keys and secret headers of plain http calls stay on this machine."""
    call(service, azurite)
    assert proxy.asked == []


def test_encrypted_calls_go_through_the_proxy(proxy: Proxy) -> None:
    """The environment's proxy is used where it sees nothing but a tunnel."""
    with Transport("https://management.azure.com") as transport, pytest.raises(DataFactoryError):
        transport.send(A_CALL, None, "t")
    assert [line.split(b" HTTP")[0] for line in proxy.asked] == [b"CONNECT management.azure.com:443"]
