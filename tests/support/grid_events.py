"""Events as Event Grid delivers them, in both of its schemas, and triggers as a factory's Git repository has them."""

import json
from typing import Any

ACCOUNT = "/subscriptions/a0b1/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/lake"
TOPIC = "/subscriptions/a0b1/resourceGroups/rg/providers/Microsoft.EventGrid/topics/orders"
NAMES = ("orders.csv", "Größe 100%.csv", "a%20b+c.csv", "日本/データ 🚀.csv", "~%2F&?#=;'\".csv")
"""Names of blobs: with blanks, percent signs, other scripts, and a folder."""


def blob_created(
    name: str = "orders.csv", *, tag: str = "0x8DE2C", id_: str = "e-1", **data: Any
) -> dict[str, Any]:
    """A blob was created below in/raw, in Event Grid's own schema."""
    return {
        "topic": ACCOUNT,
        "subject": f"/blobServices/default/containers/in/blobs/raw/{name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "id": id_,
        "data": {
            "api": "PutBlob",
            "clientRequestId": "6d79dbfb-0e37-4fc4-981f-442c9ca65760",
            "requestId": "831e1650-001e-001b-66ab-eeb76e000000",
            "eTag": tag,
            "contentType": "text/csv",
            "contentLength": 524288,
            "blobType": "BlockBlob",
            "url": "https://lake.blob.core.windows.net/in/raw/x",
            "sequencer": "00000000000000000000000000009816000000000006c3b2",
            "storageDiagnostics": {"batchId": "b68529f3-68cd-4744-baa4-3c0498ec19f0"},
            **data,
        },
        "dataVersion": "",
        "metadataVersion": "1",
        "eventTime": "2026-11-26T06:00:00.1234567Z",
    }


def as_cloud_event(event: dict[str, Any]) -> dict[str, Any]:
    """The same event in the schema of CloudEvents 1.0."""
    return {
        "source": event["topic"],
        "subject": event["subject"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "id": event["id"],
        "data": event["data"],
        "specversion": "1.0",
    }


def order_placed(**data: Any) -> dict[str, Any]:
    """An event of a custom topic, in Event Grid's schema."""
    return {
        "id": "o-1",
        "topic": TOPIC,
        "subject": "orders/4711",
        "eventType": "Orders.Placed",
        "eventTime": "2026-11-26T06:00:00Z",
        "data": {"day": "2026-11-26", "count": 3, "tags": ["a", {"b": None}], **data},
        "dataVersion": "1",
        "metadataVersion": "1",
    }


def blob_trigger(name: str = "OnFile", pipeline: str = "load", **changes: Any) -> dict[str, Any]:
    """A trigger on files below in/raw, which passes on name and folder; changes are of its typeProperties."""
    return {
        "name": name,
        "properties": {
            "annotations": [],
            "runtimeState": "Started",
            "pipelines": [
                {
                    "pipelineReference": {"referenceName": pipeline, "type": "PipelineReference"},
                    "parameters": {
                        "file": "@triggerBody().fileName",
                        "folder": "@triggerBody().folderPath",
                    },
                }
            ],
            "type": "BlobEventsTrigger",
            "typeProperties": {
                "blobPathBeginsWith": "/in/blobs/raw/",
                "blobPathEndsWith": ".csv",
                "ignoreEmptyBlobs": True,
                "scope": ACCOUNT,
                "events": ["Microsoft.Storage.BlobCreated"],
                **changes,
            },
        },
    }


def custom_trigger(
    parameters: dict[str, Any] | None = None, *, name: str = "OnOrder", **changes: Any
) -> dict[str, Any]:
    """A trigger on placed orders; changes are of its typeProperties."""
    return {
        "name": name,
        "properties": {
            "type": "CustomEventsTrigger",
            "typeProperties": {
                "subjectBeginsWith": "orders/",
                "subjectEndsWith": "",
                "events": ["Orders.Placed"],
                "scope": TOPIC,
                **changes,
            },
            "pipelines": [
                {
                    "pipelineReference": {"referenceName": "load", "type": "PipelineReference"},
                    "parameters": {} if parameters is None else parameters,
                }
            ],
        },
    }


def setting(*triggers: dict[str, Any]) -> str:
    """The value of ADF_TRIGGER_TRIGGERS."""
    return json.dumps(triggers)
