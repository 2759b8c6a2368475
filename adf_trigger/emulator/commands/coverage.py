"""The features of the real service and whether each is emulated: a Markdown page, generated from the code.

    python -m adf_trigger.emulator.commands.coverage > PAGE.md

The service's features are listed here; the emulated ones are read from the tables that the emulator itself uses.
"""

import sys
from collections.abc import Iterable, Iterator

from adf_trigger.emulator.activities.catalogue import CONTROL, EXECUTION
from adf_trigger.emulator.connectors.catalogue import (
    BYTES_FORMATS,
    FILE_STORES,
    RECORD_FORMATS,
    RECORD_STORES,
)
from adf_trigger.emulator.connectors.legacy import AZURE_BLOB
from adf_trigger.emulator.expressions import TABLE
from adf_trigger.emulator.http.routes import OPERATIONS


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_OPERATION_GROUPS = {
    "ActivityRuns": "QueryByPipelineRun",
    "ChangeDataCapture": "CreateOrUpdate Delete Get ListByFactory Start Status Stop",
    "CredentialOperations": "CreateOrUpdate Delete Get ListByFactory",
    "DataFlowDebugSession": "AddDataFlow Create Delete ExecuteCommand QueryByFactory",
    "DataFlows": "CreateOrUpdate Delete Get ListByFactory",
    "Datasets": "CreateOrUpdate Delete Get ListByFactory",
    "ExposureControl": "GetFeatureValue GetFeatureValueByFactory QueryFeatureValuesByFactory",
    "Factories": "ConfigureFactoryRepo CreateOrUpdate Delete Get GetDataPlaneAccess GetGitHubAccessToken List"
    " ListByResourceGroup Update",
    "GlobalParameters": "CreateOrUpdate Delete Get ListByFactory",
    "IntegrationRuntimeNodes": "Delete Get GetIpAddress Update",
    "IntegrationRuntimeObjectMetadata": "Get Refresh",
    "IntegrationRuntimes": "CreateLinkedIntegrationRuntime CreateOrUpdate Delete Get GetConnectionInfo"
    " GetMonitoringData GetStatus ListAuthKeys ListByFactory ListOutboundNetworkDependenciesEndpoints"
    " RegenerateAuthKey RemoveLinks Start Stop SyncCredentials Update Upgrade",
    "LinkedServices": "CreateOrUpdate Delete Get ListByFactory",
    "ManagedPrivateEndpoints": "CreateOrUpdate Delete Get ListByFactory",
    "ManagedVirtualNetworks": "CreateOrUpdate Get ListByFactory",
    "Operations": "List",
    "PipelineRuns": "Cancel Get QueryByFactory",
    "Pipelines": "CreateOrUpdate CreateRun Delete Get ListByFactory",
    "PrivateEndpointConnection": "CreateOrUpdate Delete Get",
    "TriggerRuns": "Cancel QueryByFactory Rerun",
    "Triggers": "CreateOrUpdate Delete Get GetEventSubscriptionStatus ListByFactory QueryByFactory Start Stop"
    " SubscribeToEvents UnsubscribeFromEvents",
    "privateEndPointConnections": "ListByFactory",
    "privateLinkResources": "Get",
}
SERVICE_OPERATIONS = tuple(
    f"{group}_{name}" for group, names in _OPERATION_GROUPS.items() for name in _words(names)
)
"""Every operation of api-version 2018-06-01."""

SERVICE_ACTIVITIES = _words(
    "AppendVariable AzureDataExplorerCommand AzureFunctionActivity AzureMLBatchExecution AzureMLExecutePipeline"
    " AzureMLUpdateResource Copy Custom DataLakeAnalyticsU-SQL DatabricksNotebook DatabricksSparkJar"
    " DatabricksSparkPython Delete ExecuteDataFlow ExecutePipeline ExecuteSSISPackage ExecuteWranglingDataflow Fail"
    " Filter ForEach GetMetadata HDInsightHive HDInsightMapReduce HDInsightPig HDInsightSpark HDInsightStreaming"
    " IfCondition Lookup Script SetVariable SparkJob SqlServerStoredProcedure Switch SynapseNotebook Until"
    " Validation Wait WebActivity WebHook"
)
"""Every type of activity."""

SERVICE_FORMATS = ("Avro", "Binary", "DelimitedText", "Excel", "Iceberg", "Json", "Orc", "Parquet", "Xml")
"""Every format of files."""

