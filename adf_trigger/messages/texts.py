"""Messages as texts of a queue: the same bytes again, under the same key, or a reference to where they are kept."""

import base64
import json
import re
from dataclasses import dataclass
from functools import cache

from adf_trigger.messages.encodings import begins_object, plain_json
from adf_trigger.request_ids import is_request_id

MAX_QUEUE_BYTES = 65_536
"""Largest text that a storage queue takes."""

_REFERENCE = "adfTriggerKept"
_REPLAY = "adfTriggerReplay"
_NEWS_ONLY = "adfTriggerTell"


@cache
def _unsafe() -> re.Pattern[str]:
    """What XML 1.0 cannot hold; a carriage return it may give back as a line feed. It takes long to be compiled."""
    return re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a message is kept that lies in the queue by this reference alone.

    Attributes:
        key: names it in the ledger.
        request_id: the idempotency key it goes by.
        replay: whether it was rejected and is sent again: it is to be taken, whatever the ledger says of it.
        news_only: whether the news of its rejection is still to be sent, whatever has become of it since, and no more.
    """

    key: str
    request_id: str
    replay: bool = False
    news_only: bool = False

    @classmethod
    def in_document(cls, document: object) -> "Reference | None":
        """The reference that a message is; None where it is none."""
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
    """The text that a queue delivers as these bytes, or as base64 of them where no text can hold them.

    Base64 is read back where a JSON object comes out of it, so nothing else is written so. None where neither fits.
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
    """The text of a JSON object that has no requestId, with one put in: all else stays as it is, byte for byte.

    None where that does not fit into a queue.
    """
    _, _, rest = plain.partition(b"{")
    between = b"" if rest.lstrip().startswith(b"}") else b","
    return queue_text(b'{"requestId":%s%s' % (json.dumps(request_id).encode(), between) + rest)
