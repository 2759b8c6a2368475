"""The limit of a whole call, on real sockets, against servers that send a byte now and then."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.management import ManagementApi, RetryPolicy
from adf_trigger.datafactory.transport import Limits, Transport
from adf_trigger.errors import NotSent, Unavailable, UnknownOutcome
from tests.integration.datafactory.conftest import FACTORY
from tests.integration.datafactory.sockets import RawServer, reply
from tests.integration.datafactory.test_datafactory_broken_connections import (
    CREATED,
    RUN_ID,
    Act,
    ClientOf,
    failure,
    read,
    start,
)

LIMIT = 0.6
"""Seconds that a call may take here."""

SLACK = 30.0
"""Seconds that a loaded machine may add: a call that is not cut at the limit would never end."""


def dripping(server: RawServer, beginning: bytes, drop: bytes) -> None:
    """Answer with a beginning, then one drop every tenth of a second until the client disconnects."""

    def drip(connection: socket.socket) -> None:
        while not server.done.wait(0.1):
            connection.sendall(drop)

    server.replying(beginning, then=drip)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block takes no longer than this."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Drop: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (b"HTTP/1", b"."),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    ],
    ids=["headers", "one header", "status line", "continues", "chunks", "body without a length"],
)
@pytest.mark.parametrize(("act", "kind"), [(start, UnknownOutcome), (read, Unavailable)])
def test_a_reply_that_drips_is_cut_at_the_limit_of_the_call(  # a table of cases
    client_of: ClientOf, server: RawServer, act: Act, kind: type[Exception], beginning: bytes, drop: bytes
) -> None:
    """However often a byte arrives, createRun never outlasts its limit, and its outcome is unknown."""
    dripping(server, beginning, drop)
    with within(LIMIT + SLACK):
        assert type(failure(act, client_of(server.url, whole=LIMIT))) is kind


def test_a_dripping_reply_over_tls_is_cut_too(client_of: ClientOf, server: RawServer, tmp_path: Path) -> None:
    """The connection below TLS is shut down."""
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def behave(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as wrapped:
            if server.read_request(wrapped):
                wrapped.sendall(b"HTTP/1.1 200 OK\r\n")
                while not server.done.wait(0.1):
                    wrapped.sendall(b"X-Drop: 1\r\n")

    server.behaviour = behave
    with within(LIMIT + SLACK):
        error = failure(start, client_of(f"https://127.0.0.1:{server.port}", ca_file=ca_file, whole=LIMIT))
    assert type(error) is UnknownOutcome


def test_a_handshake_that_drips_is_cut_and_nothing_was_sent(client_of: ClientOf, server: RawServer) -> None:
    """A server that never completes its first TLS record has not seen the request."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"\x16\x03\x03\x40\x00")
        with contextlib.suppress(OSError):
            while not server.done.wait(0.1):
                connection.sendall(b"\x02")

    server.behaviour = behave
    with within(LIMIT + SLACK):
        error = failure(start, client_of(f"https://127.0.0.1:{server.port}", whole=LIMIT))
    assert type(error) is NotSent


def test_a_connection_serves_the_next_call_after_the_limit_of_the_first_is_over(
    client_of: ClientOf, server: RawServer
) -> None:
    """The limit applies to a call and not to its connection, which is used again."""
    server.answering(reply("200 OK", CREATED))
    client = client_of(server.url, whole=0.3)
    for _ in range(4):
        assert client.create_run("p", {}, client_request_id=RUN_ID).run_id == RUN_ID
        time.sleep(0.15)
    assert server.connections == 1


class SlowToken:
    """A token that takes time to acquire."""

    def token(self) -> str:
        time.sleep(0.4)
        return "the.token"

    def invalidate(self, token: str) -> None:
        """There is no other token."""


def test_a_token_that_comes_too_late_sends_nothing(server: RawServer) -> None:
    """The limit of a call includes its token, so a sender never calls after its lease."""
    server.answering(reply("200 OK", CREATED))
    with Transport(server.url, limits=Limits()) as transport:
        client = DataFactoryClient(FACTORY, ManagementApi(transport, SlowToken(), retries=RetryPolicy()))
        with pytest.raises(NotSent, match="before a token was acquired"):
            client.create_run("p", {}, client_request_id=RUN_ID, within=0.2)
        assert server.requests == []
        assert client.create_run("p", {}, client_request_id=RUN_ID, within=5).run_id == RUN_ID


def test_the_rest_of_the_time_is_what_the_reply_may_take(server: RawServer) -> None:
    """The time spent on the token is not available to the reply."""
    dripping(server, b"HTTP/1.1 200 OK\r\n", b"X-Drop: 1\r\n")
    with Transport(server.url, limits=Limits(whole=60.0)) as transport:
        client = DataFactoryClient(FACTORY, ManagementApi(transport, SlowToken(), retries=RetryPolicy()))
        with within(0.8 + SLACK), pytest.raises(UnknownOutcome):
            client.create_run("p", {}, client_request_id=RUN_ID, within=0.8)


def test_no_thread_is_left_behind(client_of: ClientOf, server: RawServer) -> None:
    """One thread watches all calls, however many there were."""
    server.answering(reply("200 OK", CREATED))
    client = client_of(server.url, whole=60.0)
    client.create_run("p", {}, client_request_id=RUN_ID)
    before = threading.active_count()
    for _ in range(5):
        client.create_run("p", {}, client_request_id=RUN_ID)
    assert threading.active_count() <= before
