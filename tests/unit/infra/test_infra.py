"""The deployment, checked against the settings that the code reads and against its promises."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from adf_trigger.azure.credential_kinds import CredentialKind
from adf_trigger.emulator.arm.authorization import ROLE_ACTIONS
from adf_trigger.settings import POISON_SUFFIX, Settings
from tests.support.documents import section, table_rows
from tests.unit.infra.bicep_files import (
    INFRA,
    Template,
    assigned_roles,
    given_to,
    literal,
    loop_of,
    main,
    path_of,
    role_of,
    template,
)

ROOT = INFRA.parent
BICEP_FILES = sorted(str(path.relative_to(INFRA)) for path in INFRA.rglob("*.bicep"))
FACTORY = (
    "/subscriptions/a0b1c2d3-0000-4000-8000-00000000005b/resourceGroups/rg"
    "/providers/Microsoft.DataFactory/factories/adf"
)
OF_THE_PLATFORM = {
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__credential",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "PYTHON_THREADPOOL_THREAD_COUNT",
}
"""Settings that the host or the Python worker reads."""
KNOWN_ONCE_DEPLOYED = {
    "AzureWebJobsStorage__blobServiceUri": "https://acme.blob.core.windows.net/",
    "AzureWebJobsStorage__queueServiceUri": "https://acme.queue.core.windows.net/",
    "AzureWebJobsStorage__tableServiceUri": "https://acme.table.core.windows.net/",
    "AzureWebJobsStorage__accountName": "acme",
    "AzureWebJobsStorage__clientId": "a0b1c2d3-0000-4000-8000-0000000000d2",
    "AZURE_CLIENT_ID": "a0b1c2d3-0000-4000-8000-0000000000d2",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=a0b1c2d3",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "ClientId=a0b1c2d3;Authorization=AAD",
    "PYTHON_THREADPOOL_THREAD_COUNT": "32",
    "ADF_TRIGGER_FACTORIES": FACTORY,
    "ADF_TRIGGER_CLOUD": "public",
}
STORAGE_ROLES = {
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}
METRICS_PUBLISHER = "3913510d-42f4-4e42-8a64-420c390055eb"
DATA_FACTORY_CONTRIBUTOR = "673868aa-7521-48a0-acc6-0f60742d39f5"
SECRETS = re.compile(
    r"listKeys|listAccountSas|listServiceSas|AccountKey|SharedAccess|[?&]sig=|password\s*[:=]|secret\s*[:=]"
    r"|DefaultEndpointsProtocol|StorageAccountConnectionString",
    re.IGNORECASE,
)

storage = template("modules/storage.bicep")
function_app = template("modules/function_app.bicep")
factory_role = template("modules/factory_role.bicep")
monitoring = template("modules/monitoring.bicep")


def app_settings() -> dict[str, Any]:
    """The app's settings as expressions."""
    settings: dict[str, Any] = function_app.part("variables")["ownSettings"]["value"]
    return settings


def environment() -> dict[str, str]:
    """The app's settings as it will read them, with examples for values that only the deployment knows."""
    values = {name: literal(value, function_app, "functionApp") for name, value in app_settings().items()}
    unknown = {name for name, value in values.items() if value is None}
    assert unknown == set(KNOWN_ONCE_DEPLOYED)
    return {name: str(value) for name, value in {**values, **KNOWN_ONCE_DEPLOYED}.items()}


@pytest.mark.parametrize("name", BICEP_FILES)
def test_every_file_is_bicep(name: str) -> None:
    """An independent parser reads every file."""
    assert template(name).part("resources")


def test_modules_are_files_of_ours() -> None:
    """No module comes from a registry, so a deployment restores nothing; and every module is used."""
    modules = main().part("modules")
    assert {module["type"] for module in modules.values()} == {"local"}
    assert {main().module(symbol).path for symbol in modules} == set((INFRA / "modules").iterdir())


@pytest.mark.parametrize("symbol", sorted(main().part("modules")))
def test_a_module_is_given_its_parameters(symbol: str) -> None:
    """Every parameter without a default is given, and no undeclared one."""
    given = set(given_to(symbol))
    declared = main().module(symbol).part("parameters")
    required = {name for name, parameter in declared.items() if parameter["default"] is None}
    assert required <= given <= set(declared)


