"""Starts whose secure parameters the service does not store: while one waits, only its caller can send it again."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue

from adf_trigger.client.documents import prefer
from adf_trigger.client.paths import Run, RunName
from adf_trigger.client.transport import Call
from adf_trigger.contracts import RunStatus, RunView

MASKED = "**********"
"""Shown by the service instead of the value of a secure parameter."""

MOST_KEPT = 100
"""Maximum starts that are kept; the oldest are dropped. Each has secrets, and up to 64 KiB."""


class PendingStarts:
    """Keeps such starts in memory until they are sent. Thread-safe."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, Call] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, call: Call, parameters: Mapping[str, JsonValue] | None, run: RunView) -> None:
        """Keep a start whose run is only accepted, if it has secure values that the service did not store."""
        given = {name.lower(): value for name, value in (parameters or {}).items()}
        secret = any(value == MASKED != given.get(name.lower()) for name, value in run.parameters.items())
        if run.status != RunStatus.ACCEPTED or not secret or run.request_id is None:
            return
        with self._lock:
            self._calls[run.request_id] = replace(call, headers=_without_prefer(call), patience=0.0)
            while len(self._calls) > MOST_KEPT:
                self._calls.popitem(last=False)

    def call_for(self, run: Run) -> Call | None:
        """The call that starts a run which waits for its caller; None if there is none."""
        with self._lock:
            return self._calls.get(_key_of(run))

    def forget(self, run: Run) -> None:
        """Drop a run that no longer waits for its caller."""
        with self._lock:
            self._calls.pop(_key_of(run), None)


def _key_of(run: Run) -> str:
    if isinstance(run, str):
        return run
    return run.id if isinstance(run, RunName) else run.request_id or ""


def _without_prefer(call: Call) -> Mapping[str, str | bytes]:
    """The headers without Prefer: a run that waits for its caller does not advance while the caller waits."""
    return {name: value for name, value in call.headers.items() if name not in prefer(1)}
