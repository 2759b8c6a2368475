"""Logs each request that is accepted and waits, with the reason."""

import logging

from adf_trigger.ledger.listing import waits_for
from adf_trigger.ledger.records import RunRecord

logger = logging.getLogger(__name__)

_WORDS = {
    "hold": "an operator holds it",
    "line": "the maximum number of concurrent runs is reached",
    "joined": "it ends with the run of another request",
    "pipeline": "the pipeline's queue is full",
    "caller": "its caller has to send it again, since its secure parameters are not kept",
}


def log_wait(record: RunRecord) -> None:
    """Log that a new request waits, if it does, and the reason. No value of a key is logged."""
    waits = waits_for(record)
    if waits is None:
        return
    logger.info(
        "Request %s of %s is accepted and waits: %s",
        record.request_id,
        record.pipeline,
        _WORDS[waits],
        extra={
            "action": "request_waits",
            "request_id": record.request_id,
            "waits_for": waits,
            "place_number": record.place_number,
            "joined_to": None if record.joined_to is None else record.joined_to.request_id,
        },
    )
