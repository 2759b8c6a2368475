"""Every version of the event is published as a schema, and what an older version sent a newer reader still takes."""

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
    """The schema of a version; the newest one's is the present."""
    return older().get(version, PRESENT)


def test_every_version_has_its_schema_and_its_events() -> None:
    """The newest one's is completion-event.schema.json itself."""
    assert sorted([*older(), NEWEST]) == sorted(GOLDEN)
    assert all(len(events) >= 5 for events in GOLDEN.values())


@pytest.mark.parametrize("name", EVENTS)
def test_what_was_sent_fits_its_own_schema_and_the_present_one(name: str) -> None:
    """Events lie in queues while the service is upgraded."""
    for schema in (schema_of(name.partition(":")[0]), PRESENT):
        Draft202012Validator(schema).validate(EVENTS[name])


@pytest.mark.parametrize("name", EVENTS)
def test_the_client_reads_what_any_version_has_sent(name: str) -> None:
    """All of them told ends."""
    event = event_of(json.dumps(EVENTS[name]))
    assert event.data.ended
    assert event.data.status == EVENTS[name]["data"]["status"]


@pytest.mark.parametrize("version", sorted(older()))
def test_the_present_schema_accepts_all_that_an_older_one_accepts(version: str) -> None:
    """Whatever it is, and not only what is kept here."""
    assert refused(older()[version], PRESENT) == []


@pytest.mark.parametrize("name", EVENTS)
def test_a_reader_by_an_older_schema_takes_newer_events(name: str) -> None:
    """What is said beside is passed over, since no version forbids it; v1 alone knew nothing that is not read."""
    for version, schema in older().items():
        if "v1" < version < name.partition(":")[0]:
            Draft202012Validator(schema).validate(EVENTS[name])


def changed(**changes: Any) -> dict[str, Any]:
    """The present schema with one property of the data said otherwise."""
    schema = copy.deepcopy(PRESENT)
    schema["$defs"]["EventData"]["properties"].update(changes)
    return schema


def without(*names: str) -> dict[str, Any]:
    """The present schema, which requires what it did not."""
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
def test_what_would_break_a_consumer_is_found(schema: dict[str, Any], where: str) -> None:
    """The comparison itself: a type less, a value less, something required, in any depth."""
    assert where in refused(PRESENT, schema)
    assert refused(PRESENT, PRESENT) == []
