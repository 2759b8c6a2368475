"""Matches events against triggers, and builds the value of `trigger()` for their parameters."""

from typing import Any

from adf_trigger.messages.envelopes import CLOUD_EVENTS, Event
from adf_trigger.triggers.definitions import BLOB_CREATED, Trigger

_CONTAINERS = "/blobServices/default/containers/"
_BLOBS = "/blobs/"
_A_RESOURCE = "/subscriptions/"


def why_not(trigger: Trigger, event: Event) -> str | None:
    """Why a trigger does not start on an event, in a sentence; None if it does.

    Types, scopes and subjects compare without case, the default of Event Grid's own filters.
    """
    if event.type.lower() not in [each.lower() for each in trigger.events]:
        return f"it starts on {' and '.join(trigger.events)}; this is {event.type}"
    scope = _scope_of(event)
    if scope is not None and scope.lower().rstrip("/") != trigger.scope.lower():
        return f"its scope is {trigger.scope}; this is from {scope or 'none'}"
    return _why_not_blob(trigger, event) if trigger.of_blobs else _why_not_subject(trigger, event.subject)


def _scope_of(event: Event) -> str | None:
    """The resource that an event comes from; None if its schema does not say.

    The source of a CloudEvent need not be a topic of Event Grid.
    """
    if event.schema == CLOUD_EVENTS and not event.source.lower().startswith(_A_RESOURCE):
        return None
    return event.source


def _why_not_subject(trigger: Trigger, subject: str) -> str | None:
    if not subject.lower().startswith(trigger.begins.lower()):
        return f"subjectBeginsWith is {trigger.begins}; the subject is {subject}"
    if not subject.lower().endswith(trigger.ends.lower()):
        return f"subjectEndsWith is {trigger.ends}; the subject is {subject}"
    return None


def _why_not_blob(trigger: Trigger, event: Event) -> str | None:
    if blob_of(event) is None:
        return f"its subject is not that of a blob: {event.subject}"
    path = event.subject[len(_CONTAINERS) - 1 :]
    if not path.lower().startswith(trigger.begins.lower()):
        return f"blobPathBeginsWith is {trigger.begins}; the path is {path}"
    if not path.lower().endswith(trigger.ends.lower()):
        return f"blobPathEndsWith is {trigger.ends}; the path is {path}"
    data = event.data if isinstance(event.data, dict) else {}
    call = data.get("api")
    counted = [each.lower() for each in trigger.calls]
    created = event.type.lower() == BLOB_CREATED.lower()
    if created and counted and isinstance(call, str) and call.lower() not in counted:
        return f"data.api is {call}, which may not complete the blob; it starts on {', '.join(trigger.calls)}"
    if trigger.ignores_empty and data.get("contentLength") == 0:
        return "ignoreEmptyBlobs is set, and the blob is empty"
    return None


def blob_of(event: Event) -> tuple[str, str] | None:
    """Container and path of an event's blob, exactly as in its subject; None if the event is not about a blob.

    A subject is not percent-encoded: `a%20b.csv` in it is the name of a blob.
    """
    if not event.subject.lower().startswith(_CONTAINERS.lower()):
        return None
    container, blobs, path = event.subject[len(_CONTAINERS) :].partition(_BLOBS)
    return (container, path) if container and blobs and path else None


def trigger_of(trigger: Trigger, event: Event) -> dict[str, Any]:
    """The value of `trigger()` in the parameters: its name, the time of the event, and the event.

    `startTime` is the event's time, not that of its receipt: a repeated delivery asks for the same run.
    """
    known = {"name": trigger.name, "outputs": {"body": _body(trigger, event)}}
    return known if event.time is None else {**known, "startTime": event.time}


def _body(trigger: Trigger, event: Event) -> dict[str, Any]:
    both = {
        "id": event.id,
        "subject": event.subject,
        **dict.fromkeys(("eventType", "type"), event.type),
        **dict.fromkeys(("topic", "source"), event.source),
        **({} if event.time is None else dict.fromkeys(("eventTime", "time"), event.time)),
    }
    body: dict[str, Any] = {"event": {**both, **event.document, "data": event.data}}
    blob = blob_of(event) if trigger.of_blobs else None
    if blob is not None:
        container, path = blob
        folder, _, file = path.rpartition("/")
        body |= {"fileName": file, "folderPath": f"{container}/{folder}" if folder else container}
    return body
