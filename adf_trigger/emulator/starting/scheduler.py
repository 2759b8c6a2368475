"""Fires started schedule triggers at their times by the emulator's clock."""

import asyncio
import logging
from datetime import UTC, datetime

from adf_trigger.emulator.arm.backend import Backend
from adf_trigger.emulator.common.documents import TRIGGERS, Document
from adf_trigger.emulator.schedules.occurrences import next_occurrence
from adf_trigger.emulator.schedules.recurrence import Recurrence, read_recurrence
from adf_trigger.emulator.starting.firing import fire
from adf_trigger.emulator.validation.triggers import SCHEDULE_TRIGGER

logger = logging.getLogger(__name__)


class TriggerScheduler:
    """Watches the triggers in an asyncio task.

    Occurrences that a trigger missed while the emulator was stopped are not made up for. When the clock has jumped
    over several of its occurrences, e.g. while the machine slept, it fires once, for the first of them.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._since: dict[str, datetime] = {}

    def start(self) -> None:
        """Start watching."""
        self._started()
        self._task = asyncio.get_running_loop().create_task(self._watch())

    def wake(self) -> None:
        """Check the triggers now, because a trigger or the clock has changed.

        Newly started triggers are registered before this returns, as the clock may move before the task runs.
        """
        self._started()
        self._changed.set()

    async def close(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            self._changed.clear()
            following = self._fire_due_triggers()
            now = self._backend.now()
            timeout = None if following is None else max(0.0, (following - now).total_seconds())
            try:
                await asyncio.wait_for(self._changed.wait(), timeout)
            except TimeoutError:
                continue

    def _fire_due_triggers(self) -> datetime | None:
        """Fire the triggers that are due and return the next occurrence of any trigger."""
        now = self._backend.now()
        following: list[datetime] = []
        for key, trigger in self._started().items():
            try:
                occurrence = self._fire_if_due(key, trigger, now)
            except Exception:  # the edge of the task: one trigger's failure must not stop the others
                logger.exception(
                    "Trigger %s cannot be fired.",
                    trigger.name,
                    extra={"action": "trigger_crashed", "trigger": trigger.name},
                )
                continue
            if occurrence is not None:
                following.append(occurrence)
        return min(following, default=None)

    def _fire_if_due(self, key: str, trigger: Document, now: datetime) -> datetime | None:
        """Fire a trigger if it is due and return its next occurrence."""
        recurrence = _recurrence(trigger)
        occurrence = next_occurrence(recurrence, self._since[key])
        if occurrence is None or occurrence > now:
            return occurrence
        self._since[key] = now
        self._fire(trigger, occurrence)
        return next_occurrence(recurrence, now)

    def _started(self) -> dict[str, Document]:
        """The started triggers; occurrences of each count from when it was first seen as started."""
        now = self._backend.now()
        started = {
            trigger.id.lower(): trigger
            for trigger in self._backend.store.resources.every(TRIGGERS)
            if trigger.properties.get("runtimeState") == "Started"
            and trigger.properties.get("type") == SCHEDULE_TRIGGER
        }
        self._since = {key: self._since.get(key, now) for key in started}
        return started

    def _fire(self, trigger: Document, occurrence: datetime) -> None:
        run = fire(self._backend, trigger, occurrence)
        logger.info(
            "Trigger %s has fired for %s: %s.",
            trigger.name,
            occurrence,
            run.status,
            extra={"action": "trigger_fired", "trigger": trigger.name, "status": run.status},
        )


def _recurrence(trigger: Document) -> Recurrence:
    """The recurrence; without a startTime it starts when the trigger was last changed, according to its etag."""
    changed = datetime.fromtimestamp(int(trigger.etag.rpartition("-")[2][:8], 16), tz=UTC)
    return read_recurrence(trigger.properties["typeProperties"]["recurrence"], created=changed)
