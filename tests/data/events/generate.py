"""Writes the events that a version of the service sends, one of each kind, as the texts of its messages.

Runs with the code of that version alone, from 1c1c9a3 on; see README.md.
"""

import json
import sys
from pathlib import Path
from typing import Any

from adf_trigger.errors import BadRequest, NotSent
from tests.support.world import World, settings

try:
    from adf_trigger.events.texts import event_text
except ModuleNotFoundError:
    from adf_trigger.events import event_text
try:
    from adf_trigger.news import CompletionEvent
except ModuleNotFoundError:
    from adf_trigger.contracts import CompletionEvent

WHY = "ErrorCode=UserErrorSourceBlobNotExist,'Type=Microsoft.DataTransfer,Message=The required Blob is missing. größe,'"
FAILED = [
    {
        "activityName": "Copy orders",
        "activityType": "Copy",
        "activityRunId": "0a1b2c3d-0000-4000-8000-000000000001",
        "status": "Failed",
        "activityRunStart": "2026-01-05T12:00:01Z",
        "activityRunEnd": "2026-01-05T12:00:09Z",
        "durationInMs": 8000,
        "iterationHash": "0f",
        "userProperties": {"file": "größe.csv"},
        "output": {"dataRead": 5, "rowsRead": 1},
        "error": {"errorCode": "2200", "message": WHY, "failureType": "UserError", "target": "Copy orders"},
    }
]
SECURE = {
    "password": {"type": "SecureString", "defaultValue": ""},
    "day": {"type": "String", "defaultValue": ""},
}


def world(**changes: str) -> World:
    """A service with a pipeline that has all kinds of parameters."""
    made = World(settings=settings(**changes))
    made.factory.declare("Load orders", **SECURE)
    return made


def started(made: World, **fields: Any) -> Any:
    """A request that was taken."""
    return made.submit("key-1", "Load orders", **fields).record


def ended(status: str, policy: str = "{}", **changes: Any) -> CompletionEvent:
    """The event of a run that has ended so."""
    made = world(ADF_TRIGGER_POLICY=policy)
    record = started(
        made,
        parameters={"day": changes.pop("day", "2026-01-05"), "password": "hush"},
        correlation_id="order-17",
        metadata={"team": "loads"},
    )
    made.factory.finish(record.run_id, status, **changes)
    made.tick(after=15)
    return made.outbox.events[0]


def rejected() -> CompletionEvent:
    """The event of a request that Data Factory refuses once it answers."""
    made = world()
    made.factory.fail_next("create_run", NotSent("down"))
    started(made, parameters={"day": "2026-01-05"})
    made.factory.fail_next("create_run", BadRequest("it is wrong", status=400, code="BadRequest"))
    made.tick(after=120)
    return made.outbox.events[0]


def lost() -> CompletionEvent:
    """The event of a run that Data Factory does not have any more."""
    made = world()
    record = started(made)
    made.tick(after=15)
    made.factory.hidden.add(record.run_id)
    for _ in range(40):
        made.tick(after=3600)
    return made.outbox.events[0]


KINDS = {
    "succeeded": lambda: ended("Succeeded"),
    "succeeded, and not read": lambda: ended("Succeeded", json.dumps({"*": {"details": "failed"}})),
    "failed": lambda: ended("Failed", failed=FAILED, message="Operation on target Copy orders failed"),
    "failed, and cut": lambda: ended("Failed", failed=FAILED * 20, message="m" * 90_000, day="d" * 60_000),
    "cancelled": lambda: ended("Cancelled"),
    "rejected": rejected,
    "unknown": lost,
}


def main() -> None:
    """Write them into the file that is named."""
    found = {}
    for kind, make in KINDS.items():
        try:
            found[kind] = json.loads(event_text(make()))
        except Exception as exc:  # noqa: BLE001 - a version that does not know the kind
            sys.stderr.write(f"{kind}: {type(exc).__name__}: {exc}\n")
    Path(sys.argv[1]).write_text(json.dumps(found, indent=1) + "\n", "ascii")


if __name__ == "__main__":
    main()
