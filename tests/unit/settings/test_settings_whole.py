"""Settings are validated as a whole: later failures are reported at the start, by name, without values."""

import json

import pytest

from adf_trigger.errors import SettingsError
from adf_trigger.settings import CommonSettings, Settings
from tests.support.world import FACTORY_ID

MINIMAL = {"ADF_TRIGGER_FACTORIES": FACTORY_ID, "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
REFERENCE = "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)"


def faults_of(**changes: str) -> list[str]:
    """The faults of settings with changes; an empty value leaves a setting out."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({**MINIMAL, **changes})
    return caught.value.faults


def named(faults: list[str]) -> set[str]:
    """The variables that faults begin with."""
    return {fault.split(":")[0].split(".")[0] for fault in faults}


@pytest.mark.parametrize("schedule", ["every 15 seconds", "*/15 * * * *", "0 0 0 30 2 *", "00:00:15"])
def test_an_unusable_schedule_is_a_fault(schedule: str) -> None:
    """The platform would put the timer in error, or never run it."""
    assert named(faults_of(ADF_TRIGGER_POLL_SCHEDULE=schedule)) == {"ADF_TRIGGER_POLL_SCHEDULE"}


@pytest.mark.parametrize("name", ["AZURE_CLIENT_SECRET", "AzureWebJobsStorage", "ADF_TRIGGER_FACTORIES"])
@pytest.mark.parametrize("reference", [REFERENCE, "@microsoft.appconfiguration(Endpoint=https://c; Key=k)"])
def test_an_unresolved_reference_is_one_fault(name: str, reference: str) -> None:
    """A reference that the platform has not resolved is named, and is never used as the value."""
    (fault,) = faults_of(**{name: f" {reference}"})
    assert fault.startswith(f"{name}: ")
    assert "not been resolved" in fault


def test_two_aliases_of_one_factory_are_rejected() -> None:
    """Ids compare without case, as everywhere in Azure: two aliases would share every key and every run."""
    (fault,) = faults_of(
        ADF_TRIGGER_FACTORIES=json.dumps({"a": FACTORY_ID, "b": FACTORY_ID.upper(), "c": FACTORY_ID + "-2"})
    )
    assert fault.startswith("ADF_TRIGGER_FACTORIES: ")
    assert "a and b" in fault


def test_a_moved_factory_has_one_known_new_alias() -> None:
    """An old id leads to a known alias, once in any spelling, and is no other factory's present id."""
    here, old = FACTORY_ID + "-2", FACTORY_ID
    moved = Settings.from_env(
        {
            **MINIMAL,
            "ADF_TRIGGER_FACTORIES": here,
            "ADF_TRIGGER_MOVED_FACTORIES": json.dumps({old: "default"}),
        }
    ).moved_factories
    assert {str(former): alias for former, alias in moved.items()} == {old: "default"}
    for factories, former in (
        (here, {old: "elsewhere"}),
        (here, {old: "default", old.upper(): "default"}),
        (json.dumps({"a": here, "b": old}), {old.upper(): "a"}),
        (here, {"factory-one": "default"}),
        (here, [old]),
    ):
        faults = faults_of(ADF_TRIGGER_FACTORIES=factories, ADF_TRIGGER_MOVED_FACTORIES=json.dumps(former))
        assert named(faults) == {"ADF_TRIGGER_MOVED_FACTORIES"}, (former, faults)


@pytest.mark.parametrize(
    ("name", "document", "place"),
    [
        ("POLICY", {"load": {"admission": {"atOnce": True}}}, "load.admission.atOnce"),
        ("POLICY", {"load": {"admission": {"atOnce": "2"}}}, "load.admission.atOnce"),
        (
            "POLICY",
            {"load": {"admission": {"atOnce": 1, "countOthers": "yes"}}},
            "load.admission.countOthers",
        ),
        ("POLICY", {"load": {"cancelWhenOverdue": 1}}, "load.cancelWhenOverdue"),
        ("POLICY", {"load": {"overdueAfterSeconds": "60"}}, "load.overdueAfterSeconds"),
        (
            "FACTORIES",
            {"a": {"subscription_id": FACTORY_ID.split("/")[2], "resource_group": "g", "name": "abc"}},
            "a",
        ),
    ],
)
def test_a_value_of_another_type_is_named(name: str, document: object, place: str) -> None:
    """No value is converted by its looks."""
    (fault,) = faults_of(**{f"ADF_TRIGGER_{name}": json.dumps(document)})
    assert fault.startswith(f"ADF_TRIGGER_{name}.{place}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ADF_TRIGGER_POLICY", '{"$schema": {}}'),
        ("ADF_TRIGGER_POLICY", '{"load": NaN}'),
        ("ADF_TRIGGER_POLICY", '{"\\ud800": {}}'),
        ("ADF_TRIGGER_ROUTES", '{"a": {"queue": "abc", "callers": ["\\udc00"]}}'),
        ("ADF_TRIGGER_TRIGGERS", '[{"name": "t", "properties": {"type": []}}]'),
        ("ADF_TRIGGER_FACTORIES", f'{{"a": "{FACTORY_ID}", "a": "{FACTORY_ID}-2"}}'),
        ("ADF_TRIGGER_POLICY", '{"load": {}, "load": {"unknownOutcome": "park"}}'),
        ("ADF_TRIGGER_POLICY", '{"load": {"unknownOutcome": "park", "unknownOutcome": "resubmit"}}'),
        ("ADF_TRIGGER_POLICY", '{"load": {}, "LOAD": {"unknownOutcome": "park"}}'),
        ("ADF_TRIGGER_POLICY", '{"load": {"unknown_outcome": "park"}}'),
        ("ADF_TRIGGER_FACTORIES", json.dumps({"": FACTORY_ID})),
        ("ADF_TRIGGER_FACTORIES", json.dumps({"a" * 65: FACTORY_ID})),
    ],
)
def test_a_duplicate_or_impossible_name_is_a_fault(name: str, value: str) -> None:
    """Of two values under one name neither is dropped silently; a request can name every alias."""
    assert named(faults_of(**{name: value})) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ADF_TRIGGER_LEASE_SECONDS", "inf"),
        ("ADF_TRIGGER_START_DEADLINE_SECONDS", "1e300"),
        ("ADF_TRIGGER_STALE_AFTER_SECONDS", "nan"),
        ("ADF_TRIGGER_DEFINITION_CACHE_SECONDS", "inf"),
        ("ADF_TRIGGER_READ_TIMEOUT_SECONDS", "1e12"),
        ("ADF_TRIGGER_RETENTION_DAYS", "999999999999"),
        ("ADF_TRIGGER_TICK_CALLS", "1" + "0" * 30),
    ],
)
def test_a_number_beyond_any_use_is_a_fault(name: str, value: str) -> None:
    """Infinity, not-a-number and extreme values are reported at the start, not met later."""
    assert named(faults_of(**{name: value})) == {name}


