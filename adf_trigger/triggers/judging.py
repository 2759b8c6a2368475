"""What the triggers would make of events, without anything being started: for who writes triggers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adf_trigger.errors import Fault
from adf_trigger.messages.encodings import plain_json
from adf_trigger.messages.envelopes import Event, event_in, is_event
from adf_trigger.messages.strict_json import parse
from adf_trigger.triggers.definitions import Trigger
from adf_trigger.triggers.matching import why_not
from adf_trigger.triggers.requests import EventRequest, requests_of

_NO_EVENT = Fault(
    "", "is no event: it has neither specversion, as a CloudEvent, nor eventType, as one of Event Grid"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a trigger makes of an event.

    Attributes:
        trigger: its name.
        why_not: why it does not start on it; None where it does.
        requests: what it starts.
    """

    trigger: str
    why_not: str | None
    requests: tuple[EventRequest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedEvent:
    """An event, or what was meant to be one.

    Attributes:
        event: the event; None where it has faults.
        faults: what is wrong with it.
        judgements: what each trigger makes of it.
    """

    event: Event | None
    faults: tuple[Fault, ...] = ()
    judgements: tuple[Judgement, ...] = ()


def judged(body: bytes, triggers: Sequence[Trigger]) -> list[JudgedEvent]:
    """What triggers make of the events in a text: one, or an array of them, in any encoding that the queue takes."""
    parsed = parse(plain_json(body))
    if not parsed.is_text:
        return [JudgedEvent(event=None, faults=parsed.faults)]
    entries = parsed.document if isinstance(parsed.document, list) else [parsed.document]
    return [_judged(each, triggers) for each in entries]


def _judged(document: Any, triggers: Sequence[Trigger]) -> JudgedEvent:  # noqa: ANN401 - JSON
    if not isinstance(document, dict) or not is_event(document):
        return JudgedEvent(event=None, faults=(_NO_EVENT,))
    event, faults = event_in(document)
    if event is None:
        return JudgedEvent(event=None, faults=faults)
    judgements = (
        Judgement(
            trigger=each.name,
            why_not=why_not(each, event),
            requests=tuple(requests_of(event, [each])),
        )
        for each in triggers
    )
    return JudgedEvent(event=event, judgements=tuple(judgements))
