"""Credentials, built from settings."""

from pathlib import Path

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.identity import (
    AzureCliCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from pydantic import SecretStr

from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.azure.credentials import (
    CredentialSettings,
    TokenProvider,
    build_credential,
)
from adf_trigger.azure.token_replies import TokenReplies, TokenTransport
from adf_trigger.clock import utcnow
from adf_trigger.errors import CredentialError, SettingsError
from adf_trigger.settings import Settings
from adf_trigger.settings.opening import credential_settings

SCOPE = "https://management.azure.com/.default"
FACTORY = (
    "/subscriptions/12345678-1234-4234-8234-123456789abc/resourceGroups/rg"
    "/providers/Microsoft.DataFactory/factories/my-factory"
)


PRINCIPAL = CredentialSettings(
    kind=CredentialKind.SERVICE_PRINCIPAL,
    tenant_id="11111111-1111-4111-8111-111111111111",
    client_id="22222222-2222-4222-8222-222222222222",
    client_secret=SecretStr("the-secret"),
)


def test_settings_do_not_show_their_secret() -> None:
    """The secret is in neither repr nor str."""
    assert "the-secret" not in f"{PRINCIPAL!r} {PRINCIPAL}"


def test_a_service_principal_without_its_parts_is_rejected() -> None:
    """One error names every missing part."""
    empty = CredentialSettings(kind=CredentialKind.SERVICE_PRINCIPAL)
    for attempt in (lambda: build_credential(empty), lambda: TokenProvider.of(empty, SCOPE)):
        with pytest.raises(SettingsError) as caught:
            attempt()
        assert len(caught.value.faults) == 3
        assert "client secret or certificate" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (CredentialSettings(kind=CredentialKind.MANAGED_IDENTITY), ManagedIdentityCredential),
        (PRINCIPAL, ClientSecretCredential),
        (CredentialSettings(kind=CredentialKind.AZURE_CLI), AzureCliCredential),
    ],
)
def test_each_kind_has_its_credential(settings: CredentialSettings, kind: type) -> None:
    """The configured kind determines the credential."""
    credential = build_credential(settings)
    assert type(credential) is kind
    getattr(credential, "close")()  # noqa: B009  # not in the protocol


def test_a_workload_identity_has_its_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's own variable names the file with its token."""
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    settings = CredentialSettings(
        kind=CredentialKind.WORKLOAD_IDENTITY, tenant_id=PRINCIPAL.tenant_id, client_id=PRINCIPAL.client_id
    )
    credential = build_credential(settings)
    assert isinstance(credential, WorkloadIdentityCredential)
    credential.close()


def test_a_missing_certificate_is_a_failure_to_get_a_token(tmp_path: Path) -> None:
    """The error is raised when a token is requested, so that the app starts and its health check reports it."""
    settings = CredentialSettings(
        kind=CredentialKind.SERVICE_PRINCIPAL,
        tenant_id=PRINCIPAL.tenant_id,
        client_id=PRINCIPAL.client_id,
        certificate_path=tmp_path / "missing.pem",
    )
    with pytest.raises(CredentialError, match=r"missing\.pem"):
        TokenProvider.of(settings, SCOPE).token()


def test_a_long_retry_after_of_a_token_service_is_not_slept_through() -> None:
    """Sleeping would hold the lock of the refresh."""
    transport = TokenTransport(None, TokenReplies(utcnow))
    with pytest.raises(ServiceResponseError, match="asks to wait 3600 seconds"):
        transport.sleep(3600)
    transport.close()


def app_settings(**environ: str) -> Settings:
    """The app's settings from an environment."""
    return Settings.from_env(
        {"ADF_TRIGGER_FACTORIES": FACTORY, "AzureWebJobsStorage": "UseDevelopmentStorage=true"} | environ
    )


def test_the_apps_settings_choose_the_credential() -> None:
    """Azure's own variables keep their meaning."""
    settings = credential_settings(
        app_settings(
            ADF_TRIGGER_CREDENTIAL="service-principal",
            ADF_TRIGGER_CLOUD="china",
            AZURE_TENANT_ID="t",
            AZURE_CLIENT_ID="c",
            AZURE_CLIENT_SECRET="the-secret",
            ADF_TRIGGER_CA_FILE="ca.pem",
        )
    )
    assert settings == CredentialSettings(
        kind=CredentialKind.SERVICE_PRINCIPAL,
        tenant_id="t",
        client_id="c",
        client_secret=SecretStr("the-secret"),
        authority_host="login.chinacloudapi.cn",
        ca_file=Path("ca.pem"),
    )


@pytest.mark.parametrize(
    ("authority", "unknown"),
    [("https://login.microsoftonline.us", False), ("https://127.0.0.1:8443", True)],
)
def test_discovery_is_disabled_for_an_unknown_authority(authority: str, unknown: object) -> None:
    """A private authority could not pass the discovery; a public one should."""
    settings = credential_settings(app_settings(AZURE_AUTHORITY_HOST=authority))
    assert (settings.authority_host, settings.disable_instance_discovery) == (authority, unknown)
