"""How Web activities authenticate, and what they show of it."""

import asyncio
import base64
import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from starlette.responses import JSONResponse

from adf_trigger.emulator.activities.callbacks import PendingCallbacks
from adf_trigger.emulator.activities.web import web
from adf_trigger.emulator.activities.webhook import webhook
from adf_trigger.emulator.common.clock import utcnow
from adf_trigger.emulator.contract.activity import Activity, ActivityFailed
from adf_trigger.emulator.serving.certificates import make_certificate
from adf_trigger.emulator.serving.servers import serving
from tests.integration.emulator.activities.conftest import Endpoint, Stage, context_of, ok
from tests.support.elsewhere import Elsewhere


@pytest.mark.parametrize(
    ("authentication", "authorization"),
    [
        (
            {"type": "Basic", "username": "u", "password": {"type": "SecureString", "value": "p:q"}},
            f"Basic {base64.b64encode(b'u:p:q').decode()}",
        ),
        ({"type": "MSI", "resource": "https://r/"}, "Bearer token-for-https://r/"),
        (
            {
                "type": "UserAssignedManagedIdentity",
                "resource": "https://r/",
                "credential": {"referenceName": "c", "type": "CredentialReference"},
            },
            "Bearer token-for-https://r/",
        ),
    ],
)
def test_authentication_by_header(authentication: dict[str, Any], authorization: str, stage: Stage) -> None:
    """Basic authentication and tokens of the managed identity are sent in a header; the input shows no secret."""
    properties = {"method": "GET", "url": "$URL/a", "authentication": authentication}

    result = stage.run(web, properties, Endpoint(a=ok))

    assert stage.endpoint.seen[0].headers["authorization"] == authorization
    assert "p:q" not in json.dumps(result.input)


@pytest.mark.parametrize(
    "authentication",
    [
        {"userTenant": "t", "username": "app", "password": {"type": "SecureString", "value": "pw"}},
        {
            "tenant": "t",
            "servicePrincipalId": "app",
            "servicePrincipalKey": {"type": "SecureString", "value": "pw"},
        },
    ],
)
def test_a_service_principal_gets_its_token_from_entra(authentication: dict[str, Any]) -> None:
    """Client credentials, with the property names of the API's description or of the article."""
    entra = Endpoint(t_oauth2_token=lambda _: JSONResponse({"access_token": "sp-token"}))
    api = Endpoint(a=ok)

    async def story() -> None:
        async with (
            serving(entra) as authority,
            serving(api) as url,
            httpx.AsyncClient(
                trust_env=False, mounts={"https://login.microsoftonline.com": Elsewhere(authority)}
            ) as http,
        ):
            identity = {"type": "ServicePrincipal", "resource": "https://r/", **authentication}
            await web(context_of({"method": "GET", "url": f"{url}/a", "authentication": identity}, http))

    asyncio.run(story())

    form = dict(httpx.QueryParams(entra.seen[0].body))
    assert form == {
        "grant_type": "client_credentials", "client_id": "app", "client_secret": "pw", "resource": "https://r/",
    }  # fmt: skip
    assert api.seen[0].headers["authorization"] == "Bearer sp-token"


def test_a_rejected_service_principal_fails_the_activity() -> None:
    """The message is Entra ID's, and the endpoint is never called."""
    refusal = JSONResponse({"error": "invalid_client", "error_description": "AADSTS7000215"}, status_code=401)
    entra, api = Endpoint(t_oauth2_token=lambda _: refusal), Endpoint(a=ok)

    async def story() -> None:
        async with (
            serving(entra) as authority,
            serving(api) as url,
            httpx.AsyncClient(
                trust_env=False, mounts={"https://login.microsoftonline.com": Elsewhere(authority)}
            ) as http,
        ):
            identity = {
                "type": "ServicePrincipal",
                "resource": "r",
                "tenant": "t",
                "username": "a",
                "password": "b",
            }
            await web(context_of({"method": "GET", "url": f"{url}/a", "authentication": identity}, http))

    with pytest.raises(ActivityFailed, match="AADSTS7000215") as caught:
        asyncio.run(story())

    assert caught.value.error_code == "2403"
    assert api.seen == []


