"""The managed-identity endpoint serves the real azure-identity, and rejects requests as App Service does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential

from adf_trigger.emulator.common.clock import utcnow
from adf_trigger.emulator.hosting import defaults
from adf_trigger.emulator.identity.directory import Directory
from adf_trigger.emulator.identity.managed_identity import PATH, managed_identity_app
from adf_trigger.emulator.identity.tokens import TokenAuthority

ARM = "https://management.azure.com"
SCOPE = f"{ARM}/.default"
HEADER = "the secret of the endpoint"


@pytest.fixture(scope="module")
def tokens() -> TokenAuthority:
    """The issuer of tokens."""
    return TokenAuthority(defaults.TENANT_ID)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """The default directory of the local stack."""
    now = utcnow()
    certificate = defaults.make_client_certificate(tmp_path_factory.mktemp("client") / "client.pem", now)
    return defaults.default_directory(secret="s", certificate=certificate, now=now)


@pytest.fixture(scope="module")
def endpoint(serve: Callable[..., str], directory: Directory, tokens: TokenAuthority) -> str:
    """The endpoint's address, served on a real socket."""
    return serve(managed_identity_app(directory, tokens, identity_header=HEADER)) + PATH


@pytest.fixture
def _environment(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)


def ask(endpoint: str, *, header: str | None = HEADER, **query: str) -> requests.Response:
    """Call the endpoint as azure-identity does, but for the given changes."""
    parameters = {"api-version": "2019-08-01", "resource": ARM} | query
    headers = {} if header is None else {"X-IDENTITY-HEADER": header}
    return requests.get(endpoint, params=parameters, headers=headers, timeout=60)


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    ("options", "client_id"),
    [
        ({}, defaults.SYSTEM_ASSIGNED_CLIENT_ID),
        ({"client_id": defaults.USER_ASSIGNED_CLIENT_ID}, defaults.USER_ASSIGNED_CLIENT_ID),
        (
            {"identity_config": {"resource_id": defaults.USER_ASSIGNED_RESOURCE_ID}},
            defaults.USER_ASSIGNED_CLIENT_ID,
        ),
        (
            {"identity_config": {"object_id": f"0b1ec7{defaults.USER_ASSIGNED_CLIENT_ID[6:]}"}},
            defaults.USER_ASSIGNED_CLIENT_ID,
        ),
    ],
    ids=["system-assigned", "by client id", "by resource id", "by object id"],
)
def test_azure_identity_gets_the_token_of_the_identity_it_names(
    tokens: TokenAuthority, options: dict[str, Any], client_id: str
) -> None:
    """The real ManagedIdentityCredential gets a token for ARM that lasts a day and names the identity."""
    before = utcnow()
    with ManagedIdentityCredential(**options) as credential:
        token = credential.get_token(SCOPE)
    principal = tokens.verify(token.token, utcnow())
    assert principal.app_id == client_id
    assert principal.audience == ARM
    assert principal.roles == {"ADF Trigger"}
    lasts = datetime.fromtimestamp(token.expires_on, tz=UTC) - before
    assert timedelta(hours=23, minutes=59) < lasts < timedelta(hours=24, minutes=1)


@pytest.mark.usefixtures("_environment")
def test_azure_identity_reports_an_identity_that_is_not_assigned() -> None:
    """A client id that the function app does not have is an authentication error with the endpoint's message."""
    with (
        ManagedIdentityCredential(client_id="00000000-0000-4000-8000-000000000000") as credential,
        pytest.raises(ClientAuthenticationError, match="No User Assigned or Delegated Managed Identity"),
    ):
        credential.get_token(SCOPE)


def test_a_reply_has_exactly_the_documented_fields(endpoint: str) -> None:
    """Names and types are those of App Service: the time is a string of seconds."""
    reply = ask(endpoint).json()
    assert reply.keys() == {"access_token", "expires_on", "resource", "token_type", "client_id"}
    assert reply["expires_on"].isdigit()
    assert (reply["resource"], reply["token_type"]) == (ARM, "Bearer")
    assert reply["client_id"] == defaults.SYSTEM_ASSIGNED_CLIENT_ID


@pytest.mark.parametrize("header", [None, "", "wrong", HEADER + "x", "\u00e9\u00e8"])
def test_the_secret_header_is_needed(endpoint: str, header: str | None) -> None:
    """Without the exact value of IDENTITY_HEADER there is no token."""
    reply = ask(endpoint, header=header)
    assert reply.status_code == 401
    assert "access_token" not in reply.json()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"api-version": "2017-09-01"}, 400),
        ({"api-version": ""}, 400),
        ({"resource": ""}, 400),
        ({"resource": "https://nowhere.example"}, 500),
        ({"client_id": defaults.OWNER_CLIENT_ID}, 400),
        ({"mi_res_id": "/subscriptions/x"}, 400),
        ({"principal_id": ""}, 400),
    ],
)
def test_a_bad_request_is_rejected_in_the_endpoints_shape(
    endpoint: str, query: dict[str, str], status: int
) -> None:
    """An error has its status, a message and a correlation id, and no token."""
    reply = ask(endpoint, **query)
    assert reply.status_code == status
    assert reply.json().keys() == {"statusCode", "message", "correlationId"}
    assert reply.json()["statusCode"] == status


def test_an_app_without_an_identity_gets_no_token(
    serve: Callable[..., str], directory: Directory, tokens: TokenAuthority
) -> None:
    """Without a system-assigned identity, the request for its token is rejected."""
    bare = Directory(tenants=directory.tenants, user_assigned=directory.user_assigned)
    endpoint = serve(managed_identity_app(bare, tokens, identity_header=HEADER)) + PATH
    assert ask(endpoint).status_code == 400
    assert ask(endpoint, client_id=defaults.USER_ASSIGNED_CLIENT_ID.upper()).status_code == 200
