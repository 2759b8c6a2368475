"""Error and Retry-After of the identity endpoint, which azure-identity drops."""

from datetime import timedelta

import pytest

from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.azure.credentials import CredentialSettings, TokenProvider
from adf_trigger.errors import CredentialError
from tests.integration.datafactory.sockets import RawServer, reply
from tests.integration.datafactory.test_credentials_over_sockets import HEADER, SCOPE
from tests.support.world import MovingClock

GOOD = b'{"access_token": "a.good.token", "expires_on": "4000000000", "resource": "https://management.azure.com"}'


@pytest.fixture
def clock() -> MovingClock:
    """A clock that the test moves."""
    return MovingClock()


@pytest.fixture
def tokens(server: RawServer, monkeypatch: pytest.MonkeyPatch, clock: MovingClock) -> TokenProvider:
    """The tokens of a managed identity whose endpoint is `server`."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    return TokenProvider.of(CredentialSettings(kind=CredentialKind.MANAGED_IDENTITY), SCOPE, clock)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        ("429 Too Many Requests", b'{"message": "Too many requests"}', "HTTP 429"),
        (
            "500 Internal Server Error",
            b'{"statusCode": 500, "message": "the vault is away"}',
            "the vault is away",
        ),
        (
            "400 Bad Request",
            b'{"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found"}',
            "No User Assigned or Delegated Managed Identity found",
        ),
        ("403 Forbidden", b"<html>\r\n  no \n entry</html>", "<html> no entry</html>"),
        ("503 Service Unavailable", b"", "HTTP 503: no body"),
    ],
)
def test_the_error_has_the_endpoints_status_and_body(
    tokens: TokenProvider, server: RawServer, status: str, body: bytes, words: str
) -> None:
    """The error does not claim that managed identity is not configured in this environment."""
    server.replying(reply(status, body))
    with pytest.raises(CredentialError) as caught:
        tokens.token()
    assert words in str(caught.value)
    assert status.split(maxsplit=1)[0] in str(caught.value)
    assert "not found in environment" not in str(caught.value)


def test_an_endpoint_that_echoes_its_key_does_not_put_it_into_errors(
    tokens: TokenProvider, server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The key is removed from the body before it is reported."""
    server.replying(reply("400 Bad Request", f'{{"message": "wrong key {HEADER}"}}'.encode()))
    with pytest.raises(CredentialError, match="wrong key") as caught:
        tokens.token()
    assert HEADER not in str(caught.value)
    assert not [
        record for record in caplog.records if record.name.startswith("adf") and HEADER in str(vars(record))
    ]


@pytest.mark.parametrize(("asked", "wait"), [("20", 20), ("999999999", 300)])
def test_a_retry_after_of_the_endpoint_is_honoured_within_a_bound(
    tokens: TokenProvider, server: RawServer, clock: MovingClock, asked: str, wait: int
) -> None:
    """No request is sent until the delay is over; the next one then acquires a token."""
    server.replying(reply("429 Too Many Requests", b"{}", f"Retry-After: {asked}"))
    with pytest.raises(CredentialError) as caught:
        tokens.token()
    assert caught.value.retry_after is not None
    asked_so_far = len(server.requests)
    server.replying(reply("200 OK", GOOD))
    clock.now += timedelta(seconds=wait - 1)
    with pytest.raises(CredentialError, match="429"):
        tokens.token()
    assert len(server.requests) == asked_so_far
    clock.now += timedelta(seconds=2)
    assert tokens.token() == "a.good.token"


def test_a_success_clears_the_earlier_error(
    tokens: TokenProvider, server: RawServer, clock: MovingClock
) -> None:
    """The next failure is reported with its own reason."""
    server.replying(reply("500 Internal Server Error", b"the first trouble"))
    with pytest.raises(CredentialError, match="the first trouble"):
        tokens.token()
    server.replying(reply("200 OK", b"{}"))
    clock.now += timedelta(seconds=1)
    with pytest.raises(CredentialError) as caught:
        tokens.token()
    assert "the first trouble" not in str(caught.value)
