"""The check of every logged record, which all tests of the deployed rooms share."""

import logging
from typing import Any

import pytest

from tests.support.log_records import faults_of


def record(message: object, *args: object, **extra: Any) -> logging.LogRecord:
    """A record as a logger creates it."""
    logger = logging.getLogger("adf_trigger.service.example")
    return logger.makeRecord(logger.name, logging.INFO, "", 1, message, args, None, extra=extra)


@pytest.mark.parametrize(
    "message", ["Request %s is held", "createRun for %s got no answer", "%s answers", "Published %s", "%s"]
)
def test_a_sentence_with_an_action_is_accepted(message: str) -> None:
    """It may begin with a word, a name of the API, or a value."""
    assert faults_of(record(message, "key-1", action="request_held", request_id="key-1")) == []


@pytest.mark.parametrize(
    ("message", "args", "extra"),
    [
        ("Request %s is held", ("key-1",), {}),
        ("Request %s is held", ("key-1",), {"action": None}),
        ("Request %s is held", ("key-1",), {"action": "Request Held"}),
        ("Request %s is held", ("key-1",), {"action": "request_held", "requestId": "key-1"}),
        ("Request %s is held", (None,), {"action": "request_held"}),
        ("Request %s is held: %s", ("key-1", None), {"action": "request_held"}),
        ("REQUEST IS HELD", (), {"action": "request_held"}),
        ("request is held", (), {"action": "request_held"}),
        (None, (), {"action": "request_held"}),
    ],
)
def test_a_record_that_misleads_people_or_alerts_is_a_fault(
    message: object, args: tuple[object, ...], extra: dict[str, Any]
) -> None:
    """It has no stable action, a field that no query finds, a message that is no text, or a None in it."""
    assert len(faults_of(record(message, *args, **extra))) == 1
