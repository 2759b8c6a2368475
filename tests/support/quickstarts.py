"""The requests of Microsoft's two REST quickstarts, and the shapes of their sample replies.

Samples are data: the members, in order where the sample has one, and the kind of each value. Those that PowerShell cut
short (`@{name=...}`) are expanded.
"""

import re
from typing import Any

GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
KINDS = {
    "guid": re.compile(GUID),
    "hex": re.compile(r"[0-9a-f]{32}"),
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z"),
    "etag": re.compile(r"[0-9a-f]{8}-0000-0[0-9a-f]00-0000-[0-9a-f]{12}"),
    "quoted etag": re.compile(r'"[0-9a-f]{8}-0000-0[0-9a-f]00-0000-[0-9a-f]{12}"'),
    "runtime": re.compile(r"DefaultIntegrationRuntime \(.+\)"),
}
KNOWN_TYPES: dict[str, type | tuple[type, ...]] = {"text": str, "int": int, "number": (int, float)}

FACTORY_SAMPLE = {
    "name": "=name",
    "identity": {"type": "=SystemAssigned", "principalId": "guid", "tenantId": "guid"},
    "id": "=id",
    "type": "=Microsoft.DataFactory/factories",
    "properties": {"provisioningState": "=Succeeded", "createTime": "time", "version": "=2018-06-01"},
    "eTag": "quoted etag",
    "location": "=East US",
    "tags": {},
}
RUN_SAMPLE: dict[str, Any] = {
    "id": "text",
    "runId": "guid",
    "debugRunId": None,
    "runGroupId": "guid",
    "pipelineName": "text",
    "parameters": "any",
    "invokedBy": {"id": "hex", "name": "=Manual", "invokedByType": "=Manual"},
    "runStart": "time",
    "runEnd": "time",
    "durationInMs": "int",
    "status": "=Succeeded",
    "message": "=",
    "lastUpdated": "time",
    "annotations": [],
    "runDimension": {},
    "pipelineReturnValue": {},  # not in the quickstarts, and in recordings of 2024
    "isLatest": True,
}
EXECUTION_SAMPLE = {
    "source": "any",
    "sink": "any",
    "status": "=Succeeded",
    "start": "any",
    "duration": "int",
    "usedDataIntegrationUnits": "int",
    "usedParallelCopies": "int",
    "profile": "any",
    "detailedDurations": "any",
}
ACTIVITY_SAMPLE: dict[str, Any] = {
    "activityRunEnd": "time",
    "activityName": "=CopyFromBlobToBlob",
    "activityRunStart": "time",
    "activityType": "=Copy",
    "durationInMs": "int",
    "retryAttempt": None,
    "error": {
        "errorCode": "=",
        "message": "=",
        "failureType": "=",
        "target": "=CopyFromBlobToBlob",
        "details": "=",
    },
    "activityRunId": "guid",
    "iterationHash": "=",
    "input": {
        "source": {
            "type": "=BinarySource",
            "storeSettings": {"type": "=AzureBlobStorageReadSettings", "recursive": True},
        },
        "sink": {"type": "=BinarySink", "storeSettings": {"type": "=AzureBlobStorageWriteSettings"}},
        "enableStaging": False,
    },
    "linkedServiceName": "=",
    "output": {
        "dataRead": "int",
        "dataWritten": "int",
        "filesRead": "int",
        "filesWritten": "int",
        "sourcePeakConnections": "int",
        "sinkPeakConnections": "int",
        "copyDuration": "int",
        "throughput": "number",
        "errors": [],
        "effectiveIntegrationRuntime": "runtime",
        "usedDataIntegrationUnits": "int",
        "billingReference": "any",
        "usedParallelCopies": "int",
        "executionDetails": [EXECUTION_SAMPLE],
        "dataConsistencyVerification": {"VerificationResult": "=NotVerified"},
        "durationInQueue": {"integrationRuntimeQueue": "int"},
    },
    "userProperties": {},
    "pipelineName": "text",
    "pipelineRunId": "guid",
    "status": "=Succeeded",
    "recoveryStatus": "=None",
    "integrationRuntimeNames": ["=defaultintegrationruntime"],
    "executionDetails": {
        "integrationRuntime": [{"name": "text", "type": "=Managed", "location": "text", "nodes": "any"}]
    },
    "id": "text",
}


def fits(value: Any, sample: Any, where: str = "") -> None:
    """Compare a reply with a sample: the same members and no others, values of the same kind."""
    if isinstance(sample, dict):
        assert isinstance(value, dict), where
        assert set(value) == set(sample), where
        for name, inner in sample.items():
            fits(value[name], inner, f"{where}.{name}")
    elif isinstance(sample, list):
        assert isinstance(value, list), where
        assert len(value) == len(sample), where
        for number, inner in enumerate(sample):
            fits(value[number], inner, f"{where}[{number}]")
    elif not isinstance(sample, str):
        assert value is sample, where
    elif sample.startswith("="):
        assert value == sample[1:], where
    elif sample in KINDS:
        assert KINDS[sample].fullmatch(value), f"{where}: {value!r} is no {sample}"
    elif sample != "any":
        assert isinstance(value, KNOWN_TYPES[sample]), where
        assert not isinstance(value, bool), where


def resource(factory: str, kind: str, name: str, properties: Any) -> dict[str, Any]:
    """The sample of a PUT below a factory."""
    return {
        "id": f"={factory}/{kind}/{name}",
        "name": f"={name}",
        "type": f"=Microsoft.DataFactory/factories/{kind}",
        "properties": properties,
        "etag": "etag",
    }


def literally(value: Any) -> Any:
    """A sample that only this value matches."""
    if isinstance(value, dict):
        return {name: literally(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [literally(inner) for inner in value]
    return f"={value}" if isinstance(value, str) else value


def binary(container: str, folder: str, file_name: Any = None, parameter: str = "") -> dict[str, Any]:
    """The properties of a Binary dataset, as both documents print them."""
    location = {"type": "AzureBlobStorageLocation"}
    if file_name is not None:
        location["fileName"] = file_name
    location |= {"folderPath": folder, "container": container}
    return {
        "linkedServiceName": {"referenceName": "AzureStorageLinkedService", "type": "LinkedServiceReference"},
        **({"parameters": {parameter: {"type": "string"}}} if parameter else {}),
        "annotations": [],
        "type": "Binary",
        "typeProperties": {"location": location},
    }


def copy(source: dict[str, Any], sink: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The properties of a pipeline, as both documents print them."""
    activity = {
        "name": "CopyFromBlobToBlob",
        "type": "Copy",
        "dependsOn": [],
        "policy": {
            "timeout": "7.00:00:00",
            "retry": 0,
            "retryIntervalInSeconds": 30,
            "secureOutput": False,
            "secureInput": False,
        },
        "userProperties": [],
        "typeProperties": {
            "source": {
                "type": "BinarySource",
                "storeSettings": {"type": "AzureBlobStorageReadSettings", "recursive": True},
            },
            "sink": {"type": "BinarySink", "storeSettings": {"type": "AzureBlobStorageWriteSettings"}},
            "enableStaging": False,
        },
        "inputs": [{"type": "DatasetReference", **source}],
        "outputs": [{"type": "DatasetReference", **sink}],
    }
    return {"activities": [activity], **more}


def text_expression(value: str) -> dict[str, str]:
    """An expression, as the second document prints it."""
    return {"value": value, "type": "Expression"}
