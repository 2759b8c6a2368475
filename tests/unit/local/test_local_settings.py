"""The inputs of the local stack's processes: settings, environment, and the endpoints contract."""

from dataclasses import fields
from typing import Any

import pytest

from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.emulator.hosting import defaults
from adf_trigger.local.processes.environment import child_environment
from adf_trigger.local.stack.app_settings import app_settings
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.settings import Settings

EMULATOR = {
    "management_url": "http://127.0.0.1:1",
    "management_tls_url": "https://127.0.0.1:2",
    "identity_endpoint": "http://127.0.0.1:3/msi/token",
    "authority_url": "https://127.0.0.1:4",
    "ca_file": "/data/ca.pem",
}


def settings_with(**chosen: str) -> dict[str, str]:
    """App settings of the local stack, with the chosen ones."""
    return app_settings(
        EMULATOR,
        storage="the connection string",
        identity_header="the header",
        client_secret="the secret",
        poll_schedule="*/2 * * * * *",
        chosen=chosen,
    )


def test_by_default_the_app_has_a_managed_identity() -> None:
    """The app's own reader of settings accepts them, and finds no secret of a service principal."""
    settings = Settings.from_env(settings_with())
    assert settings.credential is CredentialKind.MANAGED_IDENTITY
    assert (settings.client_id, settings.client_secret, settings.ca_file) == (None, None, None)
    assert settings.management_endpoint == EMULATOR["management_url"]


def test_a_service_principal_uses_https_throughout() -> None:
    """With a service principal the local stack gives tenant, id, secret, authority and CA."""
    settings = Settings.from_env(settings_with(ADF_TRIGGER_CREDENTIAL="service-principal"))
    assert settings.management_endpoint == EMULATOR["management_tls_url"]
    assert (settings.authority_host, settings.ca_file) == (EMULATOR["authority_url"], EMULATOR["ca_file"])
    assert (settings.tenant_id, settings.client_id) == (defaults.TENANT_ID, defaults.TRIGGER_CLIENT_ID)
    assert settings.client_secret is not None
    assert settings.client_secret.get_secret_value() == "the secret"


def test_a_certificate_replaces_the_secret() -> None:
    """With a certificate no secret is given, which would take precedence."""
    chosen = {
        "ADF_TRIGGER_CREDENTIAL": "service-principal",
        "AZURE_CLIENT_CERTIFICATE_PATH": "/data/client.pem",
    }
    assert "AZURE_CLIENT_SECRET" not in settings_with(**chosen)


def test_chosen_settings_take_precedence() -> None:
    """A chosen setting replaces the local stack's own."""
    chosen = {"ADF_TRIGGER_POLL_SCHEDULE": "0 0 * * * *", "ADF_TRIGGER_TABLE": "other"}
    assert settings_with(**chosen).items() >= chosen.items()


def test_azure_settings_of_the_machine_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that would make a process connect to the real Azure is not inherited; others are."""
    for name in (
        "AZURE_CLIENT_ID",
        "IDENTITY_ENDPOINT",
        "AzureWebJobsStorage",
        "ADF_TRIGGER_TABLE",
        "MSI_SECRET",
    ):
        monkeypatch.setenv(name, "of the machine")
    monkeypatch.setenv("SOMETHING_ELSE", "kept")
    environment = child_environment({"ADF_TRIGGER_TABLE": "ours"})
    assert "of the machine" not in environment.values()
    assert (environment["ADF_TRIGGER_TABLE"], environment["SOMETHING_ELSE"]) == ("ours", "kept")


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_loopback_addresses_bypass_any_proxy(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Existing exceptions of the proxy are kept, and loopback addresses are added, in both spellings."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(name, "intranet")
    environment = child_environment()
    assert environment["NO_PROXY"] == environment["no_proxy"] == "intranet,127.0.0.1,localhost"


def test_the_endpoints_keep_their_contract() -> None:
    """The names are fixed, and one written line is read back the same."""
    values: dict[str, Any] = {field.name: field.name for field in fields(Endpoints)} | {
        "pids": {"azurite": 1}
    }
    assert set(values) == {
        "functions_url",
        "functions_key",
        "management_url",
        "management_tls_url",
        "control_url",
        "identity_endpoint",
        "identity_header",
        "authority_url",
        "tenant_id",
        "client_id",
        "client_secret",
        "ca_file",
        "proxy_url",
        "cloud",
        "storage_connection_string",
        "factory_id",
        "requests_queue",
        "rejected_queue",
        "events_queue",
        "table",
        "pids",
    }
    endpoints = Endpoints(**values)
    assert "\n" not in endpoints.to_json()
    assert Endpoints.from_json(endpoints.to_json()) == endpoints
