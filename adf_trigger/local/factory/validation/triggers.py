"""What must be right about a trigger before it can be started."""

from adf_trigger.local.factory.documents import Document
from adf_trigger.local.factory.errors import BadRequest

SCHEDULE_TRIGGER = "ScheduleTrigger"


def check_startable(trigger: Document) -> None:
    """Refuse a trigger that would never fire here.

    Raises:
        BadRequest: it has no pipelines, or its type is not emulated.
    """
    if not trigger.properties.get("pipelines"):
        raise BadRequest("The trigger has no pipelines to start.", target=trigger.target)
    if trigger.properties.get("type") != SCHEDULE_TRIGGER:
        raise BadRequest(
            f"Triggers of type '{trigger.properties.get('type')}' are kept but not emulated: it would never fire.",
            target=trigger.target,
        )
