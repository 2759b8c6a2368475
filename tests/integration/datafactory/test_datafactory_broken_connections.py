"""Broken connections on real sockets: a request that may have arrived is distinguished from one never sent."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import trustme

from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.errors import DataFactoryError, NotSent, ScopeNotFound, Unavailable, UnknownOutcome
from tests.integration.datafactory.sockets import RawServer, reply, reset
from tests.support.waiting import LIMIT

RUN_ID = UUID("2f7fdb90-5df1-4b8e-ac2f-064cfa58202b")
CREATED = b'{"runId":"2f7fdb90-5df1-4b8e-ac2f-064cfa58202b"}'

ClientOf = Callable[..., DataFactoryClient]
Act = Callable[[DataFactoryClient], Any]


def start(client: DataFactoryClient) -> Any:
    """Start a run."""
    return client.create_run("p", {"x": 1}, client_request_id=RUN_ID)


def read(client: DataFactoryClient) -> Any:
    """Read a run."""
    return client.get_run(RUN_ID)


def cancel(client: DataFactoryClient) -> Any:
    """Cancel a run."""
    return client.cancel_run(RUN_ID)


def put(client: DataFactoryClient) -> Any:
    """Store a pipeline."""
    return client.pipelines.create_or_update("p", {})


UNCLEAR = [(start, UnknownOutcome), (cancel, UnknownOutcome), (put, UnknownOutcome), (read, Unavailable)]
EVERY = [act for act, _ in UNCLEAR]


def failure(act: Act, client: DataFactoryClient) -> DataFactoryError:
    """The error that the call raises."""
    with pytest.raises(DataFactoryError) as caught:
        act(client)
    return caught.value


@pytest.mark.parametrize("act", EVERY)
def test_a_refused_connection_was_not_sent(client_of: ClientOf, act: Act) -> None:
    """Nothing listens on the port, so the request was not sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert type(failure(act, client_of(f"http://127.0.0.1:{port}"))) is NotSent


@pytest.mark.parametrize("act", [start, read])
def test_a_connection_that_takes_too_long_was_not_sent(client_of: ClientOf, act: Act) -> None:
    """A listener whose backlog is full never accepts the connection."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        try:
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(address)
            began = time.monotonic()
            client = client_of(f"http://127.0.0.1:{address[1]}", connect=0.5)
            assert type(failure(act, client)) is NotSent
            assert time.monotonic() - began < 30
        finally:
            for each in waiting:
                each.close()


@pytest.mark.parametrize("act", EVERY)
@pytest.mark.parametrize(
    "behaviour", [reset, lambda _: None, lambda c: c.sendall(b"HTTP/1.1 200 OK\r\n\r\n")]
)
def test_a_tls_handshake_that_fails_was_not_sent(
    client_of: ClientOf, server: RawServer, act: Act, behaviour: Callable[[socket.socket], None]
) -> None:
    """After a reset, an end or plain text in the handshake, the request was not sent."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65_536)
        behaviour(connection)

    server.behaviour = behave
    assert type(failure(act, client_of(f"https://127.0.0.1:{server.port}"))) is NotSent


