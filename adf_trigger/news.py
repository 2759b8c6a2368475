"""The messages that the service writes to queues: completion events, and rejected messages."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from adf_trigger.contracts import ProblemFault, RunView
from adf_trigger.wire import Instant, Wire


class EventData(RunView):
    """The run that a completion event is about.

    Attributes:
        ended: absent in events of the first version, which reported ends only.
        truncated: true if long text or large values were cut, or something was left out, to keep the message within
            its limit.
    """

    ended: bool = True
    truncated: bool = False


class CompletionEvent(Wire):
    """A CloudEvents 1.0 event: a run has ended, or will not start, or is overdue by its policy or request.

    `id` is the same for every repeat of the same event, so that a consumer can drop repeats.

    Attributes:
        traceparent: the trace that the request is part of (W3C Trace Context), an extension of CloudEvents; absent if
            the request had none.
    """

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: Annotated[str, WithJsonSchema({"type": "string", "format": "uri-reference"})]
    subject: str
    type: str
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | None = None
    data: EventData


class RejectedMessage(Wire):
    """A message of the rejected queue: the original message, why it was rejected, and how often it was tried.

    Attributes:
        request_id: its idempotency key, given or derived; a replay keeps it.
        message: the text of the original message, exactly as received except for masked values.
        message_encoding: `gzip+base64` if the text was too long to be kept plainly, `base64` if it is no text.
        masked: names of the parameters whose values were removed, since their pipeline declares them secure.
        record: id of the message in the ledger, which has it whole; this copy may be deleted freely.
        taken_as: the request that a message of equal bytes was accepted as shortly before.
        reason: one sentence.
        errors: every fault found.
        attempts: deliveries so far.
    """

    request_id: str
    message_id: str
    message: str
    message_encoding: Literal["gzip+base64", "base64"] | None = None
    masked: list[str] | None = None
    record: str | None = None
    taken_as: str | None = None
    reason: str
    errors: list[ProblemFault] = Field(default_factory=list)
    attempts: int
    rejected_at: Instant
