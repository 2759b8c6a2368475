"""Incoming events, such as a blob store's: CloudEvents 1.0, or Event Grid's own schema.

In the queue and in the body of a webhook both are one JSON object each (CloudEvents in structured mode). No request to
start a run has `specversion` or `eventType` at its top level, so the two are never confused.
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
"""Prefix of the types of this service's own events. They name a pipeline and are no requests: if they were read as
requests when routed back here, each would be rejected, and its rejection would be the next event."""
_VERSION = "1.0"
_KEY = re.compile(r"event-[0-9a-f]{48}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event.

    Attributes:
        schema: CLOUD_EVENTS or EVENT_GRID.
        id: unique within its source.
        source: the source of a CloudEvent; the topic of Event Grid's schema, empty if the publisher set none.
        type: what happened.
        subject: what it happened to; empty if it is not given.
        time: when, as written; None if it is not given.
        data: its data, as JSON.
        document: the event as received.
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
    """Whether a JSON object is meant to be an event, valid or not."""
    return "specversion" in document or "eventType" in document


def event_in(document: Mapping[str, Any]) -> tuple[Event | None, tuple[Fault, ...]]:
    """The event in a JSON object, or its faults.

    Args:
        document: an object for which `is_event` is true.
    """
    return _cloud_event(document) if "specversion" in document else _grid_event(document)


def key_of(*parts: str) -> str:
    """An idempotency key derived from texts: the same for the same texts in the same order, and for no others."""
    return f"event-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:48]}"


def is_key(text: str) -> bool:
    """Whether a text has the form of a key of `key_of`."""
    return _KEY.fullmatch(text) is not None


def place_of_request(event: Event | None) -> str | None:
    """The pointer to the request in a CloudEvent: its data, if that names a pipeline; else None."""
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
        Fault(f"/{name}", "must be text, and not empty: every CloudEvent has it")
        for name in ("id", "source", "type")
        if not _is_said(document.get(name))
    ]
    if document["specversion"] != _VERSION:
        faults.append(Fault("/specversion", f"must be {_VERSION}, the only supported version of CloudEvents"))
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
        return None, [Fault("/data_base64", "must not be given together with data")]
    if encoded == "":
        return None, []
    raw = from_base64(encoded) if isinstance(encoded, str) else None
    if raw is None:
        return None, [Fault("/data_base64", "must be base64")]
    parsed = parse(plain_json(raw, layers=0))
    if not parsed.is_text:
        return None, []  # not JSON: no trigger can refer to it
    return parsed.document, [Fault(f"/data_base64{each.pointer}", each.message) for each in parsed.faults]


def _read(data: object) -> tuple[Any, list[Fault]]:
    """The data; if it is a string that holds a request, as from a producer that encodes JSON twice, the request."""
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
        Fault(f"/{name}", "must be text, and not empty: every event of Event Grid has it")
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