@pytest.mark.parametrize("name", ["ADF_TRIGGER_EVENTS_QUEUE", "ADF_TRIGGER_REJECTED_QUEUE"])
@pytest.mark.parametrize("queue", ["adf-run-requests", "adf-run-requests-poison"])
def test_published_events_are_never_read_as_requests(name: str, queue: str) -> None:
    """A queue of events is not the queue of requests."""
    assert named(faults_of(**{name: queue})) == {name}


def test_faults_of_single_settings_and_of_their_combination_are_reported_together() -> None:
    """A typing error in one setting hides no fault between the others."""
    faults = faults_of(
        ADF_TRIGGER_CLOUD="moon",
        ADF_TRIGGER_POLL_SCHEDULE="often",
        ADF_TRIGGER_CREDENTIAL="service-principal",
        ADF_TRIGGER_LEASE_SECONDS="20",
        AZURE_CLIENT_SECRET=REFERENCE,
        ADF_TRIGGER_FACTORIES="",
        AzureWebJobsStorage="",
    )
    assert named(faults) == {
        "ADF_TRIGGER_CLOUD",
        "ADF_TRIGGER_POLL_SCHEDULE",
        "ADF_TRIGGER_LEASE_SECONDS",
        "ADF_TRIGGER_FACTORIES",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AzureWebJobsStorage",
    }
    assert len(faults) == 8


