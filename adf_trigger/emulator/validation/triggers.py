"""The checks of a trigger when it is published, and before it is started."""

from datetime import UTC, datetime

from adf_trigger.emulator.common.documents import Document
from adf_trigger.emulator.common.errors import BadRequest
from adf_trigger.emulator.schedules.recurrence import RecurrenceError, read_recurrence

SCHEDULE_TRIGGER = "ScheduleTrigger"
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def check_trigger(trigger: Document) -> None:
    """Reject a schedule trigger whose recurrence is not valid.

    Raises:
        BadRequest: naming what is wrong.
    """
    if trigger.properties["type"] != SCHEDULE_TRIGGER:
        return
    recurrence = (trigger.properties.get("typeProperties") or {}).get("recurrence")
    if recurrence is None:
        raise BadRequest("Required property 'recurrence' not found in JSON.", target=trigger.target)
    try:
        read_recurrence(recurrence, created=_ANY_TIME)
    except RecurrenceError as exc:
        raise BadRequest(str(exc), target=trigger.target) from exc


def check_startable(trigger: Document) -> None:
    """Reject a trigger that would never fire here.

    Raises:
        BadRequest: it has no pipelines, or its type is not emulated.
    """
    if trigger.properties["type"] != SCHEDULE_TRIGGER:
        raise BadRequest(
            f"Triggers of type '{trigger.properties['type']}' are stored but not emulated: they would never fire.",
            target=trigger.target,
        )
    if not trigger.properties.get("pipelines"):
        raise BadRequest(
            f"Missing or invalid pipeline references for trigger {trigger.name}", target=trigger.name
        )
