"""The Entra ID endpoints serve the real azure-identity, and reject requests with Entra's own errors."""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientSecretCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from adf_trigger.emulator.common.clock import utcnow
from adf_trigger.emulator.hosting import defaults
from adf_trigger.emulator.identity.assertions import ASSERTION_TYPE
from adf_trigger.emulator.identity.entra import entra_app
from adf_trigger.emulator.identity.tokens import TokenAuthority
from adf_trigger.emulator.serving.certificates import Certificate
from tests.integration.emulator.identity.forms import NO_SUCH_ID, OWNER, SCOPE, SECRET, good


def credential_options(authority: str, certificate: Certificate) -> dict[str, Any]:
    """The options of azure-identity for this authority."""
    return {
        "authority": authority,
        "disable_instance_discovery": True,
        "connection_verify": str(certificate.ca),
    }


def test_azure_identity_gets_a_token_by_secret(
    authority: str, certificate: Certificate, tokens: TokenAuthority
) -> None:
    """The real ClientSecretCredential gets the application's token over https."""
    with ClientSecretCredential(
        defaults.TENANT_ID, OWNER, SECRET, **credential_options(authority, certificate)
    ) as credential:
        principal = tokens.verify(credential.get_token(SCOPE).token, utcnow())
    assert principal.app_id == OWNER
    assert principal.roles == {"Contributor"}


def test_azure_identity_gets_a_token_by_certificate(
    authority: str, certificate: Certificate, tokens: TokenAuthority, client_pem: Path
) -> None:
    """The real CertificateCredential authenticates with a signed assertion, without any secret."""
    with CertificateCredential(
        defaults.TENANT_ID,
        defaults.TRIGGER_CLIENT_ID,
        str(client_pem),
        **credential_options(authority, certificate),
    ) as credential:
        principal = tokens.verify(credential.get_token(SCOPE).token, utcnow())
    assert principal.app_id == defaults.TRIGGER_CLIENT_ID


@pytest.mark.parametrize(
    ("tenant", "client_id", "secret", "code"),
    [
        (defaults.TENANT_ID, OWNER, "wrong", "AADSTS7000215"),
        (defaults.TENANT_ID, OWNER, defaults.EXPIRED_SECRET, "AADSTS7000222"),
        (defaults.TENANT_ID, NO_SUCH_ID, SECRET, "AADSTS700016"),
        (NO_SUCH_ID, OWNER, SECRET, "tenant"),
    ],
)
def test_azure_identity_reports_entras_reason(
    authority: str, certificate: Certificate, tenant: str, client_id: str, secret: str, code: str
) -> None:
    """The caller of azure-identity gets an authentication error with Entra's code."""
    with (
        ClientSecretCredential(
            tenant, client_id, secret, **credential_options(authority, certificate)
        ) as credential,
        pytest.raises((ClientAuthenticationError, ValueError), match=code),
    ):
        credential.get_token(SCOPE)


def test_azure_identity_is_rejected_with_an_unregistered_certificate(
    authority: str, certificate: Certificate, tmp_path: Path
) -> None:
    """A key other than the registered one gets no token."""
    defaults.make_client_certificate(tmp_path / "other.pem", utcnow())
    options = credential_options(authority, certificate)
    with (
        CertificateCredential(
            defaults.TENANT_ID, OWNER, str(tmp_path / "other.pem"), **options
        ) as credential,
        pytest.raises(ClientAuthenticationError, match=r"AADSTS700027.*key was not found"),
    ):
        credential.get_token(SCOPE)


def test_a_v2_reply_has_numbers(post: Callable[..., requests.Response], tokens: TokenAuthority) -> None:
    """The v2 endpoint answers with exactly its fields; the audience is the scope without /.default."""
    reply = post(**good()).json()
    token = reply.pop("access_token")
    assert reply == {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599}
    assert tokens.verify(token, utcnow()).audience == "https://management.azure.com"


def test_a_scope_with_two_slashes_gives_an_audience_with_one(
    post: Callable[..., requests.Response], tokens: TokenAuthority
) -> None:
    """Entra takes the scope literally: a slash before /.default belongs to the audience."""
    token = post(**good(scope="https://management.azure.com//.default")).json()["access_token"]
    assert tokens.verify(token, utcnow()).audience == "https://management.azure.com/"


