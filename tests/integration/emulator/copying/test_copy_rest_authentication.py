"""How a REST source authenticates, and whom it trusts."""

import base64
import ssl
from typing import Any

import httpx
import pytest
import trustme

from adf_trigger.emulator.contract.activity import ActivityFailed
from tests.integration.emulator.copying.harness import (
    Answer,
    Asked,
    Storage,
    rest_service,
)
from tests.integration.emulator.copying.rest_exports import export
from tests.support.elsewhere import Elsewhere


def tokens(asked: Asked) -> Answer:
    """A token endpoint, and a service that takes its second token alone."""
    if asked.path.endswith("/token"):
        return Answer({"access_token": "the-token", "expires_in": 3600, "token_type": "Bearer"})
    return Answer({"authorization": asked.headers.get("authorization")})


def test_basic_authentication(storage: Storage) -> None:
    """Basic sends user name and password."""
    linked = {"authenticationType": "Basic", "userName": "me", "password": "pässword"}
    with rest_service(tokens) as service:
        _, objects = export(storage, service, linked_service=linked)
    scheme, _, pair = objects[0]["authorization"].partition(" ")
    assert (scheme, base64.b64decode(pair).decode()) == ("Basic", "me:pässword")


def test_managed_identity_authentication(storage: Storage) -> None:
    """ManagedServiceIdentity sends a token of the factory's own identity for the resource."""
    linked = {"authenticationType": "ManagedServiceIdentity", "aadResourceId": "https://r"}
    asked: list[str] = []
    with rest_service(tokens) as service:
        _, objects = export(storage, service, linked_service=linked, tokens_asked=asked)
    assert objects[0]["authorization"] == "Bearer token-for-https://r"
    assert asked == ["https://r"]


def test_service_principal_authentication(storage: Storage) -> None:
    """AadServicePrincipal asks the cloud's authority for a token for the resource, once for all pages."""
    linked = {
        "authenticationType": "AadServicePrincipal",
        "servicePrincipalId": "app",
        "servicePrincipalKey": "secret",
        "tenant": "contoso.onmicrosoft.com",
        "aadResourceId": "https://r",
        "azureCloudType": "AzureUsGovernment",
    }
    rules = {"QueryParameters.n": "RANGE:1:3:1"}
    with rest_service(tokens) as service:
        mounts = {"https://login.microsoftonline.us": Elsewhere(service.url)}
        _, objects = export(
            storage, service, {"paginationRules": rules}, linked_service=linked, mounts=mounts
        )
    assert [page["authorization"] for page in objects] == ["Bearer the-token"] * 3
    asked = service.asked[0]
    assert asked.path == "/contoso.onmicrosoft.com/oauth2/token"
    assert dict(httpx.QueryParams(asked.body.decode())) == {
        "grant_type": "client_credentials",
        "client_id": "app",
        "client_secret": "secret",
        "resource": "https://r",
    }
    assert [path.partition("?")[0] for path in service.paths[1:]] == ["/items"] * 3


def test_oauth2_client_credential_authentication(storage: Storage) -> None:
    """OAuth2ClientCredential asks its own token endpoint, with scope and resource."""
    with rest_service(tokens) as service:
        linked = {
            "authenticationType": "OAuth2ClientCredential",
            "clientId": "app",
            "clientSecret": "secret",
            "tokenEndpoint": f"{service.url}/oauth/token",
            "scope": "read write",
            "resource": "r",
        }
        _, objects = export(storage, service, linked_service=linked)
    assert objects == [{"authorization": "Bearer the-token"}]
    form = dict(httpx.QueryParams(service.asked[0].body.decode()))
    assert (form["scope"], form["resource"], form["client_secret"]) == ("read write", "r", "secret")


@pytest.mark.parametrize(
    "answer", [Answer({"error": "invalid_client", "error_description": "AADSTS7000215"}, 401), Answer(b"?")]
)
def test_a_rejected_token_request_fails_without_the_secret(storage: Storage, answer: Answer) -> None:
    """The error has the endpoint's reason and never the secret."""
    with rest_service(lambda _: answer) as service:
        linked = {
            "authenticationType": "OAuth2ClientCredential",
            "clientId": "app",
            "clientSecret": "very-secret",
            "tokenEndpoint": f"{service.url}/oauth/token",
        }
        with pytest.raises(
            ActivityFailed, match=r"RestFailedToGetAccessToken.*(AADSTS7000215|200)"
        ) as failed:
            export(storage, service, linked_service=linked)
    assert "very-secret" not in f"{failed.value.message}{failed.value.output}{failed.value.input}"


def test_authentication_headers_go_with_any_type(storage: Storage) -> None:
    """authHeaders of the linked service are sent, secret ones in clear."""
    linked = {"authHeaders": {"x-api-key": {"type": "SecureString", "value": "k"}, "x-plain": "p"}}
    with rest_service(tokens) as service:
        export(storage, service, linked_service=linked)
    assert (service.asked[0].headers["x-api-key"], service.asked[0].headers["x-plain"]) == ("k", "p")


@pytest.mark.parametrize(
    ("linked", "named"),
    [
        ({"authenticationType": "AadServicePrincipal", "tenant": "t"}, "servicePrincipalId"),
        ({"authenticationType": "Basic", "userName": "me"}, "password"),
        ({"authenticationType": "Windows"}, "Windows"),
        ({"credential": {"referenceName": "c"}}, "credential"),
        ({"url": ""}, "url"),
    ],
)
def test_an_unsupported_linked_service_is_rejected(
    storage: Storage, linked: dict[str, Any], named: str
) -> None:
    """The error names the missing or unsupported property, and no request is sent."""
    with rest_service(tokens) as service, pytest.raises(ActivityFailed, match=named):
        export(storage, service, linked_service=linked)
    assert service.asked == []


def test_certificates_are_checked_by_default(storage: Storage) -> None:
    """https with a certificate of an unknown authority fails; with validation off it is accepted."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with rest_service(lambda _: Answer({"ok": True}), tls=tls) as service:
        with pytest.raises(ActivityFailed, match=r"RestCallFailed.*CERTIFICATE_VERIFY_FAILED"):
            export(storage, service)
        _, objects = export(storage, service, linked_service={"enableServerCertificateValidation": False})
    assert objects == [{"ok": True}]
