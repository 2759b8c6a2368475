"""The ids of events: different news never shares a source and an id, and the same news always has the same.

    {runId}/{status}            a run has ended, or a request without a run, by the runId that was chosen for it
    {runId}/Unknown/{n}         ... and its fate is unknown for the n-th time
    {runId}/Overdue             a run takes longer than was asked for
    {requestId}/Rejected/{messageId}
                                a message was rejected before it could be a request

An idempotency key is the caller's and may be used again, so that it identifies no news: a runId is chosen for each
claim, and no two records have the same. The forms cannot collide: a runId has no slash, so that the first two forms
have one, or two around `Unknown`; the third has two at least, and where it has two, they are around `Rejected`.
"""

from urllib.parse import quote

from adf_trigger.contracts import MAX_PIPELINE_NAME, RunStatus
from adf_trigger.ledger.records import RunRecord
from adf_trigger.request_ids import in_path

NOWHERE = "/"
"""An event's source where the factory is not known."""

_IN_SEGMENT = "!$&'()*+,;=@"
"""Characters that need no escape in a segment of a path, beside letters, digits and `-._~`."""


def of_end(record: RunRecord) -> str:
    """The id of the event of a record that has just ended, stored in the record from then on."""
    return f"{record.run_id}/{record.status}{_again(record)}"


def of_record(record: RunRecord) -> str:
    """The id of the news of a record that has ended.

    One that an earlier version has ended, and perhaps published, keeps its id: a request without a run was named
    by its key.
    """
    if record.event_id is not None:
        return record.event_id
    if record.confirmed_run_id is not None:
        return of_end(record)
    if record.status == RunStatus.REJECTED:
        again = f"/{record.rejections + 1}" if record.rejections else ""
    else:
        again = _again(record)
    return f"{record.request_id}/{record.status}{again}"


def of_overdue(record: RunRecord) -> str:
    """The id of the event that a run is overdue: no run ends with that word."""
    return f"{record.run_id}/Overdue"


def of_message(request_id: str, message_id: str) -> str:
    """The id of the event that a message was rejected.

    Args:
        request_id: its key.
        message_id: the queue's id of it, which no other message has; one from a queue has no slash.
    """
    return f"{request_id}/{RunStatus.REJECTED}/{in_path(message_id)}"


def source_of(factory: str, pipeline: str) -> str:
    """The source of news: a URI reference (RFC 3986), whatever the names hold.

    Args:
        factory: resource id; empty where it is not known.
        pipeline: its name, or what a message gives as one, which may be anything.
    """
    if not factory:
        return NOWHERE
    name = quote(pipeline[:MAX_PIPELINE_NAME], safe=_IN_SEGMENT, errors="replace")
    if not name.strip("."):
        name = name.replace(".", "%2E")  # else a resolved reference would leave the factory
    return f"{quote(factory, safe=f'/{_IN_SEGMENT}', errors='replace')}/pipelines/{name}"


def _again(record: RunRecord) -> str:
    return f"/{record.unknowns + 1}" if record.unknowns and record.status == RunStatus.UNKNOWN else ""
