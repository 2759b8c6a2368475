"""A stack that is killed at planned points."""

import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import requests
from azure.data.tables import TableClient

from adf_trigger.ledger.notes import Note
from adf_trigger.ledger.table import TableLedger
from adf_trigger.service.callbacks.callbacks import CALLBACKS
from tests.support.local_stack import (
    MOST_TICK_SECONDS,
    PATIENCE,
    TIMEOUTS,
    LocalStack,
    pause_after,
)
from tests.support.webhook_server import Call

ENDED = {"Succeeded", "Failed", "Cancelled", "Rejected", "Unknown"}
LATER = 503
AGAIN_SECONDS = 0.2
EVENTS_SECONDS = 0.1
"""How long a look at the events takes at least."""
SETTLING_SECONDS = 0.8
"""From a tick to the look at its events."""
STEP_SECONDS = 1.0
"""Between two ticks that have led to no kill: each costs as much as a start of the host."""
KILL_PATIENCE = 2 * PATIENCE
"""Some points lie behind waits of half a minute."""


class Crashes:
    """A stack whose functions host is killed at planned points, and what was acknowledged by it.

    Args:
        stack: the stack.
        folder: where plans are made.
        hook: address of a server that takes each call the second time.
        calls: those that came to it.
    """

    def __init__(self, stack: LocalStack, folder: Path, hook: str, calls: list[Call]) -> None:
        self.stack = stack
        self.hook = hook
        self._calls = calls
        self.to_call_back: set[str] = set()
        self.plan = folder / "plan"
        self.hits = folder / "hits"
        self.acknowledged: set[str] = set()
        self.planned = 0
        self.exit_codes: list[int | None] = []
        self.events: list[dict[str, Any]] = []

    def post(self, key: str, pipeline: str = "pause", *, body: Mapping[str, Any] | None = None) -> int:
        """Ask for a run until there is an answer, as a caller with an idempotency key does."""
        status = self.ask(
            lambda: self.stack.caller.post(pipeline, dict(body or {}), key=key).status, key, until_taken=False
        )
        if status in (200, 202):
            self.acknowledged.add(key)
        return status

    def steer(
        self, key: str, verb: str, body: Mapping[str, Any] | None = None, *, own_key: str | None = None
    ) -> int:
        """Ask for something about a run until there is an answer; the status of that."""
        url = f"{self.stack.endpoints.functions_url}/api/runs/{key}/{verb}"
        headers = {"x-functions-key": self.stack.endpoints.functions_key}
        if own_key is not None:
            headers["Idempotency-Key"] = own_key
            self.acknowledged.add(own_key)

        def order() -> int:
            return requests.post(url, json=body or {}, headers=headers, timeout=TIMEOUTS).status_code

        return self.ask(order, f"{verb} of {key}")

    def ask(self, call: Callable[[], int], what: str, *, until_taken: bool = True) -> int:
        """The status of a call that is made again while the host is gone.

        Args:
            call: gives its status.
            what: is asked for.
            until_taken: make it again also where it is to come later, as while a tick works on the same request:
                what nobody asks for again never leads to the planned point.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                status = call()
            except requests.ConnectionError:
                self.revive()
            else:
                if status != LATER or not until_taken:
                    return status
                time.sleep(AGAIN_SECONDS)
        raise AssertionError(f"{what} was never answered")

    def send(self, message: dict[str, Any]) -> None:
        """Drop a message: once it is on the queue it counts as acknowledged."""
        self.stack.caller.send(message)
        self.acknowledged.add(message["requestId"])

    def tick(self) -> None:
        """Fire the timer, at a host that may be dying."""
        with contextlib.suppress(requests.ConnectionError, psutil.NoSuchProcess):
            self.stack.tick()

    def read_events(self) -> list[dict[str, Any]]:
        """All ends that were told so far, those that have just come among them."""
        self.events += (
            each for each in self.stack.caller.events(1_000, within=EVENTS_SECONDS) if each["data"]["ended"]
        )
        return self.events

    def all_over(self) -> bool:
        """Whether nothing goes on of what was acknowledged."""
        return all(self.stack.status(key) in ENDED for key in self.acknowledged if "-invalid" not in key)

    def called_back(self) -> set[str]:
        """The paths that were called back."""
        return {path for path, _, _ in self._calls}

    def waiting(self) -> list[Note]:
        """The callbacks that are kept."""
        endpoints = self.stack.endpoints
        table = TableLedger(
            lambda: TableClient.from_connection_string(endpoints.storage_connection_string, endpoints.table)
        )
        return list(table.notes().named(endpoints.factory_id, CALLBACKS))

    def has_succeeded(self, key: str) -> bool:
        """Whether a run that is opened shows that; a start in doubt, as on a slow machine, only a tick settles."""
        status = self.stack.status(key)
        if status == "Accepted":
            self.tick()
        return status == "Succeeded"

    def unpublished(self) -> set[str]:
        """What was acknowledged and has no event yet."""
        return self.acknowledged - {event["subject"] for event in self.events}

    def settle(self) -> None:
        """Fire the timer until all that was acknowledged has its event, or for as long as there is patience."""
        began = time.monotonic()
        while self.unpublished() and (waited := time.monotonic() - began) < PATIENCE:
            self.tick()
            time.sleep(pause_after(waited, SETTLING_SECONDS, MOST_TICK_SECONDS))
            self.read_events()

    def killed(self) -> bool:
        """Whether the host has been killed as planned."""
        return not self.plan.exists()

    def revive(self) -> None:
        """Start the host again if it is gone, and note how it went."""
        if self.stack.processes.dead() == "functions":
            self.exit_codes.append(self.stack.processes.exit_code("functions"))
            self.stack.processes.restart_functions()

    def go_on_until_killed(self) -> None:
        """Fire the timer until the planned point is reached; then start the host again."""
        began = time.monotonic()
        deadline = began + KILL_PATIENCE
        while not self.killed():
            assert time.monotonic() < deadline, self._never_reached()
            self.tick()
            waited = time.monotonic() - began
            self._wait_for_the_kill(pause_after(waited, STEP_SECONDS, MOST_TICK_SECONDS))
        while len(self.exit_codes) < self.planned:
            assert time.monotonic() < deadline, "the host did not die"
            self.revive()
            time.sleep(0.05)

    def _never_reached(self) -> str:
        processes = self.stack.processes
        dead = processes.dead()
        how = f": {processes.exit_report(dead)}" if dead else ""
        return f"{self.plan.read_text()} was never reached{how}"

    def _wait_for_the_kill(self, seconds: float) -> None:
        next_tick = time.monotonic() + seconds
        while not self.killed() and time.monotonic() < next_tick:
            time.sleep(0.02)

    def kill_at(self, point: str) -> None:
        """Plan the next kill."""
        self.planned += 1
        self.plan.write_text(point)
