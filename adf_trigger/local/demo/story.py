"""The steps of the demo, and the checks of their results."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from azure.core.exceptions import AzureError
from requests import RequestException

from adf_trigger.clock import utcnow
from adf_trigger.datafactory.models import TimeWindow, items_of
from adf_trigger.errors import AdfTriggerError
from adf_trigger.local.demo.client import Answer, Caller
from adf_trigger.local.demo.quickstart import INPUTS, PARAM_PIPELINE, PLAIN_PIPELINE, Quickstart
from adf_trigger.local.screen.screen import Screen
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import Stack, StackConfig

EVENTS_WITHIN = 60.0
"""Seconds in which three small copies end and their events arrive."""

BY_HTTP, BY_QUEUE, MISSING, WRONG = "demo-by-http", "demo-by-queue", "demo-no-such-blob", "demo-wrong-body"
EXPECTED = {BY_HTTP: "Succeeded", BY_QUEUE: "Succeeded", MISSING: "Failed"}


def run(cloud: str, screen: Screen | None = None, stack: Stack | None = None) -> int:
    """Run the demo; return the exit code, 0.

    Args:
        cloud: which of Azure's clouds the stack stands in for.
        screen: to show it on.
        stack: not entered yet; replaces the default one, for tests of failures.

    Raises:
        DemoFailed: a check failed.
        StartFailed: or another error of entering a Stack.
    """
    shown = screen or Screen()
    started = time.monotonic()
    shown.heading(
        "adf-trigger: start Azure Data Factory pipelines by HTTP or queue, and be notified when they end."
    )
    stack = stack or Stack(StackConfig(settings={"ADF_TRIGGER_CLOUD": cloud}))
    with ExitStack() as running:
        with shown.waiting("Starting Azurite, a local Data Factory and a Functions host"):
            endpoints = running.enter_context(stack)
        _run_steps(endpoints, shown, stack)
    shown.verdict(time.monotonic() - started)
    return 0


class DemoFailed(Exception):
    """A check of the demo failed. The text has every fault, and the folder of the logs, which are kept."""


def _run_steps(endpoints: Endpoints, screen: Screen, stack: Stack) -> None:
    faults: list[str] = []
    cause: Exception | None = None
    try:
        for fault in _Story(endpoints, screen).run():
            faults.append(fault)  # noqa: PERF402 - faults found before an error are reported with it
    except (RequestException, AzureError, AdfTriggerError) as exc:
        cause = exc
    if (name := stack.dead()) is not None:
        faults.append(stack.exit_report(name))
    elif cause is not None:
        faults.append(f"{type(cause).__name__}: {cause}")
    if not faults:
        return
    lines = "".join(f"✗ {fault}\n" for fault in faults)
    raise DemoFailed(f"\n{lines}The logs are kept: {stack.logs}") from cause


class _Story:
    def __init__(self, endpoints: Endpoints, screen: Screen) -> None:
        self._screen = screen
        self._caller = Caller(endpoints)
        self._quickstart = Quickstart(endpoints)
        self._queue = endpoints.requests_queue
        self._events_queue = endpoints.events_queue

    def run(self) -> Iterator[str]:
        """Run the steps; yield a sentence for each fault."""
        self._provision()
        faults = list(self._start())
        yield from faults
        if faults:
            return  # runs that were not started never end
        events = self._wait()
        yield from self._check_events(events)
        yield from self._show_copy()
        yield from self._check_blobs()

    def _provision(self) -> None:
        self._screen.heading("1. The factory of the two quickstarts, created through the REST API")
        created: dict[str, list[str]] = {}
        for kind, name in self._quickstart.provision():
            created.setdefault(kind, []).append(name)
        for kind, names in created.items():
            self._screen.line(f"{kind + ('s' if len(names) > 1 else ''):<15} {', '.join(names)}")
        self._quickstart.upload()
        self._screen.line(
            f"{'blobs':<15} {', '.join(f'{name} ({len(data)} bytes)' for name, data in INPUTS.items())}"
        )

    def _start(self) -> Iterator[str]:
        self._screen.heading("2. Four requests")
        plain = self._caller.post(PLAIN_PIPELINE, {}, key=BY_HTTP)
        yield from self._exchange(f"POST …/{PLAIN_PIPELINE}/runs", plain, HTTPStatus.ACCEPTED)
        self._caller.send(
            {
                "pipeline": PARAM_PIPELINE,
                "requestId": BY_QUEUE,
                "parameters": {"strParamInputFileName": "emp2.txt", "strParamOutputFileName": "aloha.txt"},
                "correlationId": "order-4711",
            }
        )
        self._screen.exchange(
            f"message on {self._queue}: emp2.txt → aloha.txt by {PARAM_PIPELINE}", "sent", good=True
        )
        missing = self._caller.post(
            PARAM_PIPELINE,
            {"parameters": {"strParamInputFileName": "nowhere.txt", "strParamOutputFileName": "x.txt"}},
            key=MISSING,
        )
        yield from self._exchange(
            f"POST …/{PARAM_PIPELINE}/runs with a missing blob", missing, HTTPStatus.ACCEPTED
        )
        wrong = self._caller.post(
            PARAM_PIPELINE, {"parameters": {"strParamInputFileName": 7, "strParamOutputFile": "x"}}, key=WRONG
        )
        yield from self._exchange(
            f"POST …/{PARAM_PIPELINE}/runs with wrong parameters", wrong, HTTPStatus.BAD_REQUEST
        )
        for error in wrong.body.get("errors", []):
            self._screen.line(f"{error['pointer']}: {error['message']}", indent=8)

    def _exchange(self, request: str, answer: Answer, expected: int) -> Iterator[str]:
        run = answer.body.get("runId")
        result = (
            f"runId {run}" if run else answer.body.get("title", answer.body.get("status", "without a body"))
        )
        self._screen.exchange(
            request, f"{answer.status} {result}", good=answer.status < HTTPStatus.BAD_REQUEST
        )
        if answer.status != expected:
            yield f"{request}: expected {expected}, got {answer.status}: {answer.text[:500] or 'without a body'}"

    def _wait(self) -> list[dict[str, Any]]:
        self._screen.heading(f"3. Completion events from the queue {self._events_queue}")
        with self._screen.waiting("Waiting for the runs to end ...") as status:

            def show_progress() -> None:
                states = ", ".join(f"{key} {self._state(key)}" for key in EXPECTED)
                status.update(f"Waiting for the runs to end: {states}")

            events = self._caller.events(len(EXPECTED), within=EVENTS_WITHIN, meanwhile=show_progress)
        self._screen.events(events)
        return events

    def _state(self, key: str) -> str:
        answer = self._caller.get(key)
        return str(answer.body.get("status", "?")) if answer.status == HTTPStatus.OK else "not accepted yet"

    def _check_events(self, events: list[dict[str, Any]]) -> Iterator[str]:
        statuses = {event["subject"]: event["data"]["status"] for event in events}
        for key, status in EXPECTED.items():
            if statuses.get(key) != status:
                yield f"the event of {key}: expected {status}, got {statuses.get(key, 'no event')}"
        for event in events:
            if event["subject"] == MISSING and "UserErrorSourceBlobNotExist" not in str(
                event["data"]["errors"]
            ):
                yield f"the errors of {MISSING} lack the expected code: {event['data']['errors']}"

    def _show_copy(self) -> Iterator[str]:
        answer = self._caller.get(BY_QUEUE)
        run_id = answer.body.get("runId")
        if run_id is None:
            yield f"{BY_QUEUE} has no run: {answer.status} {answer.text[:500] or 'without a body'}"
            return
        self._screen.heading(f"4. The run that the message started, {run_id}")
        window = TimeWindow(after=utcnow() - timedelta(hours=1), before=utcnow() + timedelta(hours=1))
        activities = items_of(self._quickstart.client.query_activity_runs(UUID(run_id), window=window))
        self._screen.activities(
            [
                {
                    "name": activity.activity_name,
                    "type": activity.activity_type,
                    "status": activity.status,
                    "output": activity.output or {},
                    "durationMs": activity.duration_in_ms,
                }
                for activity in activities
            ]
        )
        copied = [(activity.output or {}).get("dataWritten") for activity in activities]
        if copied != [len(INPUTS["input/emp2.txt"])]:
            yield f"dataWritten: expected [{len(INPUTS['input/emp2.txt'])}], got {copied}"

    def _check_blobs(self) -> Iterator[str]:
        for copy, original in (("output/emp.txt", "input/emp.txt"), ("output/aloha.txt", "input/emp2.txt")):
            if self._quickstart.read(copy) == INPUTS[original]:
                self._screen.line(f"{copy} holds the bytes of {original}")
            else:
                yield f"{copy} does not hold the bytes of {original}"
