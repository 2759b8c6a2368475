"""A consumer in JavaScript reads our events by the CloudEvents SDK for it."""

import json
from typing import Any

import pytest

from adf_trigger.events.texts import event_text
from tests.support.activity_runs import COPY_OUTPUT, activity, failed
from tests.support.javascript_sdk import read_and_written
from tests.support.world import World

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PIPELINES = ["load", "Load orders", "Lädt täglich (größe) 日付 🏭", "100%_of", "quote '\" and `"]


def sent_text(pipeline: str, status: str, *activities: Any, **fields: Any) -> str:
    """The text of the event of a run that has ended."""
    world = World()
    world.factory.declare(pipeline, text={"type": "String", "defaultValue": ""})
    run_id = world.submit("größe/1", pipeline, **fields).record.run_id
    world.factory.finish(run_id, status, failed=list(activities), message="why")
    world.tick(after=15)
    (event,) = world.outbox.events
    return event_text(event.model_copy(update={"traceparent": TRACE if status == "Failed" else None}))


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "Cancelled"])
def test_the_sdk_reads_and_writes_what_was_sent(status: str) -> None:
    """Whatever the pipeline's name, every attribute and all data survive a round trip, traces included."""
    texts = [
        sent_text(
            name,
            status,
            activity("Copy", output=COPY_OUTPUT, userProperties={"file": "größe.csv"}),
            failed("Stop", "NoOrders", "none\u2028\ud83c\udfed"),
            parameters={"text": "p" * size},
        )
        for name in PIPELINES
        for size in (1, 60_000)
    ]
    for text, written in zip(texts, read_and_written(texts), strict=True):
        sent, again = json.loads(text), json.loads(written)
        assert again.pop("time")[:19] == sent.pop("time")[:19]
        assert again == sent
        assert ("traceparent" in again) is (status == "Failed")
