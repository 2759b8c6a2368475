"""The proxy in front of storage breaks connections as it says."""

import random
import socket
import threading
from collections.abc import Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from tests.chaos.proxy import Fault, StorageProxies

REPLY = b"r" * 2_000


class Upstream(ThreadingTCPServer):
    """Answers every line with the same reply, and keeps the lines."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.heard: list[bytes] = []


class Answer(StreamRequestHandler):
    server: Upstream

    def handle(self) -> None:
        for line in self.rfile:
            self.server.heard.append(line)
            self.wfile.write(REPLY)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A service."""
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxies(upstream: Upstream) -> Iterator[StorageProxies]:
    """A proxy in front of it."""
    with StorageProxies({"service": upstream.server_address[1]}, seed=1) as running:
        yield running


def ask(proxies: StorageProxies) -> bytes:
    """Send a line on a connection of its own; as much of the reply as comes."""
    with socket.create_connection(("127.0.0.1", proxies.ports["service"]), timeout=60) as connection:
        connection.sendall(b"line\n")
        return read_on(connection)


def read_on(connection: socket.socket) -> bytes:
    """As much of a reply as comes."""
    received = b""
    while len(received) < len(REPLY) and (chunk := connection.recv(len(REPLY))):
        received += chunk
    return received


class Always(random.Random):
    """Dice that always fall the same way."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(1)
        self.fault = fault

    def choice(self, _options: object) -> Fault:  # type: ignore[override]  # only faults are chosen
        """The same fault each time."""
        return self.fault


def set_fault(proxies: StorageProxies, fault: Fault) -> None:
    """Let every request meet one fault."""
    proxies._proxies["service"]._dice = Always(fault)
    proxies.break_at(1)


def test_without_faults_it_passes_everything_on(proxies: StorageProxies) -> None:
    """A connection carries one request after the other, whole."""
    with socket.create_connection(("127.0.0.1", proxies.ports["service"]), timeout=60) as connection:
        for _ in range(3):
            connection.sendall(b"line\n")
            assert read_on(connection) == REPLY
    assert not proxies.counts


@pytest.mark.parametrize(
    ("fault", "heard"),
    [(Fault.LOST_REQUEST, 0), (Fault.LOST_REPLY, 1), (Fault.CUT_REPLY, 1)],
)
def test_a_reset_comes_before_or_after_the_effect(
    proxies: StorageProxies, upstream: Upstream, fault: Fault, heard: int
) -> None:
    """The client sees a reset; the service has heard of it or not, as the fault's name says."""
    set_fault(proxies, fault)
    with pytest.raises(ConnectionResetError):
        ask(proxies)
    assert len(upstream.heard) == heard
    assert proxies.counts == {fault: 1}


@pytest.mark.parametrize(("fault", "heard"), [(Fault.HALF_OPEN, 0), (Fault.NO_REPLY, 1)])
def test_a_silent_connection_ends_without_a_reply(
    proxies: StorageProxies, upstream: Upstream, fault: Fault, heard: int
) -> None:
    """The client waits in vain; the service has heard of it or not, as the fault's name says."""
    set_fault(proxies, fault)
    assert ask(proxies) == b""
    assert len(upstream.heard) == heard


def test_a_slow_request_is_answered(proxies: StorageProxies) -> None:
    """It only takes longer."""
    set_fault(proxies, Fault.SLOW)
    assert ask(proxies) == REPLY


def test_an_outage_refuses_connections_on_the_same_port(proxies: StorageProxies) -> None:
    """Open connections are reset, new ones refused; then it answers where it did before."""
    port = proxies.ports["service"]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"line\n")
        connection.recv(1)
        proxies.outage()
        with pytest.raises(ConnectionRefusedError):
            ask(proxies)
        with pytest.raises(ConnectionResetError):
            read_on(connection)
    proxies.recover()
    assert proxies.ports["service"] == port
    assert ask(proxies) == REPLY