@pytest.mark.parametrize(
    "resource", ["https://management.azure.com/", "https://management.core.windows.net/"]
)
def test_a_v1_reply_has_strings(
    post: Callable[..., requests.Response], tokens: TokenAuthority, resource: str
) -> None:
    """The v1 endpoint accepts a resource and writes its numbers as strings."""
    reply = post(version="", **good(scope="", resource=resource)).json()
    assert reply.keys() == {
        "token_type",
        "expires_in",
        "ext_expires_in",
        "expires_on",
        "not_before",
        "resource",
        "access_token",
    }
    assert reply["expires_in"] == "3599"
    assert int(reply["expires_on"]) - int(reply["not_before"]) == 3599
    assert tokens.verify(reply["access_token"], utcnow()).audience == reply["resource"] == resource


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"grant_type": ""}, 400, "invalid_request", 900144),
        ({"client_id": ""}, 400, "invalid_request", 900144),
        ({"scope": ""}, 400, "invalid_request", 900144),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type", 70003),
        ({"client_id": NO_SUCH_ID}, 400, "unauthorized_client", 700016),
        ({"client_id": defaults.STRANGER_CLIENT_ID}, 400, "unauthorized_client", 700016),
        ({"tenant": NO_SUCH_ID}, 400, "invalid_request", 90002),
        ({"client_secret": ""}, 401, "invalid_client", 7000216),
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": "\u00e9\U0001f511"}, 401, "invalid_client", 7000215),
        ({"client_secret": defaults.EXPIRED_SECRET}, 401, "invalid_client", 7000222),
        ({"scope": "https://management.azure.com"}, 400, "invalid_scope", 1002012),
        ({"scope": f"{SCOPE} https://vault.azure.net/.default"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://nowhere.example/.default"}, 400, "invalid_resource", 500011),
        ({"client_assertion": "x"}, 401, "invalid_client", 50027),
        ({"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE}, 401, "invalid_client", 50027),
    ],
)
def test_an_error_has_entras_shape(
    post: Callable[..., requests.Response], changes: dict[str, str], status: int, error: str, code: int
) -> None:
    """Every error has its status, OAuth error, number, ids and time in Entra's fields."""
    correlation_id = str(uuid4())
    reply = post(headers={"client-request-id": correlation_id}, **good(**changes))
    body = reply.json()
    assert (reply.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    trace_id = body["trace_id"]
    assert reply.headers["x-ms-request-id"] == trace_id == str(UUID(trace_id))
    assert body["correlation_id"] == correlation_id
    first, *rest = body["error_description"].split("\r\n")
    assert first.startswith(f"AADSTS{code}: ")
    assert rest == [
        f"Trace ID: {trace_id}",
        f"Correlation ID: {correlation_id}",
        f"Timestamp: {body['timestamp']}",
    ]
    datetime.strptime(body["timestamp"], "%Y-%m-%d %H:%M:%SZ").astimezone()
    assert body["error_uri"].endswith(f"/error?code={code}")
    assert SECRET not in reply.text


def test_a_body_that_is_no_form_lacks_every_field(authority: str, certificate: Certificate) -> None:
    """JSON is not parsed as a form."""
    url = f"{authority}/{defaults.TENANT_ID}/oauth2/v2.0/token"
    reply = requests.post(url, json=good(), verify=str(certificate.ca), timeout=60)
    assert reply.json()["error_codes"] == [900144]


@pytest.mark.parametrize("version", ["", "v2.0/"])
def test_the_configuration_leads_to_the_tokens_and_their_key(
    authority: str, certificate: Certificate, version: str, tokens: TokenAuthority
) -> None:
    """The endpoints of the discovery document work: the token endpoint's token verifies with the published keys."""
    ca = str(certificate.ca)
    url = f"{authority}/{defaults.TENANT_ID}/{version}.well-known/openid-configuration"
    configuration = requests.get(url, verify=ca, timeout=60).json()
    form = good() | {"resource": "https://management.azure.com"}
    reply = requests.post(configuration["token_endpoint"], data=form, verify=ca, timeout=60).json()
    keys = jwt.PyJWKSet.from_dict(requests.get(configuration["jwks_uri"], verify=ca, timeout=60).json())
    claims = jwt.decode(
        reply["access_token"],
        keys[tokens.key_id],
        algorithms=["RS256"],
        audience="https://management.azure.com",
    )
    assert claims["tid"] == defaults.TENANT_ID


def test_the_configuration_of_an_unknown_tenant_is_an_error(authority: str, certificate: Certificate) -> None:
    """The error is invalid_tenant for metadata, invalid_request for a token."""
    url = f"{authority}/{NO_SUCH_ID}/v2.0/.well-known/openid-configuration"
    reply = requests.get(url, verify=str(certificate.ca), timeout=60)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_tenant")
    assert reply.json()["error_codes"] == [90002]


def test_instance_discovery_knows_this_host(authority: str, certificate: Certificate) -> None:
    """MSAL may ask whether the authority belongs to one of its clouds; it does."""
    reply = requests.get(
        f"{authority}/common/discovery/instance",
        params={"api-version": "1.1", "authorization_endpoint": f"{authority}/x/oauth2/v2.0/authorize"},
        verify=str(certificate.ca),
        timeout=60,
    ).json()
    assert [authority.removeprefix("https://")] in [entry["aliases"] for entry in reply["metadata"]]
    assert reply["tenant_discovery_endpoint"] == f"{authority}/x/v2.0/.well-known/openid-configuration"


class TestAssertions:
    """A client assertion is accepted only if every part of it is valid."""

    @pytest.fixture
    def assert_as(
        self, client_pem: Path, authority: str, post: Callable[..., requests.Response]
    ) -> Callable[..., requests.Response]:
        """Requests a token with an assertion that is valid but for the given changes."""
        certificate = x509.load_pem_x509_certificate(client_pem.read_bytes())
        registered = serialization.load_pem_private_key(client_pem.read_bytes(), None)

        def send(
            *,
            key: Any = registered,
            algorithm: str = "PS256",
            header: dict[str, Any] | None = None,
            **changes: Any,
        ) -> requests.Response:
            now = utcnow()
            claims: dict[str, Any] = {
                "aud": f"{authority}/{defaults.TENANT_ID}/oauth2/v2.0/token",
                "iss": OWNER,
                "sub": OWNER,
                "nbf": now - timedelta(seconds=5),
                "exp": now + timedelta(minutes=10),
                "jti": str(uuid4()),
            }
            claims = {name: value for name, value in (claims | changes).items() if value is not None}
            thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).decode()
            headers = {"x5t#S256": thumbprint.rstrip("=")} if header is None else header
            assertion = jwt.encode(claims, key, algorithm=algorithm, headers=headers)
            return post(
                **good(client_secret="", client_assertion=assertion, client_assertion_type=ASSERTION_TYPE)
            )

        return send

    def test_a_valid_one_is_accepted(self, assert_as: Callable[..., requests.Response]) -> None:
        """The assertion that the other tests change is valid."""
        assert assert_as().status_code == 200

    def test_the_older_thumbprint_is_accepted(
        self, assert_as: Callable[..., requests.Response], client_pem: Path
    ) -> None:
        """Older libraries send RS256 with a SHA-1 thumbprint."""
        certificate = x509.load_pem_x509_certificate(client_pem.read_bytes())
        thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA1())).decode()  # noqa: S303 - said by the protocol
        assert assert_as(algorithm="RS256", header={"x5t": thumbprint}).status_code == 200

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"aud": "https://login.example/token"}, 700023),
            ({"iss": NO_SUCH_ID}, 700021),
            ({"sub": NO_SUCH_ID}, 700021),
            ({"exp": utcnow() - timedelta(hours=1)}, 700024),
            ({"nbf": utcnow() + timedelta(hours=1)}, 700024),
            ({"exp": None}, 50027),
            ({"sub": None}, 50027),
            ({"nbf": "soon"}, 50027),
            ({"header": {}}, 50027),
            ({"header": {"x5t": "a"}}, 50027),
            ({"header": {"x5t": "AAAA"}}, 700027),
            ({"key": "0123456789abcdef0123456789abcdef", "algorithm": "HS256"}, 50027),
        ],
    )
    def test_an_invalid_one_is_rejected(
        self, assert_as: Callable[..., requests.Response], changes: dict[str, Any], code: int
    ) -> None:
        """Each fault has an error of its own, and no token is issued."""
        reply = assert_as(**changes)
        assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")
        assert reply.json()["error_codes"] == [code]

    def test_a_forged_signature_is_rejected(
        self, assert_as: Callable[..., requests.Response], tmp_path: Path
    ) -> None:
        """Naming the registered certificate is not enough: its key must have signed."""
        defaults.make_client_certificate(tmp_path / "forger.pem", utcnow())
        forger = serialization.load_pem_private_key((tmp_path / "forger.pem").read_bytes(), None)
        reply = assert_as(key=forger)
        assert reply.json()["error_codes"] == [700027]
        assert "did not match the expected signature" in reply.json()["error_description"]


def test_an_expired_certificate_is_rejected(
    serve: Callable[..., str], tokens: TokenAuthority, certificate: Certificate, tmp_path: Path
) -> None:
    """A registered certificate is rejected once it has expired."""
    pem = tmp_path / "old.pem"
    old = defaults.make_client_certificate(pem, utcnow() - timedelta(days=800))
    directory = defaults.default_directory(secret=SECRET, certificate=old, now=utcnow())
    authority = serve(entra_app(directory, tokens), certificate)
    with (
        CertificateCredential(
            defaults.TENANT_ID, OWNER, str(pem), **credential_options(authority, certificate)
        ) as credential,
        pytest.raises(ClientAuthenticationError, match=r"AADSTS700027.*key used is expired"),
    ):
        credential.get_token(SCOPE)
