"""Events that arrive, as a business or a blob store tells them: CloudEvents 1.0, or Event Grid's own schema.

In the queue and in the body of a webhook both are one JSON object each (CloudEvents in structured mode). No request to
start a run has `specversion` or `eventType` at its top, so that neither is ever taken for the other.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adf_trigger.errors import Fault
from adf_trigger.messages.encodings import begins_object, from_base64, plain_json
from adf_trigger.messages.strict_json import parse

CLOUD_EVENTS = "CloudEvents"
EVENT_GRID = "Event Grid"
OUR_TYPES = "dev.adf-trigger."
"""Prefix of the types of this service's own events. They name a pipeline and ask for no run: were they taken for
requests where somebody leads them back here, each would be rejected, and its rejection be the next one."""
_VERSION = "1.0"
_KEY = re.compile(r"event-[0-9a-f]{48}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event.

    Attributes:
        schema: CLOUD_EVENTS or EVENT_GRID.
        id: unique within its source.
        source: of CloudEvents; the topic of Event Grid's schema, which is empty where the publisher set none.
        type: what happened.
        subject: what it happened to; empty where it is not told.
        time: when, as it is written; None where it is not told.
        data: what else is told, as JSON.
        document: the event as it came.
    """

    schema: str
    id: str
    source: str
    type: str
    subject: str
    time: str | None
    data: Any
    document: Mapping[str, Any]

    def document_with(self, data: object) -> dict[str, Any]:
        """The event with other data."""
        return {**{name: each for name, each in self.document.items() if name != "data_base64"}, "data": data}


def is_event(document: Mapping[str, Any]) -> bool:
    """Whether a JSON object is meant to be an event, right or wrong."""
    return "specversion" in document or "eventType" in document


def event_in(document: Mapping[str, Any]) -> tuple[Event | None, tuple[Fault, ...]]:
    """The event that a JSON object is, or what is wrong with it.

    Args:
        document: of which `is_event` holds.
    """
    return _cloud_event(document) if "specversion" in document else _grid_event(document)


def key_of(*parts: str) -> str:
    """An idempotency key made of texts: the same for the same ones in the same order, and for no others."""
    return f"event-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:48]}"


def is_key(text: str) -> bool:
    """Whether a text looks like an idempotency key that was made of texts."""
    return _KEY.fullmatch(text) is not None


def place_of_request(event: Event | None) -> str | None:
    """Where in a CloudEvent a request to start a run stands: in its data, where they name a pipeline; else None."""
    data = None if event is None else event.data
    if (
        event is None
        or event.schema != CLOUD_EVENTS
        or event.type.startswith(OUR_TYPES)
        or not _names_a_pipeline(data)
    ):
        return None
    return "/data" if "data" in event.document else "/data_base64"


def _cloud_event(document: Mapping[str, Any]) -> tuple[Event | None, tuple[Fault, ...]]:
    faults = [
        Fault(f"/{name}", "must be a text that is not empty: every CloudEvent has it")
        for name in ("id", "source", "type")
        if not _is_said(document.get(name))
    ]
    if document["specversion"] != _VERSION:
        faults.append(Fault("/specversion", f"must be {_VERSION}: no other version of CloudEvents is read"))
    faults += _no_texts(document, "subject", "time")
    data, data_faults = _data_of(document)
    faults += data_faults
    if faults:
        return None, tuple(faults)
    return Event(
        schema=CLOUD_EVENTS,
        id=document["id"],
        source=document["source"],
        type=document["type"],
        subject=document.get("subject") or "",
        time=document.get("time"),
        data=data,
        document=document,
    ), ()


def _data_of(document: Mapping[str, Any]) -> tuple[Any, list[Fault]]:
    encoded = document.get("data_base64")
    if encoded is None:
        return _read(document.get("data"))
    if "data" in document:
        return None, [Fault("/data_base64", "stands beside data: a CloudEvent has one of them")]
    if encoded == "":
        return None, []
    raw = from_base64(encoded) if isinstance(encoded, str) else None
    if raw is None:
        return None, [Fault("/data_base64", "must be base64")]
    parsed = parse(plain_json(raw, layers=0))
    if not parsed.is_text:
        return None, []  # whatever it is: no trigger can look into it
    return parsed.document, [Fault(f"/data_base64{each.pointer}", each.message) for each in parsed.faults]


def _read(data: object) -> tuple[Any, list[Fault]]:
    """Data as they are; of a text that is a request, since its producer had it as JSON already, the request."""
    text = data.encode(errors="replace") if isinstance(data, str) else b""
    if begins_object(text):
        parsed = parse(text)
        if parsed.is_text and _names_a_pipeline(parsed.document):
            return parsed.document, [Fault(f"/data{each.pointer}", each.message) for each in parsed.faults]
    return data, []


def _names_a_pipeline(data: object) -> bool:
    return isinstance(data, dict) and any(name.lower() == "pipeline" for name in data)


def _grid_event(document: Mapping[str, Any]) -> tuple[Event | None, tuple[Fault, ...]]:
    faults = [
        Fault(f"/{name}", "must be a text that is not empty: every event of Event Grid has it")
        for name in ("id", "eventType")
        if not _is_said(document.get(name))
    ]
    faults += _no_texts(document, "topic", "subject", "eventTime")
    if faults:
        return None, tuple(faults)
    return Event(
        schema=EVENT_GRID,
        id=document["id"],
        source=document.get("topic") or "",
        type=document["eventType"],
        subject=document.get("subject") or "",
        time=document.get("eventTime"),
        data=document.get("data"),
        document=document,
    ), ()


def _is_said(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _no_texts(document: Mapping[str, Any], *names: str) -> list[Fault]:
    return [
        Fault(f"/{name}", "must be text")
        for name in names
        if document.get(name) is not None and not isinstance(document[name], str)
    ]
