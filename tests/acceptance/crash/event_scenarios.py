"""What leads an event to a named step."""

from adf_trigger.messages.envelopes import event_in
from adf_trigger.triggers.definitions import read_triggers
from adf_trigger.triggers.requests import requests_of
from tests.acceptance.crash.crashes import Crashes

TRIGGERS = [
    {
        "name": name,
        "properties": {
            "type": "CustomEventsTrigger",
            "typeProperties": {"events": ["crash"], "scope": "/crashes"},
            "pipelines": [{"pipelineReference": {"referenceName": "pause"}}],
        },
    }
    for name in ("first", "second")
]
"""Two triggers on one event."""


def by_event(crashes: Crashes, key: str) -> None:
    """An event that two triggers start on: a request each."""
    event = {"specversion": "1.0", "id": key, "source": "/crashes", "type": "crash"}
    crashes.stack.caller.send(event)
    read, _ = event_in(event)
    assert read is not None
    crashes.acknowledged |= {each.key for each in requests_of(read, read_triggers(TRIGGERS))}


def unwanted(crashes: Crashes, key: str) -> None:
    """An event that no trigger starts on."""
    crashes.stack.caller.send({"specversion": "1.0", "id": key, "source": "/nobody", "type": "nothing"})
