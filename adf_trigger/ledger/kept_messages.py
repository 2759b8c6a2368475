"""A message that is kept with its bytes, and what became of it."""

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
"""How the names of messages begin that belong to a record of the ledger."""

_IN_WORDS = {
    "sent": "it was sent to the requests queue again, and waits there",
    "taken": "it was sent to the requests queue again, and taken from there",
    "returned": "it was sent to the requests queue again, and nothing has come of it",
    "dismissed": "it was dismissed, and its message is not kept any more",
}

By = Literal["requestId", "messageId"]
"""Which id of a message is given."""

_PLAIN = re.compile(r"[A-Za-z0-9._:()-]{1,150}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a rejected message.

    Attributes:
        what: `sent` to the requests queue again, where it waits; `taken` from there; `returned`, since nothing came of
            it there; or `dismissed`.
        at: when.
        by: who asked for that, where it is known.
        note: why.
    """

    what: Literal["sent", "taken", "returned", "dismissed"]
    at: datetime
    by: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMessage:
    """A message and what is known of it.

    Attributes:
        factory: resource id of its factory; empty where it is not known.
        name: names what was rejected; the same message has the same name however often it is delivered.
        request_id: the idempotency key it goes by; a replay keeps it.
        message_id: the queue's id of it.
        pipeline: the name it gives; empty where it gives none.
        body: its bytes, as they came but for what is masked.
        masked: names of parameters whose values were taken out of it, since their pipeline declares them secure.
        reason: why it was rejected, or what it waits for.
        faults: all that is wrong with it.
        taken_as: the request that equal bytes were taken as shortly before.
        key_of_another: the key that it gives, where that names another request; it goes by its own id then.
        attempts: deliveries so far.
        received_at: when it was put into its queue.
        rejected_at: when it was kept.
        waiting: whether it is no rejected message, or not any more: see `fate`.
        requested_by: who asked, where that is known.
        fate: what became of it after it was rejected; None where nothing did, and where it waits without that.
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
        """Whether it waits and was never rejected: it fits into no queue."""
        return self.waiting and self.fate is None

    @property
    def was_taken(self) -> bool:
        """Whether it was sent again, and has become a request, or was rejected again."""
        return self.fate is not None and self.fate.what == "taken"

    @property
    def was_dismissed(self) -> bool:
        """Whether it was dismissed."""
        return self.fate is not None and self.fate.what == "dismissed"

    @property
    def waits_since(self) -> datetime:
        """When it was last put into the queue, where it waits there."""
        return self.rejected_at if self.fate is None else self.fate.at

    def sent(self, at: datetime, *, by: str | None = None, note: str | None = None) -> "KeptMessage":
        """The message once it was sent again."""
        return replace(self, waiting=True, fate=Fate(what="sent", at=at, by=by, note=note))

    def sent_again(self, at: datetime) -> "KeptMessage":
        """The message that is in the queue once it was put there again."""
        if self.fate is None:
            return replace(self, rejected_at=at)
        return replace(self, fate=replace(self.fate, at=at))

    def taken(self, at: datetime) -> "KeptMessage":
        """What is left of it once it was taken: its ids lead to what has come of it."""
        by = None if self.fate is None else self.fate.by
        return replace(self, waiting=True, body=b"", fate=Fate(what="taken", at=at, by=by))

    def returned(self, at: datetime) -> "KeptMessage":
        """The rejected message again, of which nothing has come on the queue."""
        why = f"{self.reason} (it was sent again at {self.waits_since:%Y-%m-%dT%H:%M:%SZ}, and nothing has come of it)"
        return replace(self, waiting=False, reason=why, fate=Fate(what="returned", at=at))

    def dismissed(self, at: datetime, *, by: str | None = None, note: str | None = None) -> "KeptMessage":
        """What is left of it once it was dismissed: who did that, and why it was rejected."""
        return replace(self, waiting=True, body=b"", fate=Fate(what="dismissed", at=at, by=by, note=note))

    def is_older_than(self, instant: datetime) -> bool:
        """Whether it may be purged: it came before an instant, waits for nothing, and was not returned since."""
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
        """What became of it, in a sentence without its end."""
        if self.fate is None:
            return f"it waits in the requests queue: {self.reason}" if self.waiting else "it was rejected"
        by = "" if self.fate.by is None else f" by {self.fate.by}"
        return f"{_IN_WORDS[self.fate.what]} (at {self.fate.at:%Y-%m-%dT%H:%M:%SZ}{by})"

    @property
    def is_listed(self) -> bool:
        """Whether a list shows it: not while it waits, nor where its request has a record, which is shown itself."""
        return not self.waiting and not self.name.startswith(OF_A_RECORD)

    @property
    def listed(self) -> ListedRun:
        """What a list shows of it."""
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
        """What names it; keys are in the order in which messages came."""
        return f"{oldest_first(self.received_at)}|{in_key(self.name)}"

    def as_rejected(self) -> RejectedMessage:
        """The message as the rejected queue and an operator get it."""
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
    """A name as a part of a key: itself where it is plain, else its digest."""
    return name if _PLAIN.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()
