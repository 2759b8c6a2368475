"""App settings, local.settings.json, host.json, and the times of a host."""

import json
from pathlib import Path

import pytest

from adf_trigger.functions_host.common.app_settings import AppSettings, host_id, load_local_settings
from adf_trigger.functions_host.common.config import HostConfig, HostTimes
from adf_trigger.functions_host.common.errors import SettingError
from adf_trigger.functions_host.common.host_json import HostJson, load_host_json, parse_timespan
from adf_trigger.functions_host.common.storage import storage_account

NONE = AppSettings({})


def host_json(folder: Path, document: object, settings: AppSettings = NONE) -> HostJson:
    """The settings of a host.json."""
    (folder / "host.json").write_text(json.dumps(document), encoding="utf-8")
    return load_host_json(folder, settings)


def test_settings_are_found_in_any_case_and_with_either_separator() -> None:
    """As in .NET configuration, case does not matter and a colon is two underscores."""
    settings = AppSettings({"Outer__Inner": "1"})
    assert settings["OUTER:inner"] == "1"
    assert settings.section("outer") == {"inner": "1"}


def test_references_are_replaced_anywhere() -> None:
    """%NAME% is replaced within a text; a name without value is rejected by name."""
    settings = AppSettings({"ENV": "test", "Q": "orders"})
    assert settings.resolve("%ENV%-%q%") == "test-orders"
    with pytest.raises(SettingError, match="'%MISSING%' does not resolve"):
        settings.resolve("x-%MISSING%")


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "²"])
def test_an_invalid_number_is_rejected(text: str) -> None:
    """PYTHON_THREADPOOL_THREAD_COUNT and the like must be whole numbers above 0."""
    with pytest.raises(SettingError, match="THREADS"):
        AppSettings({"THREADS": text}).whole_number("THREADS")


def test_local_settings_fill_what_the_environment_lacks(tmp_path: Path) -> None:
    """The environment takes precedence over local.settings.json."""
    document = {"IsEncrypted": False, "Values": {"A": "file", "B": "file"}, "Host": {"CORS": "*"}}
    (tmp_path / "local.settings.json").write_text(json.dumps(document), encoding="utf-8")
    environ = {"A": "environment"}
    load_local_settings(tmp_path, environ)
    assert environ == {"A": "environment", "B": "file"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "an object"),
        ('{"Values": []}', "an object"),
        ('{"IsEncrypted": true, "Values": {}}', "encrypted"),
        ('{"Values": {"A": 1}}', "A must be a string"),
    ],
)
def test_local_settings_that_core_tools_would_reject_are_rejected(
    tmp_path: Path, content: str, reason: str
) -> None:
    """Each fault of local.settings.json is named."""
    (tmp_path / "local.settings.json").write_text(content, encoding="utf-8")
    with pytest.raises(SettingError, match=reason):
        load_local_settings(tmp_path, {})


def test_the_host_id_is_the_setting_or_derived_from_machine_and_folder(tmp_path: Path) -> None:
    """The same folder has the same id, another folder another; a setting takes precedence."""
    own = host_id(NONE, tmp_path)
    assert own == host_id(NONE, tmp_path)
    assert own != host_id(NONE, tmp_path.parent)
    assert own == own.lower()
    assert len(own) <= 32
    assert host_id(AppSettings({"AzureFunctionsWebHost:hostid": "mine"}), tmp_path) == "mine"


def test_host_json_is_honoured(tmp_path: Path) -> None:
    """Every setting that this host knows is read; others are ignored."""
    options = host_json(
        tmp_path,
        {
            "version": "2.0",
            "functionTimeout": "00:05:00",
            "logging": {"applicationInsights": {"samplingSettings": {"isEnabled": True}}},
            "extensions": {
                "http": {"routePrefix": "/v1/", "maxConcurrentRequests": 5, "maxOutstandingRequests": 20},
                "queues": {
                    "batchSize": 8,
                    "newBatchThreshold": 3,
                    "maxDequeueCount": 2,
                    "visibilityTimeout": "00:00:30",
                    "messageEncoding": "none",
                    "maxPollingInterval": "00:00:01",
                },
            },
        },
    )
    http, queues = options.http, options.queues
    assert (options.function_timeout, http.route_prefix) == (300.0, "v1")
    assert (http.max_concurrent_requests, http.max_outstanding_requests) == (5, 20)
    assert (queues.batch_size, queues.new_batch_threshold, queues.max_dequeue_count) == (8, 3, 2)
    assert (queues.visibility_timeout, queues.max_polling_interval) == (30.0, 1.0)
    assert queues.message_encoding == "none"


def test_without_host_json_the_platforms_defaults_hold(tmp_path: Path) -> None:
    """batchSize 16, five tries, base64, prefix api, half an hour."""
    options = load_host_json(tmp_path, NONE)
    assert (options.http.route_prefix, options.http.max_outstanding_requests) == ("api", -1)
    assert (options.queues.batch_size, options.queues.max_dequeue_count) == (16, 5)
    assert (options.queues.message_encoding, options.queues.visibility_timeout) == ("base64", 0.0)
    assert options.function_timeout == 1800.0


