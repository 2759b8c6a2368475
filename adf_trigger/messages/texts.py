"""The texts of messages that are put into a queue again: the same bytes, under the same key, or a reference to them."""

import base64
import json
import re
from dataclasses import dataclass
from functools import cache

from adf_trigger.messages.encodings import begins_object, plain_json
from adf_trigger.request_ids import is_request_id

MAX_QUEUE_BYTES = 65_536
"""Largest text that a storage queue accepts."""

_REFERENCE = "adfTriggerKept"
_REPLAY = "adfTriggerReplay"
_NEWS_ONLY = "adfTriggerTell"


@cache
def _unsafe() -> re.Pattern[str]:
    """Characters that XML 1.0 cannot hold, or returns as a line feed (CR). Compiled late, since that is slow."""
    return re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Reference:
    """A stand-in in the queue for a message that the ledger stores.

    Attributes:
        key: the message's key in the ledger.
        request_id: its idempotency key.
        replay: whether it was rejected and is sent again: it is accepted regardless of its state there.
        news_only: whether only the event of its rejection remains to be sent, regardless of its fate since.
    """

    key: str
    request_id: str
    replay: bool = False
    news_only: bool = False

    @classmethod
    def in_document(cls, document: object) -> "Reference | None":
        """The reference in a message; None for any other message."""
        match document:
            case {"adfTriggerKept": str(key), "requestId": str(request_id), **more} if is_request_id(
                request_id
            ):
                return cls(key, request_id, replay=_REPLAY in more, news_only=_NEWS_ONLY in more)
        return None

    def as_text(self) -> str:
        """The reference as a message."""
        wants = {
            name: True for name, wanted in ((_REPLAY, self.replay), (_NEWS_ONLY, self.news_only)) if wanted
        }
        return json.dumps({_REFERENCE: self.key, "requestId": self.request_id, **wants})


def queue_text(body: bytes) -> str | None:
    """The text that a queue delivers as these bytes, or base64 of them if no text can hold them; None if neither fits.

    Base64 is decoded again only if it contains a JSON object, so it is used for nothing else.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\ufffe"
    is_safe = _unsafe().search(text.replace("\r", "")) is None
    if is_safe and "\r" not in text:
        return text if len(body) <= MAX_QUEUE_BYTES else None
    encoded = base64.b64encode(body)
    if begins_object(plain_json(encoded)):
        return encoded.decode() if len(encoded) <= MAX_QUEUE_BYTES else None
    return text if is_safe and len(body) <= MAX_QUEUE_BYTES else None


def keyed_text(plain: bytes, request_id: str) -> str | None:
    """The text of a JSON object without a requestId, with one added: all else stays the same, byte for byte.

    None if that does not fit into a queue.
    """
    _, _, rest = plain.partition(b"{")
    between = b"" if rest.lstrip().startswith(b"}") else b","
    return queue_text(b'{"requestId":%s%s' % (json.dumps(request_id).encode(), between) + rest)
