"""An emulator for each test, served over http and https on free ports by uvicorn in a thread."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import httpx
import pytest

from adf_trigger.emulator.common.clock import utcnow
from adf_trigger.emulator.common.options import Options
from adf_trigger.emulator.hosting.app import FactoryConfig, FactoryEmulator
from adf_trigger.emulator.identity.tokens import Identity, TokenAuthority
from adf_trigger.emulator.serving.certificates import Certificate, make_certificate
from adf_trigger.emulator.serving.protocol import http_protocol
from adf_trigger.emulator.serving.servers import serving
from tests.integration.emulator.calls import SDK_SUBSCRIPTION, SUBSCRIPTION
from tests.support.waiting import LIMIT

GROUP = "rg-test"
PLACES = {
    SUBSCRIPTION: [GROUP, "rg-two", "rg-other"],
    SDK_SUBSCRIPTION: ["rg-sdk", "rg-2"],
    "00000000-0000-0000-0000-000000000000": ["adf"],
}
"""The groups that there are, by subscription: the second is that of the version 1 document."""

FACTORY = "adf-test"
VERSION = {"api-version": "2018-06-01"}
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"


def factory_path(name: str = FACTORY, group: str = GROUP) -> str:
    """Path of a factory."""
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.DataFactory/factories/{name}"


@dataclass
class Served:
    """An emulator that is being served.

    Attributes:
        url: over http.
        tls_url: over https, with the certificate authority in ca_file.
    """

    emulator: FactoryEmulator
    tokens: TokenAuthority
    url: str
    tls_url: str
    ca_file: Path
    end: Callable[[], None]
    client: httpx.Client = field(init=False)
    stopped: bool = False
    version: dict[str, str] = field(default_factory=VERSION.copy)

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            base_url=self.url,
            params=VERSION,
            headers={"Authorization": f"Bearer {self.token('Contributor')}"},
            timeout=LIMIT,
        )

    def stop(self) -> None:
        """Stop the emulator; calling it twice is harmless."""
        if not self.stopped:
            self.stopped = True
            self.client.close()
            self.end()

    def token(self, *roles: str, **changes: Any) -> str:
        """A token of a principal with these roles."""
        identity = Identity(
            tenant_id=self.tokens.tenant_id,
            object_id=str(uuid4()),
            app_id=str(uuid4()),
            name="tester",
            roles=frozenset(roles),
        )
        audience = changes.pop("audience", "https://management.azure.com")
        tenant = changes.pop("tenant_id", identity.tenant_id)
        return self.tokens.issue(
            replace(identity, tenant_id=tenant), audience, now=datetime.now(tz=UTC), **changes
        )

    def create_factory(self, name: str = FACTORY, **body: Any) -> str:
        """Create a factory; returns its path."""
        path = factory_path(name)
        reply = self.client.put(path, json={"location": "East US", **body})
        reply.raise_for_status()
        return path

    def put(self, path: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Create a document; returns the reply."""
        reply = self.client.put(path, json={"properties": properties})
        assert reply.status_code == 200, reply.text
        body: dict[str, Any] = reply.json()
        return body

    def control(self, method: str, path: str, **arguments: Any) -> Any:
        """Call the control API; returns its JSON."""
        reply = self.client.request(method, f"/_emulator/{path}", **arguments)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None

    def wait_for(self, path: str, run_id: str, limit: float = LIMIT) -> dict[str, Any]:
        """The run, once it has ended."""
        deadline = datetime.now(tz=UTC).timestamp() + limit
        pause = threading.Event()
        while True:
            run: dict[str, Any] = self.client.get(f"{path}/pipelineruns/{run_id}").raise_for_status().json()
            if run["status"] in {"Succeeded", "Failed", "Cancelled"}:
                return run
            assert datetime.now(tz=UTC).timestamp() < deadline, run
            pause.wait(0.02)

    def until(self, condition: Callable[[], object], limit: float = LIMIT) -> None:
        """Wait until a condition holds."""
        deadline = datetime.now(tz=UTC).timestamp() + limit
        pause = threading.Event()
        while not condition():
            assert datetime.now(tz=UTC).timestamp() < deadline, "the condition was not met in time"
            pause.wait(0.02)


class _Running:
    """An emulator and its two servers, in an event loop in a thread."""

    def __init__(self, emulator: FactoryEmulator, certificate: Certificate) -> None:
        self._emulator = emulator
        self._certificate = certificate
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self.urls: tuple[str, str] = ("", "")

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(LIMIT), "the emulator did not start"

    def stop(self) -> None:
        assert self._loop is not None
        assert self._end is not None
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(60)
        assert not self._thread.is_alive(), "the emulator did not stop"

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        await self._emulator.start()
        app = self._emulator.asgi
        async with (
            serving(app, http_protocol=http_protocol) as plain,
            serving(app, http_protocol=http_protocol, certificate=self._certificate) as secure,
        ):
            self.urls = (plain, secure)
            self._ready.set()
            await self._end.wait()
        await self._emulator.close()


class Serve(Protocol):
    """Serves an emulator; `stop` ends it before the test does."""

    def __call__(self, config: FactoryConfig | None = None, **options: Any) -> Served: ...


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate of the tests' servers."""
    return make_certificate(tmp_path_factory.mktemp("tls"), utcnow())


@pytest.fixture(scope="session")
def token_authority() -> TokenAuthority:
    """The authority that signs the tests' tokens."""
    return TokenAuthority(TENANT)


@pytest.fixture
def serve(certificate: Certificate, token_authority: TokenAuthority) -> Iterator[Serve]:
    """Serves emulators with a config, or with options given by name; all end with the test."""
    with ExitStack() as stack:

        def start(config: FactoryConfig | None = None, **options: Any) -> Served:
            chosen = config or FactoryConfig(tokens=token_authority, options=Options(**options))
            if not chosen.resource_groups:
                chosen = replace(chosen, resource_groups=PLACES)
            emulator = FactoryEmulator(chosen)
            running = _Running(emulator, certificate)
            running.start()
            served = Served(emulator, token_authority, *running.urls, certificate.ca, running.stop)
            stack.callback(served.stop)
            return served

        yield start


@pytest.fixture
def served(serve: Serve) -> Served:
    """An emulator with the default options and one empty factory."""
    started = serve()
    started.create_factory()
    return started