@pytest.fixture
def tls_server(server: RawServer, tmp_path: Any) -> tuple[RawServer, Any]:
    """The server behind TLS, with a certificate of an authority in the file that comes with it."""
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def behave(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as wrapped:
                if server.read_request(wrapped):
                    wrapped.sendall(reply("200 OK", CREATED))
        except ssl.SSLError:
            return

    server.behaviour = behave
    return server, ca_file


def test_an_untrusted_certificate_was_not_sent(
    client_of: ClientOf, tls_server: tuple[RawServer, Any]
) -> None:
    """Neither the request nor the token goes to a server without a trusted certificate."""
    server, _ = tls_server
    assert type(failure(start, client_of(f"https://127.0.0.1:{server.port}"))) is NotSent
    assert server.requests == []


def test_a_certificate_of_the_ca_file_is_trusted(
    client_of: ClientOf, tls_server: tuple[RawServer, Any]
) -> None:
    """The file's authorities are trusted in addition to the usual ones."""
    server, ca_file = tls_server
    client = client_of(f"https://127.0.0.1:{server.port}", ca_file=ca_file)
    assert start(client).run_id == RUN_ID
    assert len(server.requests) == 1


def test_an_unusable_ca_file_is_reported_at_start(client_of: ClientOf, tmp_path: Any) -> None:
    """The error is raised at start, not at the first call."""
    with pytest.raises(ValueError, match="CA file"):
        client_of("https://127.0.0.1:1", ca_file=tmp_path / "missing.pem")
    (tmp_path / "empty.pem").write_text("no certificate")
    with pytest.raises(ValueError, match="CA file"):
        client_of("https://127.0.0.1:1", ca_file=tmp_path / "empty.pem")


@pytest.mark.parametrize(("act", "kind"), UNCLEAR)
@pytest.mark.parametrize("end", [reset, lambda _: None])
def test_a_connection_that_ends_after_the_request_may_have_arrived(
    client_of: ClientOf,
    server: RawServer,
    act: Act,
    kind: type[DataFactoryError],
    end: Callable[[socket.socket], None],
) -> None:
    """The request was read, so the outcome is unknown."""
    server.replying(b"", then=end)
    assert type(failure(act, client_of(server.url))) is kind
    assert len(server.requests) == 1


@pytest.mark.parametrize(("act", "kind"), UNCLEAR)
def test_no_reply_in_time_may_have_arrived(
    client_of: ClientOf, server: RawServer, act: Act, kind: type[DataFactoryError]
) -> None:
    """The read time-out ends the call with an unknown outcome."""

    def wait(_: socket.socket) -> None:
        server.done.wait(120)

    server.replying(b"", then=wait)
    began = time.monotonic()
    assert type(failure(act, client_of(server.url, read=0.5))) is kind
    assert time.monotonic() - began < 30
    assert len(server.requests) == 1


GARBLED = {
    "cut short": reply("200 OK", CREATED[:10], length=len(CREATED)),
    "no http": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "half a status line": b"HTTP/1.1 2",
    "half of the headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no json": reply("200 OK", b"<html>"),
    "no body": reply("200 OK"),
    "broken chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "unended chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "broken gzip": reply("200 OK", b"\x1f\x8b\x08not gzip at all", "Content-Encoding: gzip"),
    "too long": reply("200 OK", b'{"runId":"' + b"x" * 200_000 + b'"}'),
    "too long once unpacked": reply(
        "200 OK", gzip.compress(b'{"runId":"' + b"x" * 50_000_000 + b'"}'), "Content-Encoding: gzip"
    ),
}


@pytest.mark.parametrize("garbled", GARBLED.values(), ids=GARBLED)
@pytest.mark.parametrize(
    ("act", "kind"), [(start, UnknownOutcome), (put, UnknownOutcome), (read, Unavailable)]
)
def test_a_truncated_success_may_have_started_a_run(
    client_of: ClientOf, server: RawServer, act: Act, kind: type[DataFactoryError], garbled: bytes
) -> None:
    """A run may have started whose id is lost."""
    server.replying(garbled)
    assert type(failure(act, client_of(server.url))) is kind
    assert len(server.requests) == 1


@pytest.mark.parametrize("interim", ["101 Switching Protocols", "102 Processing", "103 Early Hints"])
def test_no_call_gets_the_reply_of_the_one_before_it(
    client_of: ClientOf, server: RawServer, interim: str
) -> None:
    """After an interim reply the final one may arrive at any time: the next call uses a new connection."""
    other = UUID("99999999-5df1-4b8e-ac2f-064cfa58202b")

    def behave(connection: socket.socket) -> None:
        server.read_request(connection)
        if server.connections == 1:
            connection.sendall(f"HTTP/1.1 {interim}\r\nLink: </a>\r\n\r\n".encode())
            server.read_request(connection)
            connection.sendall(reply("200 OK", CREATED.replace(b"2f7fdb90", b"99999999")))
        connection.sendall(reply("200 OK", CREATED))

    server.behaviour = behave
    client = client_of(server.url)
    with pytest.raises(UnknownOutcome):
        client.create_run("p", {}, client_request_id=other)
    assert start(client).run_id == RUN_ID


def test_a_body_that_never_ends_is_abandoned(client_of: ClientOf, server: RawServer) -> None:
    """Each byte arrives within the read time-out, but the whole call exceeds its limit."""

    def drip(connection: socket.socket) -> None:
        while not server.done.wait(0.1):
            connection.sendall(b" ")

    server.replying(reply("200 OK", b"", length=1_000_000), then=drip)
    began = time.monotonic()
    assert type(failure(start, client_of(server.url, whole=0.5))) is UnknownOutcome
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("act", EVERY)
def test_a_rejection_stands_even_where_its_body_is_lost(
    client_of: ClientOf, server: RawServer, act: Act
) -> None:
    """The status is the answer; the body only gives its reason."""
    server.replying(reply("404 Not Found", b'{"error":', length=100))
    error = failure(act, client_of(server.url))
    assert type(error) is ScopeNotFound
    assert error.__cause__ is not None


def test_a_cancel_stands_even_where_its_body_is_lost(client_of: ClientOf, server: RawServer) -> None:
    """The status is the answer; the body of a cancel is not used."""
    server.replying(reply("200 OK", b"", length=100))
    cancel(client_of(server.url))
    assert len(server.requests) == 1


def test_a_read_is_repeated_over_a_new_connection(client_of: ClientOf, server: RawServer) -> None:
    """The first connection breaks, and the read succeeds over a second one."""

    def behave(connection: socket.socket) -> None:
        server.read_request(connection)
        if server.connections == 1:
            reset(connection)
        else:
            connection.sendall(reply("200 OK", CREATED))

    server.behaviour = behave
    assert read(client_of(server.url, attempts=3)).run_id == RUN_ID
    assert (server.connections, len(server.requests)) == (2, 2)


def test_a_connection_is_reused_by_its_thread_and_by_no_other(client_of: ClientOf, server: RawServer) -> None:
    """Sessions of requests are not shared between threads."""
    server.answering(reply("200 OK", CREATED))
    client = client_of(server.url)

    def three_calls() -> None:
        for _ in range(3):
            start(client)

    threads = [threading.Thread(target=three_calls) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(server.requests), server.connections) == (12, 4)


def test_an_idle_connection_that_the_server_closed_is_no_unknown_outcome(
    client_of: ClientOf, server: RawServer
) -> None:
    """A closed connection is noticed before the request is written to it, and a new one is made."""
    closed = threading.Event()

    def behave(connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(reply("200 OK", CREATED))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    server.behaviour = behave
    client = client_of(server.url)
    for _ in range(5):
        start(client)
        assert closed.wait(LIMIT)
        closed.clear()
    assert len(server.requests) == 5


def test_netrc_is_not_read(
    client_of: ClientOf, server: RawServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password in .netrc for the host never replaces the token."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password from-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.answering(reply("200 OK", CREATED))
    start(client_of(server.url))
    assert b"Authorization: Bearer the.token" in server.requests[0]


@pytest.mark.parametrize(
    "behaviour", [reset, lambda c: c.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")]
)
def test_a_proxy_that_opens_no_tunnel_was_not_sent(
    client_of: ClientOf,
    server: RawServer,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: Callable[[socket.socket], None],
) -> None:
    """Bytes were sent to the proxy, but none of the request."""

    def behave(connection: socket.socket) -> None:
        server.read_request(connection)
        behaviour(connection)

    server.behaviour = behave
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    assert type(failure(start, client_of("https://management.azure.com"))) is NotSent
    assert server.requests[0].startswith(b"CONNECT management.azure.com:443 ")
    assert b"the.token" not in server.requests[0]


def test_a_reset_behind_a_tunnel_may_have_arrived(
    client_of: ClientOf, server: RawServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """After the request was written into the tunnel, its outcome is unknown."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("management.azure.com").configure_cert(context)

    def behave(connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with context.wrap_socket(connection, server_side=True) as wrapped:
            server.read_request(wrapped)
            reset(wrapped)

    server.behaviour = behave
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    client = client_of("https://management.azure.com", ca_file=tmp_path / "ca.pem")
    assert type(failure(start, client)) is UnknownOutcome
    assert len(server.requests) == 2


@pytest.mark.parametrize("act", EVERY)
def test_a_call_with_an_effect_avoids_long_idle_connections(
    client_of: ClientOf, server: RawServer, act: Act
) -> None:
    """The server may be about to close an idle connection, which would leave the call in doubt; reads are repeated."""
    server.answering(reply("200 OK", CREATED))
    client = client_of(server.url, idle=0.0)
    act(client)
    act(client)
    assert server.connections == (1 if act is read else 2)


@pytest.mark.parametrize("act", EVERY)
def test_a_connection_that_was_just_used_is_used_again(
    client_of: ClientOf, server: RawServer, act: Act
) -> None:
    """Consecutive calls share one connection."""
    server.answering(reply("200 OK", CREATED))
    client = client_of(server.url, idle=LIMIT)
    act(client)
    act(client)
    assert server.connections == 1
