"""Copies from a REST service to blobs, for tests."""

import json
from typing import Any

import httpx

from adf_trigger.emulator.activities.copy import copy
from adf_trigger.emulator.contract.activity import ActivityResult
from tests.integration.emulator.copying.harness import (
    Answer,
    Asked,
    RestService,
    Storage,
    rest_dataset,
    run,
)


def from_rest(
    source: dict[str, Any] | None = None, pattern: str = "setOfObjects", **more: Any
) -> dict[str, Any]:
    """The typeProperties of a copy from REST to a JSON file."""
    return {
        "source": {"type": "RestSource", **(source or {})},
        "sink": {
            "type": "JsonSink",
            "storeSettings": {"type": "AzureBlobStorageWriteSettings"},
            "formatSettings": {"type": "JsonWriteSettings", "filePattern": pattern},
        },
        **more,
    }


def export(
    storage: Storage,
    service: RestService,
    source: dict[str, Any] | None = None,
    *,
    pattern: str = "setOfObjects",
    relative_url: str = "items",
    linked_service: dict[str, Any] | None = None,
    dataset: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[ActivityResult, list[Any]]:
    """Copy to out/rest.json; the result, and the objects in the file."""
    result = run(
        copy,
        from_rest(source, pattern),
        rest_dataset(service, relative_url, linked_service=linked_service, **(dataset or {})),
        storage.dataset("Out", "Json", folder="out", file="rest.json"),
        **options,
    )
    content = storage.get("out/rest.json")
    if pattern == "arrayOfObjects":
        return result, json.loads(content)
    return result, [json.loads(line) for line in content.splitlines()]


def pages(asked: Asked) -> Answer:
    """Three pages of two, linked in the body, the last by null."""
    number = int(httpx.URL(asked.path).params.get("page", "1"))
    following = f"/items?page={number + 1}" if number < 3 else None
    return Answer({"data": [{"id": number * 2}, {"id": number * 2 + 1}], "paging": {"next": following}})
