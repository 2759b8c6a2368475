"""The trouble of some factories slows no other and loses nothing, on real processes and sockets."""

import json
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from adf_trigger.azure.resource_ids import FactoryId
from adf_trigger.datafactory.client import DataFactoryClient
from adf_trigger.datafactory.resources import Factories
from adf_trigger.emulator.hosting.defaults import FACTORY_ID
from adf_trigger.local.demo.quickstart import _management_api
from tests.support.local_stack import LocalStack

READ_SECONDS = 20.0
"""Read time-out of the service: so long a call to the factory that hangs is waited for."""
TROUBLE: Mapping[str, Mapping[str, Any]] = {
    "forbidden": {"fault": "status", "status": 403, "code": "AuthorizationFailed", "message": "no role"},
    "throttled": {"fault": "status", "status": 429, "code": "TooManyRequests", "retry_after": 60},
    "hanging": {"fault": "delay", "seconds": 30},
}
ROUNDS = 4
MOST_SECONDS = 60.0
"""For all rounds of the well factory, which take ten. If each waited for a call to the one that hangs, it would take
READ_SECONDS."""
RECOVERY_SECONDS = 240.0
PIPELINES: Mapping[str, Mapping[str, Any]] = {
    "load": {"activities": []},
    "slow": {"activities": [{"name": "w", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 3}}]},
}
IDS = {"well": FACTORY_ID, **{alias: f"{FACTORY_ID}-{alias}" for alias in TROUBLE}}


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """A stack with these factories, whose timer fires by itself."""
    settings = {
        "ADF_TRIGGER_FACTORIES": json.dumps(IDS),
        "ADF_TRIGGER_READ_TIMEOUT_SECONDS": str(READ_SECONDS),
        "ADF_TRIGGER_LEASE_SECONDS": str(READ_SECONDS + 2),
    }
    with LocalStack(warm=warm, poll_schedule="* * * * * *", settings=settings) as running:
        api = _management_api(running.endpoints)
        for each in IDS.values():
            factory = FactoryId.parse(each)
            Factories(api).create_or_update(factory, location="eastus")
            for name, properties in PIPELINES.items():
                DataFactoryClient(factory, api).pipelines.create_or_update(name, properties)
        yield running


class News:
    """The events so far: the statuses that were published for each request."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self.statuses: dict[str, list[str]] = {}

    def has(self, *keys: str) -> bool:
        """Whether events for all of these requests were read."""
        for event in self._stack.caller.events(1, within=0.1):
            self.statuses.setdefault(event["subject"], []).append(event["data"]["status"])
        return self.statuses.keys() >= set(keys)


def _is_taken(stack: LocalStack, alias: str) -> bool:
    """Whether a run of a factory is asked for: one that the timer saw before it was made is held for some seconds."""
    status = stack.caller.post("slow", {"factory": alias}, key=f"{alias}-slow").status
    assert status in {200, 202, 503}
    return status != 503


def test_the_trouble_of_others_slows_no_factory_and_loses_nothing(stack: LocalStack) -> None:
    """Starts, ends and events of the well one come as always; what the others were asked for is done once, later."""
    news = News(stack)
    for alias in TROUBLE:  # a run of each ends in the midst of its trouble
        stack.eventually(partial(_is_taken, stack, alias), ticking=False)
    began = time.monotonic()
    with stack.faults(*({"factory": IDS[alias], **fault} for alias, fault in TROUBLE.items())):
        for number in range(ROUNDS):
            for alias in TROUBLE:
                stack.caller.send({"pipeline": "load", "factory": alias, "requestId": f"{alias}-{number}"})
            stack.caller.send({"pipeline": "load", "factory": "well", "requestId": f"queue-{number}"})
            answer = stack.caller.post("load", {"factory": "well"}, key=f"http-{number}")
            assert answer.status == 202
            stack.eventually(partial(news.has, f"queue-{number}", f"http-{number}"), ticking=False)
        assert time.monotonic() - began < MOST_SECONDS
    wanted = [f"{alias}-{which}" for alias in TROUBLE for which in ("slow", *range(ROUNDS))]
    deadline = time.monotonic() + RECOVERY_SECONDS
    while not news.has(*wanted):
        assert time.monotonic() < deadline, sorted(set(wanted) - news.statuses.keys())
    assert {status for statuses in news.statuses.values() for status in statuses} == {"Succeeded"}
    assert len(stack.runs()) == len(wanted) + 2 * ROUNDS
