"""Evaluates triggers against events without starting anything: for authors of triggers."""

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

_NO_EVENT = Fault("", "is no event: it has neither specversion (CloudEvents) nor eventType (Event Grid)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The result of a trigger for an event.

    Attributes:
        trigger: its name.
        why_not: why it does not start on the event; None if it does.
        requests: what it starts.
    """

    trigger: str
    why_not: str | None
    requests: tuple[EventRequest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedEvent:
    """The results of all triggers for an event, or the faults of an invalid one.

    Attributes:
        event: the event; None if it has faults.
        faults: its faults.
        judgements: the result of each trigger.
    """

    event: Event | None
    faults: tuple[Fault, ...] = ()
    judgements: tuple[Judgement, ...] = ()


def judged(body: bytes, triggers: Sequence[Trigger]) -> list[JudgedEvent]:
    """The results of triggers for the events of a text: one or an array, in any encoding that the queue accepts."""
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