def test_no_fault_shows_a_value() -> None:
    """A value put into the wrong setting by mistake is not repeated."""
    secret = "hush-c2VjcmV0"
    for name in (
        "ADF_TRIGGER_FACTORIES",
        "ADF_TRIGGER_MANAGEMENT_ENDPOINT",
        "ADF_TRIGGER_POLICY",
        "ADF_TRIGGER_CREDENTIAL",
        "ADF_TRIGGER_CLOUD",
        "ADF_TRIGGER_TABLE",
        "ADF_TRIGGER_TICK_CALLS",
        "ADF_TRIGGER_POLL_SCHEDULE",
        "AZURE_AUTHORITY_HOST",
        "AzureWebJobsStorage__queueServiceUri",
    ):
        for value in (f"http://{secret}", f"ftp://user:{secret}@host/x", f"{secret} !'"):
            assert secret not in " ".join(faults_of(**{name: value}))


def test_an_unknown_name_is_a_warning_with_the_nearest_known() -> None:
    """A typing error is reported; the app still works, since a rollback meets names that are newer than itself."""
    settings = Settings.from_env(
        {**MINIMAL, "ADF_TRIGGER_FACTORYS": "x", "adf_trigger_table": "other", "ADF_TRIGGER_QZX_9": "hush"}
    )
    warnings = {warning.split(":")[0]: warning for warning in settings.warnings}
    assert set(warnings) == {"ADF_TRIGGER_FACTORYS", "adf_trigger_table", "ADF_TRIGGER_QZX_9"}
    assert "ADF_TRIGGER_FACTORIES" in warnings["ADF_TRIGGER_FACTORYS"]
    assert "ADF_TRIGGER_TABLE" in warnings["adf_trigger_table"]
    assert "hush" not in warnings["ADF_TRIGGER_QZX_9"]
    assert settings.table == "adfruns"


def test_a_misspelt_name_is_reported_beside_the_fault_it_causes() -> None:
    """The required setting is missing because of it: both are reported together."""
    with pytest.raises(SettingsError, match="the nearest known name is ADF_TRIGGER_FACTORIES") as caught:
        Settings.from_env(
            {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "ADF_TRIGGER_FACTORYS": "hush"}
        )
    assert caught.value.faults == ["ADF_TRIGGER_FACTORIES: is required"]
    assert "hush" not in str(caught.value)


def test_a_tool_knows_every_name_of_the_app() -> None:
    """Names that only the app reads are not unknown to a tool in the same environment."""
    assert CommonSettings.from_env(MINIMAL).warnings == ()


def test_only_our_own_names_are_read() -> None:
    """A variable of the machine that is called like a field is not a setting."""
    settings = Settings.from_env({**MINIMAL, "cloud": "aws", "table": "1", "lease": "never"})
    assert (settings.cloud, settings.table) == ("public", "adfruns")


def test_every_fault_of_a_policy_is_named_with_the_allowed_values() -> None:
    """This holds also where an allowed value is used in another place."""
    policy = {
        "load": {"details": "everything", "detail": "full", "unknownOutcome": "guess"},
        "copy": 3,
        "fine": {"details": "full", "unknownOutcome": "park"},
    }
    assert faults_of(ADF_TRIGGER_POLICY=json.dumps(policy)) == [
        "ADF_TRIGGER_POLICY.load.unknownOutcome: Input should be 'reconcile', 'resubmit' or 'park'",
        "ADF_TRIGGER_POLICY.load.details: Input should be 'all', 'failed' or 'full'",
        "ADF_TRIGGER_POLICY.load.detail: is not a known name",
        "ADF_TRIGGER_POLICY.copy: must be an object",
    ]
