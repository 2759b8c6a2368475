"""The rows of stored messages: their keys, and their text alongside the bytes."""

import json
from typing import Any

from adf_trigger.errors import UnreadableRow
from adf_trigger.ledger.adapters import adapter_of
from adf_trigger.ledger.kept_messages import KeptMessage, in_key
from adf_trigger.ledger.keys import listing_key, newest_first, newest_first_of
from adf_trigger.messages.limits import shorten, shorten_middle, shortened_together

MAX_FAULTS = 50
MAX_TEXT = 300
"""Maximum characters of a fault's pointer, of its message, and of a masked name."""
MAX_REASON = 8_000
"""Maximum characters of ASCII JSON of a reason: Data Factory's text may have thousands, with the cause at the end."""
MAX_MASKED = 100
MAX_KEPT = 3
"""Average characters of ASCII JSON for each character of a fault: all must fit into an entity with 64 KiB."""


def kept_key(key: str) -> str:
    """The row of a message."""
    return f"rejected|{key}"


def waiting_key(message: KeptMessage) -> str:
    """The index row of a message that is in the queue."""
    return f"waiting|{message.key}"


def place_of_kept(key: str) -> str:
    """The place in the listing, newest first, of the message with a key."""
    oldest, _, name = key.partition("|")
    return f"{newest_first_of(oldest)}|{name}"


def listed_key(message: KeptMessage) -> str:
    """The row of the listing of a message."""
    return listing_key(place_of_kept(message.key))


def called_keys(message: KeptMessage) -> list[str]:
    """The rows that map each id of a message to it: a later message has a lower key."""
    when = newest_first(message.received_at)
    return [f"called|{in_key(given)}|{when}|{message.key}" for given in message.ids]


def called(given: str) -> tuple[str, str]:
    """Two keys, both excluded, between which the rows of an id are."""
    return f"called|{in_key(given)}|", f"called|{in_key(given)}}}"


def key_in(row: str) -> str:
    """The key of the message that a row of `called_keys` refers to."""
    return row.split("|", maxsplit=3)[3]


def encode_kept(message: KeptMessage) -> str:
    """Encode a message without its bytes; unbounded texts are cut."""
    cut = adapter_of(KeptMessage).dump_python(message, mode="json", exclude={"body", "etag"})
    (cut["reason"],) = shortened_together([message.reason], MAX_REASON)
    cut["faults"] = [
        {"pointer": _shortened(fault.pointer, MAX_TEXT), "message": _shortened(fault.message, MAX_TEXT)}
        for fault in message.faults[:MAX_FAULTS]
    ]
    if len(message.faults) > MAX_FAULTS:
        more = f"and {len(message.faults) - MAX_FAULTS} more faults"
        cut["faults"].append({"pointer": "", "message": more})
    cut["masked"] = [shorten(name, MAX_TEXT) for name in message.masked[:MAX_MASKED]]
    return json.dumps(cut, separators=(",", ":"), ensure_ascii=True)


def _shortened(text: str, limit: int) -> str:
    (kept,) = shortened_together([shorten_middle(text, limit)], MAX_KEPT * limit)
    return kept


def decode_kept(text: str, body: bytes, etag: str | None = None) -> KeptMessage:
    """Decode a message. Fields that this version does not know are ignored.

    Raises:
        UnreadableRow: the text is not in the ledger's format.
    """
    try:
        fields: dict[str, Any] = {**json.loads(text), "body": body, "etag": etag}
        return adapter_of(KeptMessage).validate_python(fields)
    except (TypeError, ValueError) as exc:
        raise UnreadableRow("a rejected message in the ledger cannot be decoded") from exc