@pytest.mark.parametrize("name", BICEP_FILES)
def test_every_used_name_is_declared(name: str) -> None:
    """Parameters and variables are all used; symbols before a dot are declared; outputs of modules exist."""
    file = template(name)
    text = re.sub(r"//.*", "", file.path.read_text())
    for declared in [*file.part("parameters"), *file.part("variables")]:
        assert len(re.findall(rf"\b{declared}\b", text)) > 1
    for module, output in re.findall(r"(\w+)\.outputs\.(\w+)", text):
        assert output in file.module(module).part("outputs")
    symbols = {
        *file.part("resources"),
        *file.part("modules"),
        *file.part("parameters"),
        *file.part("variables"),
    }
    for symbol in re.findall(r"(?:parent|scope): (\w+)$", text, re.MULTILINE):
        assert symbol in symbols
    in_lambdas = set(re.findall(r"(\w+) =>", text))
    for symbol in re.findall(r"[ {(](\w+)\.(?:id|name|properties|outputs)\b", text):
        assert symbol in symbols | in_lambdas


def test_the_parameters_file_gives_the_parameters_of_main() -> None:
    """azd finds every parameter in its environment, with the template's own default, and no unknown one."""
    document = json.loads((INFRA / "main.parameters.json").read_text())
    given = {name: entry["value"] for name, entry in document["parameters"].items()}
    declared = main().part("parameters")
    assert set(given) == set(declared)
    for name, value in given.items():
        variable = re.fullmatch(r"\$\{[A-Z_]+(=(?P<default>\w+))?\}", value)
        assert variable is not None
        assert variable["default"] == _as_azd_writes_it(declared[name]["default"])


def _as_azd_writes_it(default: object) -> str | None:
    """None also for arrays and objects: where their variable is not set, azd uses the template's default."""
    match default:
        case None | [] | {}:
            return None
        case bool():
            return str(default).lower()
    return str(default)


def test_azds_version_does_not_delete_the_factorys_group() -> None:
    """azd before 1.24.1 deletes on `azd down` every group that a deployment touched; it does not load the project."""
    document = yaml.safe_load((ROOT / "azure.yaml").read_text())
    assert document["requiredVersions"] == {"azd": ">= 1.24.1"}


def test_azd_finds_its_service() -> None:
    """azure.yaml and the tags agree, and the service is this repository."""
    document = yaml.safe_load((ROOT / "azure.yaml").read_text())
    assert document["services"] == {"api": {"project": ".", "language": "python", "host": "function"}}
    assert (ROOT / "host.json").is_file()
    tags = function_app.resource("app")["tags"]["function"]["parameters"]
    assert tags == {"arg_1": "tags", "arg_2": {"'azd-service-name'": "api"}}
    assert main().part("variables")["tags"]["value"] == {"'azd-env-name'": "environmentName"}


def test_every_resource_has_the_tags_of_its_environment() -> None:
    """Resources that can be tagged are tagged, so that azd finds them again."""
    for name in BICEP_FILES:
        for symbol, resource in template(name).part("resources").items():
            body = template(name).resource(symbol)
            assert resource["existing"] or "location" not in body or "tags" in body


def test_the_settings_of_the_deployment_are_settings_of_the_app() -> None:
    """The app starts with the deployment's settings: signed in as the user-assigned identity, on its storage."""
    settings = Settings.from_env(environment())
    assert [str(factory) for factory in settings.factories.values()] == [FACTORY]
    assert settings.credential is CredentialKind.MANAGED_IDENTITY
    assert settings.client_id == settings.storage_client_id == KNOWN_ONCE_DEPLOYED["AZURE_CLIENT_ID"]
    assert settings.storage_connection_string is None
    assert settings.storage_table_uri == "https://acme.table.core.windows.net"
    assert settings.storage_queue_uri == "https://acme.queue.core.windows.net"


