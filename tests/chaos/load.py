"""The load: requests by HTTP and by queue, once and again, all of them chosen by a seed."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from adf_trigger.messages.envelopes import event_in
from adf_trigger.triggers.definitions import read_triggers
from adf_trigger.triggers.requests import requests_of

KEY_PARAMETER = "key"
"""Every request hands its key to its run, so that runs are matched to requests without the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline, and how its runs progress.

    Attributes:
        progression: as the emulator's control API takes it; None runs its activities.
        share: of the requests.
    """

    progression: Mapping[str, Any] | None
    share: float


PIPELINES: Mapping[str, Pipeline] = {
    "quick": Pipeline(progression={"mode": "at-once"}, share=0.59),
    "later": Pipeline(progression={"mode": "after-seconds", "seconds": 3}, share=0.1),
    "failing": Pipeline(progression={"mode": "at-once", "outcome": "Failed"}, share=0.1),
    "waiting": Pipeline(progression=None, share=0.1),
    "counted": Pipeline(progression={"mode": "after-seconds", "seconds": 1}, share=0.05),
    "ordered": Pipeline(progression={"mode": "after-seconds", "seconds": 0.5}, share=0.06),
}

AT_ONCE = 3
COUNTED = "counted"
"""The most runs of that pipeline that may be in progress at once."""
ORDERED = "ordered"
"""One run of each customer at a time, in order of arrival."""
CUSTOMER_PARAMETER = "customer"
CUSTOMERS = 3
POLICY: Mapping[str, Any] = {
    COUNTED: {"admission": {"atOnce": AT_ONCE}},
    ORDERED: {"admission": {"atOnce": 1, "key": f"parameters.{CUSTOMER_PARAMETER}"}},
}

DEFINITION: Mapping[str, Any] = {
    "activities": [
        {"name": "Pause", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 1}, "dependsOn": []}
    ],
    "parameters": {
        KEY_PARAMETER: {"type": "String"},
        CUSTOMER_PARAMETER: {"type": "String", "defaultValue": ""},
    },
}
"""The default progression of all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, under one key.

    Attributes:
        calls: callers that ask by HTTP at the same time.
        again: whether one of them asks once more after it has been answered.
        messages: copies that are put on the requests queue.
        deliveries: of the event that makes it, by POST /events.
        event_messages: of the same event, on the requests queue.
        event: its id; empty where none makes it.
    """

    key: str
    pipeline: str
    calls: int = 0
    again: bool = False
    messages: int = 0
    deliveries: int = 0
    event_messages: int = 0
    event: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters of its run; whose customer it is follows from its key."""
        if self.pipeline != ORDERED:
            return {KEY_PARAMETER: self.key}
        return {KEY_PARAMETER: self.key, CUSTOMER_PARAMETER: f"c-{crc32(self.key.encode()) % CUSTOMERS}"}


_EVENT_WAYS: Sequence[tuple[float, Mapping[str, Any]]] = (
    (0.40, {"deliveries": 1}),
    (0.40, {"event_messages": 1}),
    (0.10, {"deliveries": 2}),
    (0.05, {"event_messages": 2}),
    (0.05, {"deliveries": 1, "event_messages": 1}),
)
"""How events are delivered: a fifth of them twice."""

_WAYS: Sequence[tuple[float, Mapping[str, Any]]] = (
    (0.50, {"calls": 1}),
    (0.10, {"calls": 3}),
    (0.05, {"calls": 1, "again": True}),
    (0.25, {"messages": 1}),
    (0.05, {"messages": 2}),
    (0.05, {"calls": 1, "messages": 1}),
)
"""How requests are made, with the share of each."""


def plan(count: int, seed: int) -> list[Request]:
    """That many requests, in the order in which they are made."""
    dice = random.Random(seed)  # noqa: S311 - dice of a test, nothing secret
    names = dice.choices(list(PIPELINES), [each.share for each in PIPELINES.values()], k=count)
    ways = dice.choices([way for _, way in _WAYS], [share for share, _ in _WAYS], k=count)
    return [
        Request(key=f"request-{number}", pipeline=name, **way)
        for number, (name, way) in enumerate(zip(names, ways, strict=True))
    ]


def event_plan(count: int, seed: int) -> list[Request]:
    """That many requests that events make, each under the key that it must get."""
    dice = random.Random(f"{seed} events")  # noqa: S311 - dice of a test
    names = dice.choices(list(PIPELINES), [each.share for each in PIPELINES.values()], k=count)
    ways = dice.choices([way for _, way in _EVENT_WAYS], [share for share, _ in _EVENT_WAYS], k=count)
    return [
        Request(key=_key_of(f"event-{number}", name), pipeline=name, event=f"event-{number}", **way)
        for number, (name, way) in enumerate(zip(names, ways, strict=True))
    ]


def document_of(request: Request) -> dict[str, Any]:
    """The event that makes a request; it passes its key to its run."""
    return _event(request.event, request.pipeline, request.parameters)


def _event(event_id: str, pipeline: str, data: Mapping[str, str]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/chaos",
        "type": f"Chaos.{pipeline}",
        "time": "2026-11-26T06:00:00Z",
        "data": dict(data),
    }


def _trigger(pipeline: str) -> dict[str, Any]:
    names = [KEY_PARAMETER, *((CUSTOMER_PARAMETER,) if pipeline == ORDERED else ())]
    return {
        "name": pipeline,
        "properties": {
            "type": "CustomEventsTrigger",
            "typeProperties": {"events": [f"Chaos.{pipeline}"], "scope": "/chaos"},
            "pipelines": [
                {
                    "pipelineReference": {"referenceName": pipeline, "type": "PipelineReference"},
                    "parameters": {name: f"@triggerBody().event.data.{name}" for name in names},
                }
            ],
        },
    }


TRIGGERS = json.dumps([_trigger(pipeline) for pipeline in PIPELINES])
"""The triggers of the app on these events."""


def _key_of(event_id: str, pipeline: str) -> str:
    event, _ = event_in(_event(event_id, pipeline, {KEY_PARAMETER: "", CUSTOMER_PARAMETER: ""}))
    assert event is not None
    (request,) = requests_of(event, read_triggers(json.loads(TRIGGERS)))
    return request.key
