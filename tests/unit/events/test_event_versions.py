"""Every version of the event has a published schema, and a newer reader still accepts an older version's events."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from adf_trigger.client.events import event_of
from adf_trigger.functions.openapi import document_of
from adf_trigger.news import CompletionEvent
from tests.support.documents import ROOT
from tests.support.schema_compat import refused

SCHEMAS = ROOT / "docs" / "schemas"
PRESENT: dict[str, Any] = document_of(CompletionEvent, taken=False)
GOLDEN = {
    path.stem: json.loads(path.read_text("ascii"))
    for path in sorted((ROOT / "tests/data/events").glob("*.json"))
}
"""Version → kind → an event as that version sent it."""
EVENTS = {f"{version}: {kind}": event for version, events in GOLDEN.items() for kind, event in events.items()}
NEWEST = max(GOLDEN)


def older() -> dict[str, dict[str, Any]]:
    """The schemas of earlier versions."""
    return {
        _version(path): json.loads(path.read_text("utf-8"))
        for path in SCHEMAS.glob("completion-event.v*.json")
    }


def _version(path: Path) -> str:
    return path.name.split(".")[1]


def schema_of(version: str) -> dict[str, Any]:
    """The schema of a version; the newest one's is the current file."""
    return older().get(version, PRESENT)


def test_every_version_has_its_schema_and_its_events() -> None:
    """The newest one is completion-event.schema.json itself."""
    assert sorted([*older(), NEWEST]) == sorted(GOLDEN)
    assert all(len(events) >= 5 for events in GOLDEN.values())


@pytest.mark.parametrize("name", EVENTS)
def test_sent_events_fit_their_own_schema_and_the_current_one(name: str) -> None:
    """Events lie in queues while the service is upgraded."""
    for schema in (schema_of(name.partition(":")[0]), PRESENT):
        Draft202012Validator(schema).validate(EVENTS[name])


@pytest.mark.parametrize("name", EVENTS)
def test_the_client_reads_events_of_any_version(name: str) -> None:
    """All of them published ends."""
    event = event_of(json.dumps(EVENTS[name]))
    assert event.data.ended
    assert event.data.status == EVENTS[name]["data"]["status"]


@pytest.mark.parametrize("version", sorted(older()))
def test_the_current_schema_accepts_all_that_an_older_one_accepts(version: str) -> None:
    """This holds for any document, not only for those kept here."""
    assert refused(older()[version], PRESENT) == []


@pytest.mark.parametrize("name", EVENTS)
def test_a_reader_by_an_older_schema_takes_newer_events(name: str) -> None:
    """Additional members are ignored, since no version forbids them; only v1 lacked some that are read."""
    for version, schema in older().items():
        if "v1" < version < name.partition(":")[0]:
            Draft202012Validator(schema).validate(EVENTS[name])


def changed(**changes: Any) -> dict[str, Any]:
    """The current schema with one property of the data changed."""
    schema = copy.deepcopy(PRESENT)
    schema["$defs"]["EventData"]["properties"].update(changes)
    return schema


def without(*names: str) -> dict[str, Any]:
    """The current schema, with additional required members."""
    schema = copy.deepcopy(PRESENT)
    schema["$defs"]["EventData"]["required"] += names
    return schema


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        (changed(reason={"type": "string"}), "/data/reason: no null any more"),
        (changed(durationMs={"type": ["string", "null"]}), "/data/durationMs: no integer any more"),
        (changed(status={"type": "string", "enum": ["Failed"]}), "/data/status: only some values"),
        (changed(pipeline={"type": "string", "maxLength": 3}), "/data/pipeline: maxLength"),
        (changed(metadata={"additionalProperties": {"type": "null"}}), "/data/metadata/(any): no string any more"),
        (changed(history={"type": "array", "items": {"type": "string"}}), "/data/history/*: no object any more"),
        (without("attempt"), "/data/attempt: is required now"),
    ],
)  # fmt: skip
def test_a_change_that_would_break_a_consumer_is_found(schema: dict[str, Any], where: str) -> None:
    """This tests the comparison itself: a type less, a value less, something required, at any depth."""
    assert where in refused(PRESENT, schema)
    assert refused(PRESENT, PRESENT) == []