def test_deployed_values_come_from_their_resources() -> None:
    """Endpoints are those of the storage account, ids those of the identity, the factory is the given one."""
    settings = app_settings()
    for service in ("blob", "queue", "table"):
        endpoint = settings[f"AzureWebJobsStorage__{service}ServiceUri"]
        assert path_of(endpoint) == ["storage", "properties", "primaryEndpoints", service]
    given = given_to("functionApp")
    assert path_of(settings["AzureWebJobsStorage__accountName"]) == ["storage", "name"]
    for name in ("AZURE_CLIENT_ID", "AzureWebJobsStorage__clientId"):
        assert path_of(given[settings[name]]) == ["identity", "outputs", "clientId"]
    assert path_of(given["storageName"]) == ["storage", "outputs", "name"]
    assert path_of(given["identityId"]) == ["identity", "outputs", "id"]
    for module in ("storage", "monitoring", "factoryRole"):
        assert path_of(given_to(module)["principalId"]) == ["identity", "outputs", "principalId"]


def test_every_setting_is_read() -> None:
    """Every setting is read by the code or by the platform, and every required one is set."""
    read = {str(field.alias): field.is_required() for field in Settings.model_fields.values()}
    assert set(app_settings()) <= set(read) | OF_THE_PLATFORM
    assert {name for name, required in read.items() if required} <= set(app_settings())


def test_deployed_values_are_not_left_to_defaults() -> None:
    """Names of queues and table, the cloud and the credential are set from the deployed resources."""
    assert {
        "ADF_TRIGGER_REQUESTS_QUEUE",
        "ADF_TRIGGER_REJECTED_QUEUE",
        "ADF_TRIGGER_EVENTS_QUEUE",
        "ADF_TRIGGER_TABLE",
        "ADF_TRIGGER_CLOUD",
        "ADF_TRIGGER_CREDENTIAL",
    } <= set(app_settings())


def test_the_clouds_are_those_of_the_settings() -> None:
    """Azure's name of every cloud is translated into one that the settings accept."""
    clouds = function_app.part("variables")["clouds"]["value"]
    assert set(clouds) == {"AzureCloud", "AzureUSGovernment", "AzureChinaCloud"}
    taken = {
        Settings.from_env({**environment(), "ADF_TRIGGER_CLOUD": cloud}).cloud for cloud in clouds.values()
    }
    assert len(taken) == 3


def test_queues_and_table_are_created_under_the_app_s_names() -> None:
    """The queues, the host's poison queue among them, and the table have the names of the settings' defaults."""
    settings = Settings.from_env({"ADF_TRIGGER_FACTORIES": FACTORY, "AzureWebJobsStorage": "x"})
    loop = loop_of(storage, "queues")
    assert storage.resource("queues")["name"] == loop["item_name"]
    assert literal(loop["array_name"], storage, "storage") == [
        settings.requests_queue,
        settings.rejected_queue,
        settings.requests_queue + POISON_SUFFIX,
        settings.events_queue,
    ]
    assert literal(storage.resource("table")["name"], storage, "storage") == settings.table
    deployed = Settings.from_env(environment())
    assert deployed.requests_queue == settings.requests_queue
    assert deployed.rejected_queue == settings.rejected_queue
    assert deployed.events_queue == settings.events_queue
    assert deployed.table == settings.table


def test_storage_accepts_no_keys() -> None:
    """Storage is accessed by identity alone, encrypted, and has no public access."""
    properties = storage.resource("account")["properties"]
    assert properties["allowSharedKeyAccess"] is False
    assert properties["allowBlobPublicAccess"] is False
    assert properties["minimumTlsVersion"] == "TLS1_2"
    assert properties["supportsHttpsTrafficOnly"] is True
    assert storage.resource("deploymentContainer")["properties"] == {"publicAccess": "None"}


def test_telemetry_accepts_no_keys() -> None:
    """Application Insights accepts telemetry by identity alone, and the identity may send it."""
    assert monitoring.resource("applicationInsights")["properties"]["DisableLocalAuth"] is True
    (role,) = assigned_roles(monitoring)
    assert role["scope"] == "applicationInsights"
    assert monitoring.part("variables")["metricsPublisher"]["value"] == METRICS_PUBLISHER
    assert role_of(role) == "metricsPublisher"


def test_the_identity_has_the_storage_roles_it_needs() -> None:
    """Blobs for the host, queues and the table for the app; on the account, and no other role."""
    (role,) = assigned_roles(storage)
    loop = loop_of(storage, "roles")
    assert role["scope"] == "account"
    assert role_of(role) == loop["item_name"]
    assert sorted(literal(loop["array_name"], storage, "storage")) == sorted(STORAGE_ROLES.values())  # type: ignore[call-overload]  # a list of text


