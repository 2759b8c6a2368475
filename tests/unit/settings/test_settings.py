"""Settings: read once, all faults in one error, no secret shown."""

import json

import pytest

from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.errors import SettingsError
from adf_trigger.settings import Settings
from adf_trigger.settings.policy import UnknownOutcomePolicy
from tests.support.world import FACTORY_ID

MINIMAL = {"ADF_TRIGGER_FACTORIES": FACTORY_ID, "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
OTHER = FACTORY_ID.replace("factory-one", "factory-two")


def faults_of(**changes: str) -> list[str]:
    """The faults of settings with changes."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({**MINIMAL, **changes})
    return caught.value.faults


def test_two_settings_are_enough() -> None:
    """A factory and a storage account are the only required ones."""
    settings = Settings.from_env(MINIMAL)
    assert list(settings.factories) == ["default"]
    assert settings.credential is CredentialKind.MANAGED_IDENTITY
    assert settings.events_queue == "adf-run-events"


def test_several_factories_have_aliases() -> None:
    """A JSON object names each."""
    settings = Settings.from_env(
        {**MINIMAL, "ADF_TRIGGER_FACTORIES": json.dumps({"eu": FACTORY_ID, "us": OTHER})}
    )
    assert {alias: factory.name for alias, factory in settings.factories.items()} == {
        "eu": "factory-one",
        "us": "factory-two",
    }


def test_an_empty_value_is_unset() -> None:
    """An empty or blank variable means the default."""
    settings = Settings.from_env({**MINIMAL, "ADF_TRIGGER_TABLE": "", "ADF_TRIGGER_CLOUD": "  "})
    assert (settings.table, settings.cloud) == ("adfruns", "public")


def test_faults_are_reported_together_and_by_name() -> None:
    """All faults are in one error, with the names of the variables."""
    faults = faults_of(
        ADF_TRIGGER_FACTORIES="factory-one",
        ADF_TRIGGER_CREDENTIAL="guess",
        ADF_TRIGGER_CLOUD="moon",
        ADF_TRIGGER_TICK_CALLS="0",
        ADF_TRIGGER_RETENTION_DAYS="1",
        ADF_TRIGGER_EVENTS_QUEUE="Not_A_Queue",
        ADF_TRIGGER_MANAGEMENT_ENDPOINT="http://management.example.com",
        ADF_TRIGGER_POLICY="{",
    )
    named = {fault.split(":")[0].split(".")[0] for fault in faults}
    assert named == {
        "ADF_TRIGGER_FACTORIES",
        "ADF_TRIGGER_CREDENTIAL",
        "ADF_TRIGGER_CLOUD",
        "ADF_TRIGGER_TICK_CALLS",
        "ADF_TRIGGER_RETENTION_DAYS",
        "ADF_TRIGGER_EVENTS_QUEUE",
        "ADF_TRIGGER_MANAGEMENT_ENDPOINT",
        "ADF_TRIGGER_POLICY",
    }


def test_an_empty_environment_names_what_is_required() -> None:
    """An empty environment says which setting is required."""
    with pytest.raises(SettingsError, match="ADF_TRIGGER_FACTORIES: is required"):
        Settings.from_env({})


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:1", "[::1]:2"])
def test_plain_http_is_accepted_for_loopback_addresses(host: str) -> None:
    """The local stack's emulator may be named without TLS."""
    settings = Settings.from_env({**MINIMAL, "ADF_TRIGGER_MANAGEMENT_ENDPOINT": f"http://{host}/"})
    assert settings.management_endpoint == f"http://{host}"


@pytest.mark.parametrize("url", ["http://10.0.0.1", "http://localhost.evil.example", "ftp://x", "management"])
def test_a_token_is_never_sent_unencrypted(url: str) -> None:
    """Other plain endpoints are rejected."""
    assert len(faults_of(ADF_TRIGGER_MANAGEMENT_ENDPOINT=url)) == 1


def test_a_service_principal_needs_its_settings() -> None:
    """All missing ones are named, and either a secret or a certificate is enough."""
    faults = faults_of(ADF_TRIGGER_CREDENTIAL="service-principal")
    assert [fault.split(":")[0] for fault in faults] == [
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
    ]
    Settings.from_env(
        {
            **MINIMAL,
            "ADF_TRIGGER_CREDENTIAL": "service-principal",
            "AZURE_TENANT_ID": "t",
            "AZURE_CLIENT_ID": "c",
            "AZURE_CLIENT_CERTIFICATE_PATH": "cert.pem",
        }
    )


def test_storage_may_be_named_by_identity() -> None:
    """The host's own identity-based settings are accepted unchanged."""
    without = {name: value for name, value in MINIMAL.items() if name != "AzureWebJobsStorage"}
    with pytest.raises(SettingsError, match="AzureWebJobsStorage"):
        Settings.from_env(without)
    Settings.from_env({**without, "AzureWebJobsStorage__accountName": "account"})
    Settings.from_env(
        {
            **without,
            "AzureWebJobsStorage__queueServiceUri": "https://a.queue.core.windows.net",
            "AzureWebJobsStorage__tableServiceUri": "https://a.table.core.windows.net",
        }
    )


def test_the_lease_outlasts_a_call() -> None:
    """A lease that could end in the middle of a call is rejected."""
    assert "ADF_TRIGGER_LEASE_SECONDS" in faults_of(ADF_TRIGGER_LEASE_SECONDS="20")[0]


def test_policies_are_read_by_pipeline() -> None:
    """A policy is a JSON object, and an unknown key in it is a fault."""
    policy = '{"*": {"unknownOutcome": "park"}, "load": {"correlationParameter": "trace"}}'
    settings = Settings.from_env({**MINIMAL, "ADF_TRIGGER_POLICY": policy})
    assert settings.policy["*"].unknown_outcome is UnknownOutcomePolicy.PARK
    assert "correlation" in faults_of(ADF_TRIGGER_POLICY='{"load": {"correlation": "x"}}')[0]
    for spelling in ("unknown_outcome", "UnknownOutcome", "correlation_parameter"):
        assert spelling in faults_of(ADF_TRIGGER_POLICY=f'{{"load": {{"{spelling}": "park"}}}}')[0]


def test_no_secret_is_shown() -> None:
    """Neither repr nor a fault shows a secret value."""
    secret = "AccountKey=c2VjcmV0"
    settings = Settings.from_env({**MINIMAL, "AzureWebJobsStorage": secret, "AZURE_CLIENT_SECRET": "hush"})
    assert "c2VjcmV0" not in repr(settings)
    assert "hush" not in repr(settings)
    faults = faults_of(AzureWebJobsStorage=secret, AZURE_CLIENT_SECRET="hush", ADF_TRIGGER_CLOUD="moon")
    assert "c2VjcmV0" not in " ".join(faults)
    assert "hush" not in " ".join(faults)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.example.com/adf/", "https://api.example.com/adf"),
        ("https://app.azurewebsites.net/api", "https://app.azurewebsites.net/api"),
        ("http://127.0.0.1:7071/api", "http://127.0.0.1:7071/api"),
        ("http://[::1]:7071/api", "http://[::1]:7071/api"),
    ],
)
def test_the_public_url_is_the_base_of_links(url: str, kept: str) -> None:
    """https, or plain http to this machine; a slash at its end changes nothing."""
    assert Settings.from_env({**MINIMAL, "ADF_TRIGGER_PUBLIC_BASE_URL": url}).public_base_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "api.example.com",
        "/api",
        "https://",
        "https://user@api.example.com",
        "https://user:hush@api.example.com",
        "https://api.example.com/?code=hush",
        "https://api.example.com/?",
        "https://api.example.com/#x",
        "https://api.example.com/#",
        "https://exämple.com",
        "https://api.example.com/a b",
        "https://api.example.com\n.evil.example",
        "https://api.example.com:port",
        "ftp://api.example.com",
    ],
)
def test_a_url_that_cannot_be_the_base_of_links_is_a_fault(url: str) -> None:
    """Its links would be unusable or lead elsewhere; the value is not shown."""
    (fault,) = faults_of(ADF_TRIGGER_PUBLIC_BASE_URL=url)
    assert fault.startswith("ADF_TRIGGER_PUBLIC_BASE_URL: ")
    assert "hush" not in fault
