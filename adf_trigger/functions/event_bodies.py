"""The bodies of webhooks: events of Event Grid and CloudEvents, alone, in batches, or described by headers."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from adf_trigger.clock import Clock
from adf_trigger.errors import InvalidRequest, TooLong
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.strict_json import parse

MAX_EVENTS_BYTES = 1_100_000
"""Event Grid sends batches of up to 1 MiB (1,048,576 bytes), plus the JSON around them."""

MAX_EVENTS = 5_000
"""Maximum events of a batch of Event Grid."""

VALIDATION = "microsoft.eventgrid.subscriptionvalidationevent"
_ATTRIBUTE = "ce-"
_BINARY = "ce-specversion"


def events_in(body: bytes, headers: Mapping[str, str], clock: Clock) -> list[Message]:
    """Decode the events of a call, each as a message of its own.

    An invalid event is returned with its faults: it is published and stored as rejected, since the sender of events
    could not correct it.

    Args:
        body: of the call.
        headers: of the call; their names are lower-case on the platform.
        clock: returns the current time.

    Raises:
        InvalidRequest: the body is neither JSON nor an event in binary mode.
        TooLong: there are more events than Event Grid ever sends.
    """
    named = {name.lower(): value for name, value in headers.items()}
    if _BINARY in named:
        return [_message(_binary(body, named), clock)]
    parsed = parse(body)
    if not isinstance(parsed.document, dict | list):
        raise InvalidRequest(list(parsed.faults))
    if not parsed.is_text:
        return [Message.decode(body, message_id="", attempts=1, inserted_at=clock())]
    entries = parsed.document if isinstance(parsed.document, list) else [parsed.document]
    if len(entries) > MAX_EVENTS:
        raise TooLong(f"at most {MAX_EVENTS} events are allowed in one call, these are {len(entries)}")
    return [_message(each, clock) for each in entries]


def validation_code(messages: list[Message]) -> str | None:
    """The code of Event Grid's subscription validation, to be echoed; None for other calls.

    Its `validationUrl` is never called: no address from outside is trusted.
    """
    if len(messages) != 1 or messages[0].event is None or messages[0].event.type.lower() != VALIDATION:
        return None
    data = messages[0].event.data
    code = data.get("validationCode") if isinstance(data, dict) else None
    return code if isinstance(code, str) else None


def _message(document: object, clock: Clock) -> Message:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return Message.decode(body, message_id="", attempts=1, inserted_at=clock())


def _binary(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """The CloudEvent whose attributes are headers (HTTP binding 1.0, section 3.1) and whose data is the body."""
    document: dict[str, Any] = {
        name.removeprefix(_ATTRIBUTE): unquote(value)
        for name, value in headers.items()
        if name.startswith(_ATTRIBUTE)
    }
    kind = headers.get("content-type", "")
    document["datacontenttype"] = kind
    parsed = parse(body)
    if body and parsed.is_text:
        document["data"] = parsed.document
    elif body:
        document["data_base64"] = base64.b64encode(body).decode()
    return document
