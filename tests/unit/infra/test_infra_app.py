"""How the deployed app scales, and its settings beside the required ones."""

import json
from typing import Any

from adf_trigger.service.threads.workers import QUEUED, THREADS
from adf_trigger.settings import Settings
from adf_trigger.triggers.definitions import read_triggers
from tests.unit.infra.bicep_files import INFRA, given_to, main, path_of, template

HOST: dict[str, Any] = json.loads((INFRA.parent / "host.json").read_text())["extensions"]
function_app = template("modules/function_app.bicep")


def scale() -> dict[str, Any]:
    """How the app scales."""
    found: dict[str, Any] = function_app.resource("app")["properties"]["functionAppConfig"][
        "scaleAndConcurrency"
    ]
    return found


def decorators(parameter: str) -> dict[str, Any]:
    """The decorators of a parameter of main.bicep."""
    found = main().part("parameters")[parameter]["decorators"]
    return {decorator["type"]: decorator.get("argument") for decorator in found}


def test_an_instance_accepts_concurrent_http_requests() -> None:
    """The platform is given the number, since it does not read host.json, and its own for Python is 1."""
    assert scale()["triggers"] == {"http": {"perInstanceConcurrency": "concurrency"}}
    default = main().part("parameters")["httpConcurrency"]["default"]
    # The number that may be in progress or queued; requests that only wait are accepted beyond it.
    assert THREADS < default <= THREADS + QUEUED <= HOST["http"]["maxConcurrentRequests"]
    assert given_to("functionApp")["httpConcurrency"] == "httpConcurrency"


def test_an_instance_accepts_no_more_than_its_host() -> None:
    """A number over host.json's fails the deployment: requests would wait in an instance while others idle."""
    text = function_app.text
    assert path_of(function_app.part("variables")["mostRequests"]["value"]) == [
        "host",
        "extensions",
        "http",
        "maxConcurrentRequests",
    ]
    assert "httpConcurrency <= mostRequests ? httpConcurrency : fail(overHost)" in text


def test_there_is_a_thread_for_every_concurrent_message() -> None:
    """No message waits for a thread while the host holds its lease; HTTP functions are async and need none."""
    text = function_app.text
    assert (
        "var threads = host.extensions.queues.batchSize + host.extensions.queues.newBatchThreshold var "
        in text
    )
    assert "var host = loadJsonContent('../../host.json')" in text
    assert "PYTHON_THREADPOOL_THREAD_COUNT: string(threads)" in text


def test_the_number_of_instances_is_small_and_configurable() -> None:
    """The platform's minimum is 1, and the number applies to each group that scales by itself."""
    assert scale()["maximumInstanceCount"] == "maximumInstances"
    assert decorators("maximumInstances")["min_value"] == 1
    assert decorators("maximumInstances")["max_value"] == 1000
    assert main().part("parameters")["maximumInstances"]["default"] == 10
    assert scale()["instanceMemoryMB"] == "instanceMemory"
    assert decorators("instanceMemory")["allowed"] == [512, 2048, 4096]


def test_further_settings_are_merged_and_cannot_replace_the_deployments_own() -> None:
    """A deployer's settings survive every deployment; a name that the template sets fails it, in any letter case."""
    text = function_app.text
    assert "var allSettings = union(moreSettings, ownSettings, fileSettings)" in text
    assert "properties: empty(overridden) ? allSettings : fail(overriding)" in text
    assert (
        "var namesOfOurs = map(objectKeys(union(ownSettings, fileSettings)), name => toLower(name))" in text
    )
    assert "contains(namesOfOurs, toLower(name))" in text
    assert given_to("functionApp")["moreSettings"] == "settings"


def test_further_settings_are_not_stored_in_the_history_of_deployments() -> None:
    """They may be secrets, so both parameters that carry them are secure; and Key Vault is read as the app."""
    assert "secure" in decorators("settings")
    assert {"type": "secure"} in function_app.part("parameters")["moreSettings"]["decorators"]
    assert function_app.resource("app")["properties"]["keyVaultReferenceIdentity"] == "identityId"


def test_the_policy_comes_from_a_file_that_the_app_accepts() -> None:
    """infra/policy.json is the setting ADF_TRIGGER_POLICY, which is left out where the file is empty."""
    text = function_app.text
    assert "var policy = loadJsonContent('../policy.json')" in text
    assert "empty(policy) ? {} : { ADF_TRIGGER_POLICY: string(policy) }" in text
    policy = (INFRA / "policy.json").read_text()
    settings = Settings.from_env(
        {
            "ADF_TRIGGER_FACTORIES": "/subscriptions/a0b1c2d3-0000-4000-8000-00000000005b/resourceGroups/rg"
            "/providers/Microsoft.DataFactory/factories/adf",
            "AzureWebJobsStorage": "x",
            "ADF_TRIGGER_POLICY": policy,
        }
    )
    assert settings.policy == json.loads(policy) == {}


def test_the_triggers_come_from_a_file_that_the_app_accepts() -> None:
    """infra/triggers.json is the setting ADF_TRIGGER_TRIGGERS, which is left out where the file is empty."""
    text = function_app.text
    assert "var triggers = loadJsonContent('../triggers.json')" in text
    assert "empty(triggers) ? {} : { ADF_TRIGGER_TRIGGERS: string(triggers) }" in text
    assert read_triggers(json.loads((INFRA / "triggers.json").read_text())) == ()


def test_the_routes_come_from_a_file_that_the_app_accepts() -> None:
    """infra/routes.json is the setting ADF_TRIGGER_ROUTES, which is left out where the file is empty."""
    text = function_app.text
    assert "var routes = loadJsonContent('../routes.json')" in text
    assert "empty(routes) ? {} : { ADF_TRIGGER_ROUTES: string(routes) }" in text
    assert json.loads((INFRA / "routes.json").read_text()) == {}


def test_changes_of_the_site_are_sequential() -> None:
    """The settings follow the publishing policies: a site answers 409 to concurrent changes."""
    assert function_app.resource("settings")["dependsOn"] == ["ftp", "scm"]
