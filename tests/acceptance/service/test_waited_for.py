"""Callers who wait for the end of a run, and one who polls by status: Data Factory's own Web activity."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from adf_trigger.request_ids import in_path
from tests.support.local_stack import TIMEOUTS, LocalStack

FAILING = {
    "activities": [
        {
            "name": "Stop",
            "type": "Fail",
            "typeProperties": {"message": "no orders today", "errorCode": "4711"},
        }
    ]
}


@pytest.fixture(scope="module")
def stack(warm: str) -> Iterator[LocalStack]:
    """A stack whose timer runs, so that Retry-After is short."""
    with LocalStack(warm=warm, poll_schedule="*/2 * * * * *") as running:
        running.define("pause")
        running.define("fails", FAILING)
        yield running


def calling(stack: LocalStack, pipeline: str) -> dict[str, Any]:
    """A pipeline that starts another by our service, and waits for it as a Web activity does."""
    endpoints = stack.endpoints
    url = f"{endpoints.functions_url}/api/pipelines/{pipeline}/runs?onFailure=error"
    key = {"x-functions-key": endpoints.functions_key, "Idempotency-Key": f"web/{pipeline} +1"}
    properties = {"url": url, "method": "POST", "headers": key, "body": "{}"}
    return {"activities": [{"name": "Start", "type": "WebActivity", "typeProperties": properties}]}


def test_a_post_that_waits_is_answered_with_the_end(stack: LocalStack) -> None:
    """200 with the run, once it has ended; a repeat has it at once."""
    url = f"{stack.endpoints.functions_url}/api/pipelines/pause/runs"
    headers = {
        "x-functions-key": stack.endpoints.functions_key,
        "Prefer": "wait=60",
        "Idempotency-Key": "raw/1.csv",
    }
    for _ in range(2):
        answer = requests.post(url, json={}, headers=headers, timeout=(TIMEOUTS[0], 90))
        assert (answer.status_code, answer.json()["status"]) == (200, "Succeeded")
        assert answer.headers["Preference-Applied"] == "wait=60"
    assert len(stack.runs("pause")) == 1


@pytest.mark.parametrize(("pipeline", "status"), [("pause", "Succeeded"), ("fails", "Failed")])
def test_a_web_activity_ends_as_the_run_that_it_has_started(
    stack: LocalStack, pipeline: str, status: str
) -> None:
    """It follows the 202 to the result, and fails where the run does."""
    stack.define(f"calls-{pipeline}", calling(stack, pipeline))
    caller = stack.caller.post(f"calls-{pipeline}", {}, key=f"calls-{pipeline}")
    stack.eventually(lambda: stack.status(f"calls-{pipeline}") == status, ticking=False)
    started = stack.caller.get(in_path(f"web/{pipeline} +1")).body
    assert (caller.status, started["status"]) == (202, status)
    if status == "Failed":
        ended = stack.caller.get(f"calls-{pipeline}").body
        assert ended["errors"][0]["activityName"] == "Start"
        assert "run-failed" in ended["errors"][0]["message"]