SERVICE_FUNCTIONS = _words(
    "add addDays addHours addMinutes addSeconds addToTime and array base64 base64ToBinary base64ToString binary"
    " bool coalesce concat contains convertFromUtc convertTimeZone convertToUtc createArray dataUri dataUriToBinary"
    " dataUriToString dayOfMonth dayOfWeek dayOfYear decodeBase64 decodeDataUri decodeUriComponent div empty"
    " encodeUriComponent endsWith equals first float formatDateTime getFutureTime getPastTime greater"
    " greaterOrEquals guid if indexOf int intersection join json last lastIndexOf length less lessOrEquals max min"
    " mod mul not or rand range replace skip split startOfDay startOfHour startOfMonth startsWith string sub"
    " substring subtractFromTime take ticks toLower toUpper trim union uriComponent uriComponentToBinary"
    " uriComponentToString utcNow xml xpath"
)
"""Every function of the expression language, as documented."""

_OTHER_LINKED_SERVICES = ("AzureFunction", "AzureKeyVault")
"""Emulated linked services that are not stores."""

_STORED = "stored and shown; runs do not use it"
_NOTES = {
    **{
        f"{group}_{verb}": _STORED
        for group in ("CredentialOperations", "DataFlows", "IntegrationRuntimes")
        for verb in ("CreateOrUpdate", "Delete", "Get", "ListByFactory")
    },
    "AzureFunctionActivity": "as in the service, a 202 is the answer: the work behind it is not awaited",
    "Triggers_Start": "schedule triggers fire; other types are stored, and refuse to start",
}


def page() -> str:
    """The page."""
    return "\n".join(_lines()) + "\n"


def emulated_operations() -> frozenset[str]:
    """Operation ids of the service that are emulated."""
    return frozenset(operation.spec_id for operation in OPERATIONS if operation.spec_id)


def emulated_activities() -> frozenset[str]:
    """Types of activities that are emulated."""
    return frozenset({*EXECUTION, *CONTROL, "WebHook"})


def _lines() -> Iterator[str]:
    yield "# What the local Data Factory emulates"
    yield ""
    yield "Generated by `python -m adf_trigger.emulator.commands.coverage`; do not edit."
    yield ""
    yield from _table("Operations", "Operation", SERVICE_OPERATIONS, emulated_operations())
    yield "Also: the 2017-09-01-preview forms of the run queries, of cancel and of trigger runs; and create or update,"
    yield "get and delete of the version 1 `datafactories` (2015-10-01), which can be switched off. Of Azure"
    yield "Resource Manager: the cloud's metadata, tenants, subscriptions, locations, providers, resource groups and"
    yield "their resources, and the results of their deletion."
    yield ""
    yield from _table("Activities", "Activity", SERVICE_ACTIVITIES, emulated_activities())
    yield "An activity of another type fails its run immediately, with a message that names it."
    yield ""
    yield from _table("File formats", "File format", SERVICE_FORMATS, {*BYTES_FORMATS, *RECORD_FORMATS})
    stores = {*FILE_STORES, *(store.linked_service for store in RECORD_STORES.values())}
    connectors = sorted({*stores, *_OTHER_LINKED_SERVICES})
    datasets = sorted({AZURE_BLOB, *BYTES_FORMATS, *RECORD_FORMATS, *RECORD_STORES})
    yield f"Datasets of these types work: {', '.join(datasets)}."
    yield f"Datasets of type {AZURE_BLOB} work without a `format`, to copy files as they are."
    yield f"Linked services of these types work: {', '.join(connectors)}."
    yield "Others are stored; a run that uses one fails with a message that names it."
    yield ""
    yield from _table("Functions", "Function", SERVICE_FUNCTIONS, {function.name for function in TABLE})


def _table(title: str, one: str, names: Iterable[str], emulated: Iterable[str]) -> Iterator[str]:
    known = {name.lower() for name in emulated}
    rows = [(name, name.lower() in known) for name in names]
    yield f"## {title}"
    yield ""
    yield f"{sum(done for _, done in rows)} of {len(rows)}."
    yield ""
    yield f"| {one} | Emulated |"
    yield "| --- | --- |"
    for name, done in rows:
        note = f" ({_NOTES[name]})" if done and name in _NOTES else ""
        yield f"| {name} | {'yes' if done else 'no'}{note} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
