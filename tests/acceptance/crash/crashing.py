"""A stack whose functions host is killed and started anew again and again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.crash import admission_scenarios
from tests.acceptance.crash.crashes import Crashes
from tests.acceptance.crash.event_scenarios import TRIGGERS
from tests.acceptance.crash.hold_scenarios import HELD, SECRET
from tests.acceptance.crash.other_scenarios import POLICY
from tests.support.local_stack import WAIT_PIPELINE, LocalStack
from tests.support.webhook_server import refusing_first, served

APP = Path(__file__).parent / "crashing_app"
LOST_AFTER_HOURS = 7 / 3600


def waiting(seconds: int) -> dict[str, Any]:
    """A pipeline that takes some time."""
    pause = {
        "name": "Pause",
        "type": "Wait",
        "typeProperties": {"waitTimeInSeconds": seconds},
        "dependsOn": [],
    }
    return {"activities": [pause]}


@contextmanager
def crashing(folder: Path, warm: str) -> Iterator[Crashes]:
    """The stack, with a pipeline for each way of being treated.

    Args:
        folder: where plans are made.
        warm: address of what forks its processes.
    """
    routes = {"hook": {"webhook": {"url": "HOOK_URL", "secret": "HOOK_SECRET"}, "pipelines": ["routed"]}}
    policy = {"parked": {"unknownOutcome": "park"}, **POLICY, **admission_scenarios.POLICY}
    settings = {
        "CRASH_PLAN": str(folder / "plan"),
        "CRASH_HITS": str(folder / "hits"),
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "ADF_TRIGGER_POLICY": json.dumps(policy),
        "ADF_TRIGGER_TRIGGERS": json.dumps(TRIGGERS),
        "ADF_TRIGGER_UNCONFIGURED_DEADLINE_SECONDS": "1",
        "ADF_TRIGGER_MISSING_RUN_HOURS": str(LOST_AFTER_HOURS),
        "ADF_TRIGGER_STALE_AFTER_SECONDS": "1",
        "ADF_TRIGGER_ROUTES": json.dumps(routes),
        "ADF_TRIGGER_WEBHOOKS_TO_LOOPBACK": "true",
        "HOOK_SECRET": "whsec_" + "A" * 32,
    }
    with (
        served(refusing_first()) as (port, calls),
        LocalStack(
            app=APP, settings={**settings, "HOOK_URL": f"http://127.0.0.1:{port}/"}, warm=warm
        ) as stack,
    ):
        stack.define("pause", {**WAIT_PIPELINE, **waiting(0)})
        stack.define("routed")
        stack.define("parked")
        stack.define("watched")
        stack.define("single", waiting(2))
        stack.define(admission_scenarios.JOINED, waiting(2))
        stack.define("doubted")
        stack.define(HELD)
        stack.define(SECRET, {**WAIT_PIPELINE, "parameters": {"password": {"type": "SecureString"}}})
        stack.define("slow", waiting(5))
        stack.define("long", waiting(20))  # what is cancelled must not have ended by then
        crashes = Crashes(stack, folder, f"http://127.0.0.1:{port}", calls)
        crashes.post("teacher")
        yield crashes
