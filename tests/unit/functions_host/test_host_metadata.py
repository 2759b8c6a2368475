"""The metadata that a queue function gets with its message, and how the message can change it."""

import asyncio
import json
from datetime import datetime
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.functions_host.common.errors import FunctionFailed
from adf_trigger.functions_host.queues.ports import LeasedMessage
from adf_trigger.functions_host.triggers import metadata_by_hand, queue_datum, queue_metadata
from adf_trigger.functions_host.worker.index import QueueTrigger
from adf_trigger.functions_host.worker.invoker import Invoker
from tests.unit.functions_host.doubles import START, a_function

TEXT, BINARY = QueueTrigger("orders", "", binary=False), QueueTrigger("orders", "", binary=True)
MESSAGE = LeasedMessage(
    id="the-true-id",
    content="",
    pop_receipt="receipt",
    dequeue_count=2,
    inserted_on=START,
    expires_on=START.replace(month=12),
    next_visible_on=START.replace(minute=10),
)
TRUE = ("the-true-id", 2, "receipt", START, START.replace(month=12), START.replace(minute=10))
NAMES = ["Id", "DequeueCount", "PopReceipt", "InsertionTime", "ExpirationTime", "NextVisibleTime"]


def received(body: bytes, trigger: QueueTrigger = TEXT) -> func.QueueMessage:
    """The message as the function gets it."""
    seen: list[func.QueueMessage] = []

    def keep(_value: func.QueueMessage) -> None:
        seen.append(_value)

    async def main() -> None:
        invoker = Invoker()
        value = queue_datum(trigger, body)
        await invoker.invoke(
            a_function(keep, trigger), value, queue_metadata(MESSAGE, value), reason="a test"
        )
        invoker.close()

    asyncio.run(main())
    (message,) = seen
    assert message.get_body() == body
    return message


def facts(message: func.QueueMessage) -> tuple[object, ...]:
    """All metadata of a message."""
    times = (message.insertion_time, message.expiration_time, message.time_next_visible)
    return (message.id, message.dequeue_count, message.pop_receipt, *times)


@pytest.mark.parametrize(
    ("document", "place", "expected"),
    [
        ({"Id": "evil-id"}, 0, "evil-id"),
        ({"id": "evil-id"}, 0, "evil-id"),
        ({"iD": "evil-id"}, 0, "evil-id"),
        ({"Id": {"a": 1}}, 0, "{'a': 1}"),
        ({"Id": 5}, 0, "5"),
        ({"DequeueCount": 7}, 1, 7),
        ({"dequeuecount": "7"}, 1, 7),
        ({"PopReceipt": "pr"}, 2, "pr"),
        ({"InsertionTime": "2001-01-01T00:00:00Z"}, 3, datetime.fromisoformat("2001-01-01T00:00:00Z")),
        ({"id": "first", "Id": "last"}, 0, "last"),
    ],
)
def test_a_property_of_the_message_replaces_the_metadata(
    document: dict[str, Any], place: int, expected: object
) -> None:
    """A top-level property named like a field of the message, in any case, is what the function gets."""
    changed = facts(received(json.dumps(document).encode()))
    assert changed[place] == expected
    assert [fact for index, fact in enumerate(changed) if index != place] == [
        fact for index, fact in enumerate(TRUE) if index != place
    ]


@pytest.mark.parametrize("name", NAMES[1:2] + NAMES[3:])
def test_an_invalid_count_or_time_fails_the_function_before_it_is_called(name: str) -> None:
    """The worker cannot parse it: the message fails at every delivery, and in the poison queue again."""
    for spelling in (name, name.lower(), name.upper()):
        with pytest.raises(FunctionFailed, match="cannot take"):
            received(json.dumps({spelling: "garbage"}).encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"Id": null, "DequeueCount": [1], "data": {"Id": "inner"}}',
        b'[{"Id": "evil"}]',
        b'"Id"',
        b"eyJJZCI6ImV2aWwifQ==",
        b'{"Id": "evil"',
        b'text {"Id": "evil"}',
        b"",
    ],
)
def test_other_contents_of_the_message_change_nothing(body: bytes) -> None:
    """Nulls and arrays are ignored; so are nested objects, base64 and texts that are no JSON."""
    assert facts(received(body)) == TRUE


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*NAMES, *map(str.lower, NAMES)]), st.text() | st.integers()))
def test_a_binary_trigger_gets_the_real_metadata(document: dict[str, Any]) -> None:
    """With the data type BINARY the same bytes arrive, and they do not change the metadata."""
    assert facts(received(json.dumps(document).encode(), BINARY)) == TRUE


def test_text_that_is_not_utf_8_never_reaches_a_text_parameter() -> None:
    """It fails before the call; a binary trigger accepts it."""
    with pytest.raises(FunctionFailed, match="UTF-8"):
        received(b"\xff")
    assert facts(received(b"\xff", BINARY)) == TRUE


def test_a_message_sent_by_hand_has_no_queue_metadata() -> None:
    """No id, no receipt, no delivery; inserted now, and never expiring."""
    metadata = metadata_by_hand(START, queue_datum(TEXT, b"by hand"))
    known = {name: json.loads(datum.value) for name, datum in metadata.items()}
    assert "Id" not in known
    assert "PopReceipt" not in known
    assert (known["DequeueCount"], known["InsertionTime"]) == (0, START.isoformat())
    assert known["ExpirationTime"].startswith("9999-12-31")
