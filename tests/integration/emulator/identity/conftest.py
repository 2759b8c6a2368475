"""What the tests of the laptop's own parts share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from anyio.from_thread import start_blocking_portal
from starlette.types import ASGIApp

from adf_trigger.emulator.servers import Certificate, make_certificate, serving


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for 127.0.0.1."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[..., str]]:
    """Serves an ASGI app on a real socket for the rest of the module, and gives its base URL."""
    with start_blocking_portal() as portal, ExitStack() as servers:

        def start(app: ASGIApp, certificate: Certificate | None = None) -> str:
            return servers.enter_context(
                portal.wrap_async_context_manager(serving(app, certificate=certificate))
            )

        yield start
