"""A message that is stored with its bytes, and its fate."""

import base64
import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from adf_trigger.contracts import ProblemFault, RunStatus
from adf_trigger.errors import Fault
from adf_trigger.ledger.keys import oldest_first
from adf_trigger.ledger.listing import ListedRun
from adf_trigger.messages.decoding import Message
from adf_trigger.messages.limits import one_line
from adf_trigger.news import RejectedMessage

OF_A_RECORD = "request:"
"""Prefix of the names of messages that belong to a record of the ledger."""

_IN_WORDS = {
    "sent": "it was sent to the requests queue again, and waits there",
    "taken": "it was sent to the requests queue again, and accepted from there",
    "returned": "it was sent to the requests queue again, and was not processed there",
    "dismissed": "it was dismissed, and its message is no longer stored",
}

By = Literal["requestId", "messageId"]
"""Which id of a message is given."""

_PLAIN = re.compile(r"[A-Za-z0-9._:()-]{1,150}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a rejected message.

    Attributes:
        what: `sent` to the requests queue again, where it waits; `taken`, accepted from there; `returned`, since it was
            not processed there; or `dismissed`.
        at: when.
        by: who requested that, if known.
        note: why.
    """

    what: Literal["sent", "taken", "returned", "dismissed"]
    at: datetime
    by: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMessage:
    """A stored message.

    Attributes:
        factory: resource id of its factory; empty if it is not known.
        name: identifies what was rejected; every delivery of a message has the same name.
        request_id: its idempotency key; a replay keeps it.
        message_id: its id in the queue.
        pipeline: the name it gives; empty if it gives none.
        body: its bytes, as received except for masked values.
        masked: names of parameters whose values were removed from it, since their pipeline declares them secure.
        reason: why it was rejected, or what it waits for.
        faults: all its faults.
        taken_as: the request that a message of equal bytes was accepted as shortly before.
        key_of_another: its own key, if that names another request; its message id is the key then.
        attempts: deliveries so far.
        received_at: when it was put into its queue.
        rejected_at: when it was stored.
        waiting: whether it was never rejected, or is rejected no longer: see `fate`.
        requested_by: who sent it, if known.
        fate: what became of it after it was rejected; None if nothing did, or if it waits without having been rejected.
        etag: of the row that it was read from, for `change`.
    """

    factory: str
    name: str
    request_id: str
    message_id: str
    body: bytes
    reason: str
    received_at: datetime
    rejected_at: datetime
    pipeline: str = ""
    masked: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    taken_as: str | None = None
    attempts: int = 0
    waiting: bool = False
    requested_by: str | None = None
    key_of_another: str | None = None
    fate: Fate | None = None
    etag: str | None = field(default=None, compare=False)

    @property
    def is_on_queue(self) -> bool:
        """Whether it, or a reference to it, is in the requests queue."""
        return self.waiting and (self.fate is None or self.fate.what == "sent")

    @property
    def is_aside(self) -> bool:
        """Whether it waits without having been rejected, since it does not fit into a queue."""
        return self.waiting and self.fate is None

    @property
    def was_taken(self) -> bool:
        """Whether it was sent again, and became a request or was rejected again."""
        return self.fate is not None and self.fate.what == "taken"

    @property
    def was_dismissed(self) -> bool:
        """Whether it was dismissed."""
        return self.fate is not None and self.fate.what == "dismissed"

    @property
    def waits_since(self) -> datetime:
        """When it was last put into the queue, if it waits there."""
        return self.rejected_at if self.fate is None else self.fate.at

    def sent(self, at: datetime, *, by: str | None = None, note: str | None = None) -> "KeptMessage":
        """The message after it was sent again."""
        return replace(self, waiting=True, fate=Fate(what="sent", at=at, by=by, note=note))

    def sent_again(self, at: datetime) -> "KeptMessage":
        """The waiting message after it was put into the queue once more."""
        if self.fate is None:
            return replace(self, rejected_at=at)
        return replace(self, fate=replace(self.fate, at=at))

    def taken(self, at: datetime) -> "KeptMessage":
        """Its remainder after it was accepted: its ids lead to the result."""
        by = None if self.fate is None else self.fate.by
        return replace(self, waiting=True, body=b"", fate=Fate(what="taken", at=at, by=by))

    def returned(self, at: datetime) -> "KeptMessage":
        """The rejected message again, since it was not processed in the queue."""
        why = f"{self.reason} (it was sent again at {self.waits_since:%Y-%m-%dT%H:%M:%SZ}, and was not processed)"
        return replace(self, waiting=False, reason=why, fate=Fate(what="returned", at=at))

    def dismissed(self, at: datetime, *, by: str | None = None, note: str | None = None) -> "KeptMessage":
        """Its remainder after it was dismissed: who did that, and why it was rejected."""
        return replace(self, waiting=True, body=b"", fate=Fate(what="dismissed", at=at, by=by, note=note))

    def is_older_than(self, instant: datetime) -> bool:
        """Whether it may be purged: it was received before an instant, is not waiting, and was not returned since."""
        if self.is_on_queue or self.received_at >= instant:
            return False
        return self.fate is None or self.fate.what != "returned" or self.fate.at < instant

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids by which it can be found."""
        return tuple(dict.fromkeys((self.message_id, self.request_id)))

    def is_called(self, given: str, by: By | None = None) -> bool:
        """Whether an id is its own, or its request's; `by` says which is meant, None either."""
        return given in {"messageId": (self.message_id,), "requestId": (self.request_id,)}.get(
            by or "", self.ids
        )

    @property
    def why(self) -> str:
        """The reason with every fault."""
        return "; ".join([self.reason, *(fault.in_words for fault in self.faults)])

    @property
    def fate_in_words(self) -> str:
        """What became of it, in a sentence without a full stop."""
        if self.fate is None:
            return f"it waits in the requests queue: {self.reason}" if self.waiting else "it was rejected"
        by = "" if self.fate.by is None else f" by {self.fate.by}"
        return f"{_IN_WORDS[self.fate.what]} (at {self.fate.at:%Y-%m-%dT%H:%M:%SZ}{by})"

    @property
    def is_listed(self) -> bool:
        """Whether a list shows it: not while it waits, nor if its request has a record, which is listed instead."""
        return not self.waiting and not self.name.startswith(OF_A_RECORD)

    @property
    def listed(self) -> ListedRun:
        """Its list entry."""
        message = Message.decode(
            self.body, message_id=self.message_id, attempts=self.attempts, inserted_at=self.received_at
        )
        return ListedRun(
            factory=self.factory,
            request_id=self.request_id,
            message_id=self.message_id,
            pipeline=self.pipeline,
            status=RunStatus.REJECTED,
            ended=True,
            requested_at=self.received_at,
            ended_at=self.received_at,
            reason=one_line(self.why),
            correlation_id=message.correlation_id,
            requested_by=self.requested_by,
        )

    @property
    def key(self) -> str:
        """Its key; keys sort in the order in which messages were received."""
        return f"{oldest_first(self.received_at)}|{in_key(self.name)}"

    def as_rejected(self) -> RejectedMessage:
        """The message in the form of the rejected queue."""
        text, encoding = self._text()
        return RejectedMessage(
            request_id=self.request_id,
            message_id=self.message_id,
            message=text,
            message_encoding=encoding,
            masked=list(self.masked) or None,
            record=self.key,
            taken_as=self.taken_as,
            reason=self.reason,
            errors=[ProblemFault(pointer=fault.pointer, message=fault.message) for fault in self.faults],
            attempts=self.attempts,
            rejected_at=self.rejected_at,
        )

    def _text(self) -> tuple[str, Literal["base64"] | None]:
        try:
            return self.body.decode(), None
        except UnicodeDecodeError:
            return base64.b64encode(self.body).decode(), "base64"


def in_key(name: str) -> str:
    """A name as a part of a key: the name itself if it is plain, else its digest."""
    return name if _PLAIN.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()
