"""A running stack, for acceptance tests: real processes, short intervals, faults on command."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import psutil
import requests

from adf_trigger.functions_host import environment
from adf_trigger.local.demo.client import Caller
from adf_trigger.local.demo.quickstart import Quickstart
from adf_trigger.local.stack.endpoints import Endpoints
from adf_trigger.local.stack.stack import APP, Stack, StackConfig
from tests.support.forked import ForkedStack

TIMEOUTS = (5.0, 30.0)
MASTER_KEY = "acceptance-master-key"
PATIENCE = 60.0
TICK_SECONDS, MOST_TICK_SECONDS = 0.5, 3.0
"""Between two ticks of a test that waits: each costs processor time, here and in the processes."""
LOOK_SECONDS, MOST_LOOK_SECONDS = 0.1, 1.0
"""Between two looks at the condition, which cost time, too."""

QUICK: Mapping[str, str] = {
    "ADF_TRIGGER_CONNECT_TIMEOUT_SECONDS": "1",
    "ADF_TRIGGER_READ_TIMEOUT_SECONDS": "2",
    "ADF_TRIGGER_LEASE_SECONDS": "3.5",
    "ADF_TRIGGER_RECONCILE_GRACE_SECONDS": "2",
    "ADF_TRIGGER_DEFINITION_CACHE_SECONDS": "0",
}
"""Settings with short intervals for trouble."""

NEVER = "0 0 0 1 1 *"
"""A schedule for tests that fire the timer themselves."""

WAIT_PIPELINE = {
    "activities": [
        {"name": "Pause", "type": "Wait", "typeProperties": {"waitTimeInSeconds": 1}, "dependsOn": []}
    ],
    "parameters": {"n": {"type": "Int", "defaultValue": 0}},
}
"""A pipeline that moves no data."""


def pause_after(waited: float, least: float, most: float) -> float:
    """The pause before the next attempt after a wait: a sixth of the wait, so that little is lost.

    Long waits are for a lease that expires, which no earlier tick or look would notice.
    """
    return min(most, max(least, waited / 6))


class LocalStack:
    """One stack.

    Args:
        app: folder of the function app.
        poll_schedule: of its timer.
        settings: app settings in addition to the short intervals.
        host_options: arguments of the functions host.
        data: the folder of data and logs; default: one that is removed with the stack.
        warm: address of the forking process (see warm.py); None starts them normally.
    """

    def __init__(
        self,
        *,
        app: Path = APP,
        poll_schedule: str = NEVER,
        settings: Mapping[str, str] | None = None,
        host_options: tuple[str, ...] = (),
        data: Path | None = None,
        warm: str | None = None,
    ) -> None:
        self._data = data
        self.warm = warm
        config = StackConfig(
            app=app,
            data=data,
            poll_schedule=poll_schedule,
            settings={**QUICK, environment.MASTER_KEY: MASTER_KEY, **(settings or {})},
            host_options=("--message-lease", "3", *host_options),
        )
        self.processes = Stack(config) if warm is None else ForkedStack(config, warm)

    def __enter__(self) -> Self:
        self.processes.__enter__()
        self.quickstart = Quickstart(self.endpoints)
        self.caller = Caller(self.endpoints)
        return self

    def __exit__(self, *_: object) -> None:
        self.processes.__exit__(None, None, None)

    @property
    def endpoints(self) -> Endpoints:
        """The addresses of the stack."""
        return self.processes.endpoints

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the emulator's control API."""
        url = f"{self.endpoints.control_url}/{path}"
        response = requests.request(method, url, json=body, timeout=TIMEOUTS)
        response.raise_for_status()
        return response.json() if response.content else None

    @contextmanager
    def faults(self, *rules: Mapping[str, Any]) -> Iterator[None]:
        """Activate fault rules for the duration of a block."""
        self.control("POST", "faults", {"rules": list(rules)})
        try:
            yield
        finally:
            self.control("DELETE", "faults")

    def define(self, name: str, properties: Mapping[str, Any] = WAIT_PIPELINE) -> None:
        """Define a pipeline."""
        self.quickstart.client.pipelines.create_or_update(name, properties)

    def runs(self, pipeline: str | None = None) -> list[dict[str, Any]]:
        """All runs that the factory has, of one pipeline or of all."""
        runs: list[dict[str, Any]] = self.control("GET", "runs")["runs"]
        return [run for run in runs if pipeline in (None, run["pipelineName"])]

    def log(self) -> list[dict[str, Any]]:
        """The log of the functions host, where a data folder was given."""
        assert self._data is not None
        lines = (self._data / "logs" / "functions.log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def tick(self) -> None:
        """Fire the timer through the host's admin API."""
        requests.post(
            f"{self.endpoints.functions_url}/admin/functions/tick",
            json={"input": ""},
            headers={"x-functions-key": MASTER_KEY},
            timeout=TIMEOUTS,
        ).raise_for_status()

    def decide(self, run: str, body: Mapping[str, Any]) -> requests.Response:
        """Decide about a request of unknown fate; repeated until its event has been sent."""
        answers: list[requests.Response] = []

        def is_taken() -> bool:
            url = f"{self.endpoints.functions_url}/api/runs/{run}/resolve"
            headers = {"x-functions-key": self.endpoints.functions_key}
            answers.append(requests.post(url, json=dict(body), headers=headers, timeout=TIMEOUTS))
            return answers[-1].status_code != HTTPStatus.SERVICE_UNAVAILABLE

        self.eventually(is_taken)
        return answers[-1]

    def status(self, run: str) -> str:
        """Status of a run, as GET /runs/{id} returns it."""
        answer = self.caller.get(run)
        return str(answer.body.get("status", answer.status))

    def eventually(self, condition: Callable[[], bool], *, ticking: bool = True) -> None:
        """Wait until a condition holds, firing the timer meanwhile.

        Raises:
            AssertionError: it did not come true in time.
        """
        began = time.monotonic()
        next_tick = 0.0
        while not condition():
            waited = time.monotonic() - began
            assert waited < PATIENCE, "it did not come true in time"
            if ticking and time.monotonic() >= next_tick:
                self.tick()
                next_tick = time.monotonic() + pause_after(waited, TICK_SECONDS, MOST_TICK_SECONDS)
            time.sleep(pause_after(waited, LOOK_SECONDS, MOST_LOOK_SECONDS))

    def kill_functions(self) -> None:
        """Kill the functions host as a power cut would, and wait until it is gone."""
        process = psutil.Process(self.endpoints.pids["functions"])
        os.kill(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
