"""A webhook over a real socket: signed, sent once, bounded, without redirects."""

import json
import socket
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from standardwebhooks import Webhook, WebhookVerificationError

from adf_trigger.clock import utcnow
from adf_trigger.contracts import RunLinks
from adf_trigger.errors import PublishError
from adf_trigger.events.texts import event_text
from adf_trigger.events.webhooks import WebhookSender
from adf_trigger.news import CompletionEvent, EventData
from adf_trigger.settings.routes import WebhookTarget
from tests.support.webhook_server import Handler, answered, body_without_end, drip, served, silence

KEY = bytes(range(32))
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
EVENT = CompletionEvent(
    id="größe.1/Succeeded",
    source="/factories/f/pipelines/Load%20orders",
    subject="größe.1",
    type="dev.adf-trigger.run.succeeded",
    time=datetime(2026, 1, 5, tzinfo=UTC),
    data=EventData(
        request_id="größe.1",
        factory="f",
        pipeline="Load orders",
        status="Succeeded",
        ended=True,
        requested_at=datetime(2026, 1, 5, tzinfo=UTC),
        links=RunLinks(self="/x"),
    ),
)


def send(url: str, *, seconds: float = 30, ca_file: Path | None = None) -> None:
    """Call a webhook of this machine."""
    sender = WebhookSender(utcnow, loopback=True, seconds=seconds, ca_file=ca_file)
    sender.send(WebhookTarget(url, KEY), EVENT)


def test_the_request_is_verified_by_standard_webhooks() -> None:
    """By its own library: id, time and body are signed; the body is the event, and no token is sent."""
    with served(answered(204)) as (port, calls):
        send(f"http://127.0.0.1:{port}/in?a=b")
        send(f"http://127.0.0.1:{port}/in?a=b")
    (path, headers, body), (_, again, _) = calls
    assert path == "/in?a=b"
    assert body.decode() == event_text(EVENT)
    assert Webhook(SECRET).verify(body.decode(), headers)["subject"] == "größe.1"
    assert headers["webhook-id"] == again["webhook-id"]
    assert headers["host"] == f"127.0.0.1:{port}"
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert not {"authorization", "cookie", "x-functions-key"} & headers.keys()
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.decode().replace("Succeeded", "Failed"), headers)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 400, 401, 404, 410, 429, 500, 503])
def test_only_2xx_is_a_success_and_no_redirect_is_followed(status: int) -> None:
    """The Location of a redirect is ignored."""
    with served(answered(200)) as (inside, reached):
        redirect = answered(status, Location=f"http://127.0.0.1:{inside}/inside")
        with served(redirect) as (port, calls), pytest.raises(PublishError, match=f"answered {status}"):
            send(f"http://127.0.0.1:{port}/")
    assert (len(calls), reached) == (1, [])


@pytest.mark.parametrize("handle", [drip, silence])
def test_a_call_ends_at_its_limit(handle: Handler) -> None:
    """The limit holds however the server delays its bytes."""
    with served(handle) as (port, _):
        began = time.monotonic()
        with pytest.raises(PublishError, match="gave no answer"):
            send(f"http://127.0.0.1:{port}/", seconds=1)
        assert time.monotonic() - began < 20


def test_the_body_of_a_reply_is_not_read() -> None:
    """The status alone decides."""
    with served(body_without_end) as (port, _):
        send(f"http://127.0.0.1:{port}/")


def test_a_refused_connection_is_no_reply() -> None:
    """The text does not show the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(PublishError) as caught:
            send(f"http://127.0.0.1:{port}/secret-path")
    assert "127.0.0.1" not in str(caught.value)
    assert "secret-path" not in str(caught.value)


def test_a_server_must_authenticate_by_its_certificate(tmp_path: Path) -> None:
    """The certificate is for its name and of a trusted authority."""
    authority, stranger = trustme.CA(), trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    for issuer, name, trusted in (
        (authority, "localhost", True),
        (authority, "other.example", False),
        (stranger, "localhost", False),
    ):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert(name).configure_cert(tls)
        with served(answered(200), tls) as (port, calls):
            if trusted:
                send(f"https://localhost:{port}/", ca_file=ca_file)
            else:
                with pytest.raises(PublishError, match="SSLCertVerificationError"):
                    send(f"https://localhost:{port}/", ca_file=ca_file)
            assert len(calls) == trusted


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["93.184.216.34", "::1"]]
)
def test_a_name_that_resolves_to_a_private_address_is_not_called(found: list[str]) -> None:
    """It is rejected before connecting."""
    sender = WebhookSender(utcnow, resolve=lambda _host, _port: found)
    with pytest.raises(PublishError, match="leads to an address that is not public"):
        sender.send(WebhookTarget("https://hooks.example.com/", KEY), EVENT)


def test_the_checked_address_is_the_one_connected_to() -> None:
    """The name is resolved once, so a second answer of the resolver has no effect."""
    with served(answered(200)) as (port, calls):
        answers = iter([["127.0.0.1"]])
        sender = WebhookSender(utcnow, loopback=True, resolve=lambda _host, _port: next(answers))
        sender.send(WebhookTarget(f"http://localhost:{port}/", KEY), EVENT)
    assert json.loads(calls[0][2])["id"] == EVENT.id


def test_without_the_setting_this_machine_is_not_called() -> None:
    """The setting is for tests alone."""
    with served(answered(200)) as (port, calls), pytest.raises(PublishError, match="must begin with https"):
        WebhookSender(utcnow).send(WebhookTarget(f"http://127.0.0.1:{port}/", KEY), EVENT)
    assert calls == []