def test_an_untrusted_certificate_is_accepted_only_when_configured(tmp_path: Path) -> None:
    """disableCertValidation turns the check off for this call."""
    certificate = make_certificate(tmp_path, utcnow())
    endpoint = Endpoint(a=ok)

    async def story() -> None:
        async with (
            serving(endpoint, certificate=certificate) as url,
            httpx.AsyncClient(trust_env=False) as http,
        ):
            properties = {"method": "GET", "url": f"{url}/a"}
            with pytest.raises(ActivityFailed) as caught:
                await web(context_of(properties, http))
            assert caught.value.error_code == "2108"
            trusting = context_of({**properties, "disableCertValidation": True}, http)
            assert (await web(trusting)).output["answer"] == 42

    asyncio.run(story())


def pfx_of(authority: trustme.CA, name: str, password: str) -> str:
    """A client's certificate as the activity wants it: base64 of a PFX."""
    issued = authority.issue_cert(name)
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    certificate = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    pfx = pkcs12.serialize_key_and_certificates(
        b"client",
        key,  # type: ignore[arg-type]  # trustme makes keys of one of the accepted kinds
        certificate,
        None,
        BestAvailableEncryption(password.encode()),
    )
    return base64.b64encode(pfx).decode()


def with_client_certificates(authority: trustme.CA, story: Callable[[str], Awaitable[None]]) -> None:
    """Run a story against a TLS server that lets in only clients with a certificate of an authority."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        names = [
            value for kind, value in writer.get_extra_info("peercert")["subjectAltName"] if kind == "DNS"
        ]
        body = json.dumps({"client": names}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        await writer.drain()
        writer.close()

    async def play() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
        async with server:
            await story(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")

    asyncio.run(play())


def test_a_client_certificate_is_presented() -> None:
    """The PFX and its password come from the definition; the server sees the client's certificate."""
    authority = trustme.CA()
    authentication = {
        "type": "ClientCertificate",
        "pfx": {"type": "SecureString", "value": pfx_of(authority, "caller.example", "pw")},
        "password": {"type": "SecureString", "value": "pw"},
    }

    async def story(url: str) -> None:
        properties = {
            "method": "GET", "url": url, "authentication": authentication, "disableCertValidation": True,
        }  # fmt: skip
        async with httpx.AsyncClient(trust_env=False) as http:
            result = await web(context_of(properties, http))
        assert result.output["client"] == ["caller.example"]
        assert result.input["authentication"] == {
            "type": "ClientCertificate", "pfx": "**********", "password": "**********",
        }  # fmt: skip

    with_client_certificates(authority, story)


def test_a_pfx_with_the_wrong_password_is_2113(stage: Stage) -> None:
    """The message is that of the troubleshooting guide."""
    authentication = {
        "type": "ClientCertificate",
        "pfx": pfx_of(trustme.CA(), "caller.example", "pw"),
        "password": "other",
    }

    failure = stage.fail(web, {"method": "GET", "url": "$URL", "authentication": authentication}, Endpoint())

    assert failure.error_code == "2113"


def test_a_secure_header_is_sent_and_not_shown(stage: Stage) -> None:
    """A SecureString as a header's value is sent in clear and masked in the input."""
    headers = {"X-Key": {"type": "SecureString", "value": "s3"}, "X-Plain": "p"}

    result = stage.run(web, {"method": "GET", "url": "$URL/a", "headers": headers}, Endpoint(a=ok))

    assert stage.endpoint.seen[0].headers["x-key"] == "s3"
    assert result.input["headers"] == {"X-Key": "**********", "X-Plain": "p"}


@pytest.mark.parametrize("activity", [web, webhook(PendingCallbacks(lambda: "http://127.0.0.1:1"))])
def test_secrets_of_a_vault_are_sent_and_not_shown(activity: Activity, stage: Stage) -> None:
    """This holds for authentication and headers of Web and WebHook activities."""

    def kept(name: str) -> dict[str, Any]:
        return {"type": "AzureKeyVaultSecret", "store": {"referenceName": "kv"}, "secretName": name}

    properties = {
        "method": "POST",
        "url": "$URL/a",
        "body": {},
        "timeout": "00:00:00.1",
        "headers": {"X-Key": kept("header")},
        "authentication": {"type": "Basic", "username": kept("user"), "password": kept("password")},
    }
    vault = {"header": "s3cret-h", "user": "u", "password": "s3cret-p"}

    try:
        shown = stage.run(activity, properties, Endpoint(a=ok), vault=vault).input
    except ActivityFailed as nobody_calls_back:
        shown = nobody_calls_back.input

    (seen,) = stage.endpoint.seen
    assert seen.headers["x-key"] == "s3cret-h"
    assert seen.headers["authorization"] == f"Basic {base64.b64encode(b'u:s3cret-p').decode()}"
    assert shown["headers"] == {"X-Key": "**********"}
    assert "s3cret" not in json.dumps(shown)
