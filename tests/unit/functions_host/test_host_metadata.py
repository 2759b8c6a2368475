"""What a queue function is told of its message, and what the message itself can make of that."""

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


def told(body: bytes, trigger: QueueTrigger = TEXT) -> func.QueueMessage:
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
    """All that is told of a message."""
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
def test_a_property_of_the_message_takes_the_place_of_the_metadata(
    document: dict[str, Any], place: int, expected: object
) -> None:
    """Named like a field of the message, in any case, a top-level property is what the function is told."""
    changed = facts(told(json.dumps(document).encode()))
    assert changed[place] == expected
    assert [fact for index, fact in enumerate(changed) if index != place] == [
        fact for index, fact in enumerate(TRUE) if index != place
    ]


@pytest.mark.parametrize("name", NAMES[1:2] + NAMES[3:])
def test_a_property_that_is_no_count_or_time_fails_the_function_before_it_is_called(name: str) -> None:
    """The worker cannot read it: the message fails at every delivery, and in the poison queue again."""
    for spelling in (name, name.lower(), name.upper()):
        with pytest.raises(FunctionFailed, match="cannot take"):
            told(json.dumps({spelling: "garbage"}).encode())


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
def test_what_is_no_property_of_an_object_changes_nothing(body: bytes) -> None:
    """Nulls and arrays are passed over; so are inner objects, arrays, base64 and what is no JSON."""
    assert facts(told(body)) == TRUE


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*NAMES, *map(str.lower, NAMES)]), st.text() | st.integers()))
def test_a_binary_trigger_is_told_the_truth(document: dict[str, Any]) -> None:
    """With the data type BINARY the same bytes arrive, and nothing in them changes what is told of them."""
    assert facts(told(json.dumps(document).encode(), BINARY)) == TRUE


def test_text_that_is_not_utf_8_never_reaches_a_function_that_asks_for_text() -> None:
    """It fails before the call; a binary trigger takes it."""
    with pytest.raises(FunctionFailed, match="UTF-8"):
        told(b"\xff")
    assert facts(told(b"\xff", BINARY)) == TRUE


def test_a_message_given_by_hand_was_never_on_a_queue() -> None:
    """No id, no receipt, no delivery; inserted now, and kept for ever."""
    metadata = metadata_by_hand(START, queue_datum(TEXT, b"by hand"))
    known = {name: json.loads(datum.value) for name, datum in metadata.items()}
    assert "Id" not in known
    assert "PopReceipt" not in known
    assert (known["DequeueCount"], known["InsertionTime"]) == (0, START.isoformat())
    assert known["ExpirationTime"].startswith("9999-12-31")
