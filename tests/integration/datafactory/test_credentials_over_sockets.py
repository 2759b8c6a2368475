"""The real azure-identity on token services with malformed replies: every failure is a CredentialError."""

import json

import pytest

from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.azure.credentials import CredentialSettings, TokenProvider
from adf_trigger.errors import CredentialError
from tests.integration.datafactory.sockets import RawServer, reply

SCOPE = "https://management.azure.com/.default"
HEADER = "secret-of-the-endpoint"


@pytest.fixture
def tokens(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> TokenProvider:
    """The tokens of a managed identity whose endpoint is `server`."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    return TokenProvider.of(CredentialSettings(kind=CredentialKind.MANAGED_IDENTITY), SCOPE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"<html>",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b'{"access_token": "t"}',
        b'{"access_token": "t", "expires_on": "soon"}',
        b'{"access_token": "t", "expires_on": []}',
        b'{"access_token": "t", "expires_on": 1e400}',
        b'{"access_token": "t", "expires_on": 99999999999999999999}',
        b'{"access_token": {"a": 1}, "expires_on": "4000000000"}',
        b'{"access_token": 7, "expires_on": "4000000000"}',
        b'{"access_token": "t\\r\\nX-Evil: 1", "expires_on": "4000000000"}',
        b'{"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found"}',
    ],
)
def test_a_malformed_reply_of_a_token_service_is_a_credential_error(
    tokens: TokenProvider, server: RawServer, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Every malformed reply raises a CredentialError whose text does not hold the endpoint's secret."""
    caplog.set_level("DEBUG")
    server.answering(reply("200 OK", body))
    with pytest.raises(CredentialError) as caught:
        tokens.token()
    assert caught.value.__cause__ is not None
    texts = [str(caught.value), *(f"{record.getMessage()} {vars(record)}" for record in caplog.records)]
    assert not [text for text in texts if HEADER in text]
    tokens.close()


def test_a_token_of_a_managed_identity_is_requested_as_documented_by_app_service(
    tokens: TokenProvider, server: RawServer
) -> None:
    """The token is requested once, with the header of the App Service endpoint."""
    body = {"access_token": "a.b.c", "expires_on": "4000000000", "resource": SCOPE, "token_type": "Bearer"}
    server.answering(reply("200 OK", json.dumps(body).encode()))
    assert [tokens.token() for _ in range(3)] == ["a.b.c"] * 3
    assert len(server.requests) == 1
    assert f"X-IDENTITY-HEADER: {HEADER}".encode() in server.requests[0]
    tokens.close()


def test_a_token_service_that_drops_connections_is_retried_a_bounded_number_of_times(
    tokens: TokenProvider, server: RawServer
) -> None:
    """The credential retries twice more, and then the caller gets the error."""
    server.replying(b"")
    with pytest.raises(CredentialError):
        tokens.token()
    assert len(server.requests) == 3
    tokens.close()
