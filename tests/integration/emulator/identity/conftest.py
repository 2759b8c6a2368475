"""Fixtures of the tests of tokens and the authority."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from anyio.from_thread import start_blocking_portal
from cryptography import x509
from starlette.types import ASGIApp

from adf_trigger.emulator.common.clock import utcnow
from adf_trigger.emulator.hosting import defaults
from adf_trigger.emulator.identity.directory import Directory
from adf_trigger.emulator.identity.entra import entra_app
from adf_trigger.emulator.identity.tokens import TokenAuthority
from adf_trigger.emulator.serving.certificates import Certificate, make_certificate
from adf_trigger.emulator.serving.servers import serving
from tests.integration.emulator.identity.forms import SECRET


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for 127.0.0.1."""
    return make_certificate(tmp_path_factory.mktemp("tls"), utcnow())


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[..., str]]:
    """Serves an ASGI app on a real socket for the rest of the module, and gives its base URL."""
    with start_blocking_portal() as portal, ExitStack() as servers:

        def start(app: ASGIApp, certificate: Certificate | None = None) -> str:
            return servers.enter_context(
                portal.wrap_async_context_manager(serving(app, certificate=certificate))
            )

        yield start


@pytest.fixture(scope="module")
def tokens() -> TokenAuthority:
    """The issuer of tokens."""
    return TokenAuthority(defaults.TENANT_ID)


@pytest.fixture(scope="module")
def client_pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key of the registered client."""
    path = tmp_path_factory.mktemp("client") / "client.pem"
    defaults.make_client_certificate(path, utcnow())
    return path


@pytest.fixture(scope="module")
def directory(client_pem: Path) -> Directory:
    """The default directory of the local stack."""
    certificate = x509.load_pem_x509_certificate(client_pem.read_bytes())
    return defaults.default_directory(secret=SECRET, certificate=certificate, now=utcnow())


@pytest.fixture(scope="module")
def authority(
    serve: Callable[..., str], directory: Directory, tokens: TokenAuthority, certificate: Certificate
) -> str:
    """The authority's address, served over https on a real socket."""
    return serve(entra_app(directory, tokens), certificate)


@pytest.fixture
def post(authority: str, certificate: Certificate) -> Callable[..., requests.Response]:
    """Posts a form to a token endpoint of the authority."""

    def send(
        *,
        tenant: str = defaults.TENANT_ID,
        version: str = "v2.0/",
        headers: dict[str, str] | None = None,
        **form: str,
    ) -> requests.Response:
        url = f"{authority}/{tenant}/oauth2/{version}token"
        return requests.post(url, data=form, headers=headers, verify=str(certificate.ca), timeout=60)

    return send