def test_an_app_setting_overrides_host_json(tmp_path: Path) -> None:
    """The platform's override is AzureFunctionsJobHost__ and the path of a setting."""
    settings = AppSettings({"AzureFunctionsJobHost__extensions__queues__batchSize": "1"})
    document = {"version": "2.0", "extensions": {"queues": {"batchSize": 8}}}
    assert host_json(tmp_path, document, settings).queues.batch_size == 1


def test_no_timeout_is_minus_one(tmp_path: Path) -> None:
    """functionTimeout -1 means no limit."""
    assert host_json(tmp_path, {"version": "2.0", "functionTimeout": "-1"}).function_timeout is None


def test_all_faults_of_host_json_are_reported_together(tmp_path: Path) -> None:
    """Each wrong setting is named in one error."""
    document = {
        "version": "2.0",
        "functionTimeout": "soon",
        "extensions": {
            "http": {"maxConcurrentRequests": 0},
            "queues": {
                "batchSize": 33,
                "newBatchThreshold": -1,
                "maxDequeueCount": 0,
                "visibilityTimeout": "25:00:00",
                "messageEncoding": "rot13",
                "maxPollingInterval": "00:00:00",
            },
        },
    }
    with pytest.raises(SettingError) as refusal:
        host_json(tmp_path, document)
    for name in (
        "functionTimeout",
        "maxConcurrentRequests",
        "batchSize",
        "newBatchThreshold",
        "maxDequeueCount",
    ):
        assert name in str(refusal.value)
    for name in ("visibilityTimeout", "messageEncoding", "maxPollingInterval"):
        assert name in str(refusal.value)


@pytest.mark.parametrize("document", [[], {}, {"version": "1.0"}])
def test_a_host_json_of_another_version_is_rejected(tmp_path: Path, document: object) -> None:
    """The host v4 reads version 2.0 only."""
    with pytest.raises(SettingError, match=r"2\.0"):
        host_json(tmp_path, document)


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:00:30", 30), ("01:02:03.5", 3723.5), ("1.00:00:00", 86400), ("00:05", 300)]
)
def test_a_timespan_is_parsed_as_in_dotnet(text: str, seconds: float) -> None:
    """Days before a point, a fraction after one, seconds optional."""
    assert parse_timespan(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "24:00:00", "00:60:00", "00:00:60", "-00:00:01", "a:b:c"])
def test_an_invalid_timespan_is_rejected(text: str) -> None:
    """Any other text raises."""
    with pytest.raises(ValueError, match="hh:mm:ss"):
        parse_timespan(text)


def test_a_connection_is_a_string_with_or_without_the_platforms_prefix() -> None:
    """AzureWebJobsX comes before X; no name means AzureWebJobsStorage."""
    settings = AppSettings({"X": "second", "AzureWebJobsX": "first", "AzureWebJobsStorage": "default"})
    assert storage_account(settings, "X").connection_string == "first"
    assert storage_account(settings, "").connection_string == "default"


def test_a_connection_may_be_an_identity() -> None:
    """Service addresses, or an account's name, with a credential instead of a key."""
    settings = AppSettings(
        {
            "X__queueServiceUri": "https://a.queue.core.windows.net",
            "X__credential": "managedidentity",
            "X__clientId": "11111111-0000-4000-8000-000000000000",
            "Y__accountName": "b",
        }
    )
    by_address = storage_account(settings, "X")
    assert (by_address.queue_uri, by_address.connection_string) == ("https://a.queue.core.windows.net", "")
    assert type(by_address.credential).__name__ == "ManagedIdentityCredential"
    assert by_address.queue("orders").url == "https://a.queue.core.windows.net/orders"
    by_name = storage_account(settings, "Y")
    assert by_name.container("c").url == "https://b.blob.core.windows.net/c"
    with pytest.raises(SettingError, match="blobServiceUri"):
        by_address.container("c")


@pytest.mark.parametrize("values", [{}, {"X__credential": "managedidentity"}])
def test_a_missing_connection_is_rejected(values: dict[str, str]) -> None:
    """A trigger without its storage setting is rejected by the setting's name."""
    with pytest.raises(SettingError, match="X"):
        storage_account(AppSettings(values), "X")


def test_scaled_times_shorten_the_long_waits_only() -> None:
    """Leases, locks and recovery scale; polling does not; a blob lease stays within the service's limits."""
    times = HostTimes().scaled(0.01)
    assert (times.message_lease, times.lock_recovery) == (6.0, 0.6)
    assert (times.polling_floor, times.polling_cap) == (0.1, 2.0)
    assert (times.lock_seconds, HostTimes().lock_seconds, HostTimes().scaled(10).lock_seconds) == (15, 60, 60)


@pytest.mark.parametrize(
    "changes", [{"message_lease": 0.0}, {"lock_period": -1.0}, {"polling_floor": 3.0, "polling_cap": 2.0}]
)
def test_impossible_times_are_rejected(changes: dict[str, float]) -> None:
    """Times are positive, and the floor is not above the cap."""
    with pytest.raises(ValueError, match="must"):
        HostTimes(**changes)


def test_keys_are_generated_and_not_shown(tmp_path: Path) -> None:
    """Each host has keys of its own, and its representation hides them."""
    first, second = HostConfig(app=tmp_path), HostConfig(app=tmp_path)
    assert len({first.key, first.master_key, second.key, second.master_key}) == 4
    assert first.key not in repr(first)
    assert first.master_key not in repr(first)
