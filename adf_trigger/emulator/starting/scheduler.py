"""Fires schedule triggers that are started, at their times by the emulator's clock."""

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

    What a trigger missed while the emulator was stopped, or the machine asleep, is not made up for; when the clock
    has jumped over several of its times, it fires once, for the first of them.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._since: dict[str, datetime] = {}

    def start(self) -> None:
        """Begin to watch."""
        self._started()
        self._task = asyncio.get_running_loop().create_task(self._watch())

    def wake(self) -> None:
        """Look again now: a trigger or the clock has changed.

        What was started is noted before this returns: the clock may move before the watching task has its turn.
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
            following = self._fire_what_is_due()
            now = self._backend.now()
            patience = None if following is None else max(0.0, (following - now).total_seconds())
            try:
                await asyncio.wait_for(self._changed.wait(), patience)
            except TimeoutError:
                continue

    def _fire_what_is_due(self) -> datetime | None:
        """Fire, and tell when to look again."""
        now = self._backend.now()
        following: list[datetime] = []
        for key, trigger in self._started().items():
            try:
                occurrence = self._attend(key, trigger, now)
            except Exception:  # the edge of the task: one trigger's trouble must not stop the others
                logger.exception(
                    "Trigger %s cannot be fired.",
                    trigger.name,
                    extra={"action": "trigger_crashed", "trigger": trigger.name},
                )
                continue
            if occurrence is not None:
                following.append(occurrence)
        return min(following, default=None)

    def _attend(self, key: str, trigger: Document, now: datetime) -> datetime | None:
        """Fire a trigger if it is due; gives its next time."""
        recurrence = _recurrence(trigger)
        occurrence = next_occurrence(recurrence, self._since[key])
        if occurrence is None or occurrence > now:
            return occurrence
        self._since[key] = now
        self._fire(trigger, occurrence)
        return next_occurrence(recurrence, now)

    def _started(self) -> dict[str, Document]:
        """The triggers that are started; each counts from when it was first seen so."""
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
    """The recurrence; a trigger without a startTime counts from when it was last changed, which its etag tells."""
    changed = datetime.fromtimestamp(int(trigger.etag.rpartition("-")[2][:8], 16), tz=UTC)
    return read_recurrence(trigger.properties["typeProperties"]["recurrence"], created=changed)
