"""A document of each kind, as rich as the service's contract lets it be where replies could get it wrong."""

from typing import Any

from tests.integration.emulator.calls import activity, expression


def reference(kind: str, name: str, **parameters: Any) -> dict[str, Any]:
    """A reference to another document."""
    shape: dict[str, Any] = {"referenceName": name, "type": f"{kind}Reference"}
    return {**shape, "parameters": parameters} if parameters else shape


def secret(text: str = "a secret") -> dict[str, str]:
    """A SecureString."""
    return {"type": "SecureString", "value": text}


FACTORY: dict[str, Any] = {
    "location": "East US",
    "tags": {"team": "data"},
    "identity": {
        "type": "SystemAssigned,UserAssigned",
        "userAssignedIdentities": {
            "/subscriptions/s/resourceGroups/g/providers/P/userAssignedIdentities/u": {}
        },
    },
    "properties": {
        "publicNetworkAccess": "Enabled",
        "globalParameters": {
            "limit": {"type": "Int", "value": 3},
            "names": {"type": "Array", "value": ["a"]},
        },
        "repoConfiguration": {
            "type": "FactoryGitHubConfiguration",
            "accountName": "contoso",
            "repositoryName": "pipelines",
            "collaborationBranch": "main",
            "rootFolder": "/",
        },
    },
}

BLOB_STORAGE: dict[str, Any] = {
    "type": "AzureBlobStorage",
    "description": "with its key in the connection string",
    "annotations": ["storage"],
    "parameters": {"key": {"type": "SecureString", "defaultValue": "a secret"}},
    "typeProperties": {
        "connectionString": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a secret;",
        "encryptedCredential": "a secret",
    },
}
BINARY: dict[str, Any] = {
    "type": "Binary",
    "linkedServiceName": reference("LinkedService", "storage", key="@dataset().key"),
    "folder": {"name": "raw"},
    "parameters": {"key": {"type": "String"}},
    "typeProperties": {
        "location": {
            "type": "AzureBlobStorageLocation",
            "container": "c",
            "fileName": expression("@dataset().key"),
        },
        "compression": {"type": "ZipDeflate", "level": "Optimal"},
    },
}
_POLICY = {"timeout": "0.01:00:00", "retry": 1, "retryIntervalInSeconds": 30, "secureInput": True}
PIPELINE: dict[str, Any] = {
    "description": "activities of many types, two deep",
    "annotations": ["sample"],
    "concurrency": 2,
    "folder": {"name": "samples"},
    "policy": {"elapsedTimeMetric": {"duration": "0.00:10:00"}},
    "runDimensions": {"tenant": expression("@pipeline().DataFactory")},
    "parameters": {
        "names": {"type": "Array", "defaultValue": ["a", "b"]},
        "password": {"type": "SecureString", "defaultValue": "a secret"},
    },
    "variables": {"last": {"type": "String", "defaultValue": "none"}, "all": {"type": "Array"}},
    "activities": [
        {
            **activity(
                "call",
                "WebActivity",
                url="https://example.com/",
                method="POST",
                body={"a": 1},
                authentication={"type": "Basic", "username": "u", "password": secret()},
            ),
            "policy": _POLICY,
            "userProperties": [{"name": "owner", "value": "data"}],
            "state": "Inactive",
            "onInactiveMarkAs": "Succeeded",
        },
        activity(
            "each",
            "ForEach",
            after="call",
            items=expression("@pipeline().parameters.names"),
            isSequential=False,
            batchCount=2,
            activities=[activity("add", "AppendVariable", variableName="all", value="@item()")],
        ),
        activity(
            "whether",
            "IfCondition",
            expression=expression("@equals(1, 1)"),
            ifTrueActivities=[activity("wait", "Wait", waitTimeInSeconds=1)],
            ifFalseActivities=[activity("fail", "Fail", message="no", errorCode="1")],
        ),
        {
            **activity(
                "copy",
                "Copy",
                source={
                    "type": "BinarySource",
                    "storeSettings": {"type": "AzureBlobStorageReadSettings", "recursive": True},
                },
                sink={"type": "BinarySink", "storeSettings": {"type": "AzureBlobStorageWriteSettings"}},
            ),
            "inputs": [reference("Dataset", "binary", key="in")],
            "outputs": [reference("Dataset", "binary", key="out")],
        },
    ],
}
TRIGGER: dict[str, Any] = {
    "type": "ScheduleTrigger",
    "annotations": [],
    "pipelines": [
        {
            "pipelineReference": reference("Pipeline", "sample"),
            "parameters": {"names": ["@trigger().scheduledTime"]},
        }
    ],
    "typeProperties": {
        "recurrence": {
            "frequency": "Day",
            "interval": 1,
            "startTime": "2030-01-01T00:00:00Z",
            "timeZone": "UTC",
            "schedule": {"hours": [6], "minutes": [0, 30]},
        }
    },
}
CREDENTIAL: dict[str, Any] = {
    "type": "ServicePrincipal",
    "typeProperties": {
        "tenant": "t",
        "servicePrincipalId": "p",
        "servicePrincipalKey": {
            "type": "AzureKeyVaultSecret",
            "secretName": "key",
            "store": reference("LinkedService", "storage"),
        },
    },
}
GLOBAL_PARAMETERS: dict[str, Any] = {
    "limit": {"type": "Int", "value": 3},
    "on": {"type": "Bool", "value": True},
    "names": {"type": "Array", "value": ["a"]},
}
DATA_FLOW: dict[str, Any] = {
    "type": "MappingDataFlow",
    "folder": {"name": "flows"},
    "typeProperties": {
        "sources": [{"name": "from", "dataset": reference("Dataset", "binary")}],
        "sinks": [{"name": "to", "dataset": reference("Dataset", "binary")}],
        "transformations": [{"name": "pick"}],
        "scriptLines": ["source() ~> from", "from sink() ~> to"],
    },
}
INTEGRATION_RUNTIME: dict[str, Any] = {
    "type": "Managed",
    "description": "of the service's own",
    "typeProperties": {
        "computeProperties": {
            "location": "AutoResolve",
            "dataFlowProperties": {
                "computeType": "General",
                "coreCount": 8,
                "timeToLive": 10,
                "cleanup": True,
            },
        }
    },
}
