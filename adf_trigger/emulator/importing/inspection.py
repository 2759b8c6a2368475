"""Inspects the pipelines of a factory before any runs, for missing features and for calls to other machines."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from adf_trigger.emulator.activities.catalogue import CONTROL, EXECUTION
from adf_trigger.emulator.common.documents import PIPELINES
from adf_trigger.emulator.connectors.catalogue import (
    BYTES_FORMATS,
    FILE_STORES,
    RECORD_FORMATS,
    RECORD_STORES,
)
from adf_trigger.emulator.connectors.legacy import AZURE_BLOB
from adf_trigger.emulator.engine.ports import Definitions
from adf_trigger.emulator.store import Store
from adf_trigger.emulator.validation.activities import every_activity

_ACTIVITIES = {name.lower() for name in (*EXECUTION, *CONTROL, "WebHook")}
_DATASETS = {AZURE_BLOB, *BYTES_FORMATS, *RECORD_FORMATS, *RECORD_STORES}
_VAULT = "AzureKeyVault"
_ADDRESSES = {"AzureFunction": "functionAppUrl", "RestService": "url", _VAULT: "baseUrl"}
"""Linked services that are called over HTTP, and the property that has their URL."""
_CONNECTORS = {*FILE_STORES, *_ADDRESSES}
_CALLING = {"webactivity", "webhook"}
_INNER = ("activities", "ifTrueActivities", "ifFalseActivities", "defaultActivities", "cases")
_HOST = re.compile(r"https?://(?P<host>[A-Za-z0-9.-]+|\[[0-9a-f:.]+\])(?=[/:?#]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that an activity makes to a machine.

    Attributes:
        activity: its name.
        type: of the activity, or of the linked service that it uses.
        host: None if it is known only at run time.
    """

    activity: str
    type: str
    host: str | None


@dataclass(frozen=True, slots=True)
class Inspected:
    """The findings about one pipeline.

    Attributes:
        not_emulated: features that its activities need and this Data Factory lacks, a few words each.
        calls: over HTTP, including those to this machine.
    """

    pipeline: str
    not_emulated: tuple[str, ...]
    calls: tuple[Call, ...]


def inspect(store: Store, factory_id: str) -> Iterator[Inspected]:
    """Inspect each pipeline of a factory, in order of name."""
    definitions = store.definitions(factory_id)
    for pipeline in store.resources.page(factory_id, PIPELINES):
        found = [
            each
            for activity in every_activity(pipeline.properties.get("activities") or [])
            for each in _of_activity(activity, definitions)
        ]
        missing = dict.fromkeys(each for each in found if isinstance(each, str))
        calls = dict.fromkeys(each for each in found if isinstance(each, Call))
        yield Inspected(pipeline.name, tuple(missing), tuple(calls))


def _of_activity(activity: Mapping[str, Any], definitions: Definitions) -> Iterator[str | Call]:
    name, kind = str(activity.get("name")), str(activity.get("type"))
    if kind.lower() not in _ACTIVITIES:
        yield f"{kind} ({name})"
        return
    properties = activity.get("typeProperties") or {}
    if kind.lower() in _CALLING:
        yield Call(name, kind, host_of(properties.get("url")))
    own = {key: value for key, value in properties.items() if key not in _INNER}
    linked = set(_references([own, activity.get("linkedServiceName")], "LinkedServiceReference"))
    named = [own, activity.get("inputs"), activity.get("outputs")]
    for dataset_name in sorted(set(_references(named, "DatasetReference"))):
        dataset = definitions.dataset(dataset_name) or {}
        if dataset.get("type") not in _DATASETS:
            yield f"the {dataset.get('type')} dataset {dataset_name} ({name})"
        linked |= set(_references(dataset.get("linkedServiceName"), "LinkedServiceReference"))
    for service_name in sorted(linked):
        yield from _of_linked_service(name, service_name, definitions)


def _of_linked_service(activity: str, name: str, definitions: Definitions) -> Iterator[str | Call]:
    service = definitions.linked_service(name) or {}
    kind = str(service.get("type"))
    if kind not in _CONNECTORS:
        yield f"the {kind} connector {name} ({activity})"
        return
    properties = service.get("typeProperties") or {}
    if kind in _ADDRESSES:
        yield Call(activity, kind, host_of(properties.get(_ADDRESSES[kind])))
    if kind != _VAULT:
        for vault in sorted(set(_references(properties, "LinkedServiceReference"))):
            yield from _of_linked_service(activity, vault, definitions)


def host_of(url: Any) -> str | None:
    """The host of a URL, or the one in the text of an expression; None if it is known only at run time."""
    text = url.get("value") if isinstance(url, Mapping) else url
    if not isinstance(text, str):
        return None
    if not isinstance(url, Mapping) and not text.startswith("@") and "@{" not in text:
        try:
            return urlsplit(text).hostname
        except ValueError:
            return None
    hosts = {match["host"].lower() for match in _HOST.finditer(text)}
    return hosts.pop() if len(hosts) == 1 else None


def _references(value: Any, kind: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _references(item, kind)
    elif isinstance(value, Mapping):
        if value.get("type") == kind and isinstance(value.get("referenceName"), str):
            yield value["referenceName"]
        for item in value.values():
            yield from _references(item, kind)