def test_the_factory_role_allows_what_the_app_does_and_no_more() -> None:
    """The role has the actions under which the whole service runs against the local Data Factory."""
    (permission,) = factory_role.resource("runnerRole")["properties"]["permissions"]
    assert sorted(permission["actions"]) == sorted(ROLE_ACTIONS["ADF Trigger"])
    assert not [
        action for action in permission["actions"] if "*" in action or action.endswith(("write", "delete"))
    ]
    assert permission["dataActions"] == []


def test_the_built_in_role_is_an_explicit_fallback() -> None:
    """Data Factory Contributor is assigned only where the deployer chooses it."""
    assert main().part("parameters")["useBuiltInFactoryRole"]["default"] is False
    assert factory_role.part("variables")["builtInRole"]["value"] == DATA_FACTORY_CONTRIBUTOR
    choice = factory_role.part("variables")["roleId"]["value"]["operator"]["operands"]
    assert choice == {
        "condition": "useBuiltInRole",
        "true_value": "builtInRole",
        "false_value": "runnerRoleName",
    }


@pytest.mark.parametrize("file", [storage, monitoring], ids=lambda file: file.path.stem)
def test_a_role_assignment_can_be_deployed_again(file: Template) -> None:
    """Its name is derived from scope, principal and role, so that a second deployment finds it."""
    (role,) = assigned_roles(file)
    parts = role["name"]["function"]["parameters"]
    assert role["name"]["function"]["type"] == "guid"
    assert path_of(parts["base_string"]) == [role["scope"], "id"]
    assert (parts["extra_string_1"], parts["extra_string_2"]) == ("principalId", role_of(role))
    assert role["properties"]["principalId"] == "principalId"
    assert role["properties"]["principalType"] == "ServicePrincipal"


def test_the_app_runs_on_flex_consumption_as_its_identity() -> None:
    """Plan, package and runtime are those of a Python app on Flex Consumption, all by the user-assigned identity."""
    assert function_app.resource("plan")["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    app = function_app.resource("app")
    assert app["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {"'${identityId}'": {}}}
    config = app["properties"]["functionAppConfig"]
    assert config["deployment"]["storage"]["authentication"] == {
        "type": "UserAssignedIdentity",
        "userAssignedIdentityResourceId": "identityId",
    }
    assert config["runtime"] == {"name": "python", "version": "3.12"}
    assert app["properties"]["httpsOnly"] is True


def test_publishing_passwords_are_disabled() -> None:
    """Neither FTP nor the deployment site accepts a user name and password."""
    policies = function_app.of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert {policy["name"]: policy["properties"] for policy in policies} == {
        "ftp": {"allow": False},
        "scm": {"allow": False},
    }


@pytest.mark.parametrize(
    "path",
    sorted([*(path for path in INFRA.rglob("*.*") if path.suffix != ".pyc"), ROOT / "azure.yaml"]),
    ids=lambda path: path.name,
)
def test_no_file_holds_a_key_or_a_secret(path: Path) -> None:
    """No file requests a key, holds one, or passes one on."""
    assert SECRETS.findall(path.read_text()) == []


def test_the_readme_names_every_choice() -> None:
    """It lists every variable of the deployment with its default, except those that azd sets itself."""
    document = json.loads((INFRA / "main.parameters.json").read_text())
    parameters = {
        entry["value"].strip("${}").partition("=")[0]: name for name, entry in document["parameters"].items()
    }
    defaults = {name: declared["default"] for name, declared in main().part("parameters").items()}
    documented = {
        row[0]: row[1] for row in table_rows(section((ROOT / "README.md").read_text(), "## Deploy"))
    }
    assert documented == {
        f"`{variable}`": "asked for" if defaults[name] is None else f"`{_as_text(defaults[name])}`"
        for variable, name in parameters.items()
        if variable not in ("AZURE_ENV_NAME", "AZURE_LOCATION")
    }


def _as_text(default: object) -> str:
    return default if isinstance(default, str) else json.dumps(default)
