"""The requests caused by an event: one for each pipeline of each trigger that starts on it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adf_trigger.contracts import MAX_CORRELATION_ID
from adf_trigger.errors import Fault
from adf_trigger.messages.envelopes import Event, key_of
from adf_trigger.messages.limits import shorten_middle
from adf_trigger.messages.traces import traceparent_of
from adf_trigger.messages.wording import pointer_to
from adf_trigger.plain_text import is_blank, without_controls
from adf_trigger.triggers.definitions import PipelineStart, Trigger
from adf_trigger.triggers.matching import trigger_of, why_not
from adf_trigger.triggers.references import Missing, evaluated, places_of

MAX_LABEL = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRequest:
    """A request caused by an event.

    Attributes:
        trigger: the trigger that starts it.
        key: its idempotency key: the same for the same event, trigger and pipeline, and for no others.
        document: the request, in the form of a message of the requests queue.
        faults: what its parameters need and the event lacks; if any, it has no parameters.
        origins: parameter → the places in the event's JSON that its value comes from.
    """

    trigger: Trigger
    key: str
    document: dict[str, Any]
    faults: tuple[Fault, ...] = ()
    origins: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)


def requests_of(event: Event, triggers: Sequence[Trigger]) -> Iterator[EventRequest]:
    """The requests caused by an event."""
    for trigger in triggers:
        if why_not(trigger, event) is None:
            yield from (_request(event, trigger, start) for start in trigger.starts)


def key_of_start(event: Event, trigger: Trigger, start: PipelineStart) -> str:
    """The idempotency key of what a trigger starts on an event.

    A file is identified by its subject and its ETag: writing it again makes a new key, and several events of one write
    share a key. Other events are identified by source and id, as CloudEvents specifies.
    """
    tag = event.data.get("eTag") if trigger.of_blobs and isinstance(event.data, dict) else None
    what = (
        (event.subject, tag.strip('"').lower(), event.type.lower())
        if isinstance(tag, str) and tag
        else (event.id,)
    )
    to = (trigger.name.lower(), start.pipeline.lower(), str(start.number))
    return key_of("trigger", event.source, *what, *to)


def _label(text: str) -> str:
    """A text made a valid label: no event is refused because of its labels."""
    return shorten_middle(without_controls(text), MAX_LABEL)


def _request(event: Event, trigger: Trigger, start: PipelineStart) -> EventRequest:
    key = key_of_start(event, trigger, start)
    context = trigger_of(trigger, event)
    parameters: dict[str, Any] = {}
    faults = []
    for name, value in start.parameters.items():
        try:
            parameters[name] = evaluated(value, context)
        except Missing as exc:
            faults.append(Fault(pointer_to(("parameters", name)), str(exc)))
    labels = {"trigger": trigger.name, "eventType": event.type, "eventSubject": event.subject}
    document: dict[str, Any] = {
        "requestId": key,
        "pipeline": start.pipeline,
        "parameters": {} if faults else parameters,
        "metadata": {name: _label(text) for name, text in labels.items() if not is_blank(text)},
    }
    if trigger.factory is not None:
        document["factory"] = trigger.factory
    if len(event.id) <= MAX_CORRELATION_ID and not is_blank(event.id):
        document["correlationId"] = without_controls(event.id)
    if (trace := traceparent_of(event.document.get("traceparent"))) is not None:
        document["traceparent"] = trace
    origins = {name: tuple(places_of(value)) for name, value in start.parameters.items()}
    return EventRequest(trigger=trigger, key=key, document=document, faults=tuple(faults), origins=origins)
