"""An event is valid CloudEvents for any names: its references are valid URIs, and an SDK reads the same values."""

import json
from urllib.parse import unquote, urljoin

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import example, given
from hypothesis import strategies as st
from rfc3986_validator import validate_rfc3986  # type: ignore[import-untyped]

from adf_trigger.contracts import MAX_PIPELINE_NAME
from adf_trigger.events.texts import event_text
from adf_trigger.messages.decoding import Message
from adf_trigger.news import CompletionEvent
from adf_trigger.service.news.event_ids import source_of
from tests.support.world import FACTORY_ID, World

LONGEST_SOURCE = 4_000
"""Characters: each of a pipeline's name may take four bytes, and each byte three characters."""

NAMES = [
    "Load orders",
    "quote \" and ' and `",
    "100%",
    "a#b?c&d=e",
    "\uffff",
    "line\nbreak\r\n",
    "x" * 10_240,
    "",
    ".",
    "..",
    "../../factories/other",
    "\ud800 half \udfff",
    "Lädt täglich (größe) 日付 🏭",
    "[brackets] {braces} <angles> | ^ \\",
    "%2e%2E",
    "//host/path",
    "http://user@host:80/",
]


def rejected(name: str) -> CompletionEvent:
    """The event of a message that names such a pipeline, and can never work."""
    world = World()
    body = json.dumps({"pipeline": name, "requestId": "k", "surprise": 1}).encode()
    world.services.intake.take(
        Message.decode(body, message_id="m-1", attempts=1, inserted_at=world.clock.now)
    )
    (event,) = world.outbox.events
    return event


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_message_is_published_under_a_valid_source(name: str) -> None:
    """An independent validator accepts it; it resolves below the factory and is within the length limit."""
    event = rejected(name)
    links = [value for value in event.data.links.model_dump().values() if value]
    assert links
    for reference in (event.source, *links):
        assert validate_rfc3986(reference, rule="URI_reference"), reference
        assert len(reference) <= LONGEST_SOURCE
    assert (
        urljoin("https://management.azure.com", event.source) == f"https://management.azure.com{event.source}"
    )
    assert unquote(event.source).startswith(f"{FACTORY_ID}/pipelines/")


@pytest.mark.parametrize("name", NAMES)
def test_an_sdk_reads_the_event_as_written(name: str) -> None:
    """The CloudEvents SDK reads the text of the queue as an event, and writes the same again."""
    event = rejected(name)
    text = event_text(event)
    read = JSONFormat().read(CloudEvent, text)
    assert (read.get_id(), read.get_source(), read.get_type()) == (event.id, event.source, event.type)
    assert (read.get_subject(), read.get_time()) == (event.subject, event.time)
    again = json.loads(JSONFormat().write(read))
    assert {**again, "time": ""} == {**json.loads(text), "time": ""}


@given(name=st.text(max_size=MAX_PIPELINE_NAME), group=st.text(min_size=1, max_size=90))
@example(name="..", group="%")
@example(name="", group="\ud800")
@example(name="\ud800", group="ü ä/..?#")
def test_a_source_identifies_one_pipeline(name: str, group: str) -> None:
    """It is valid and bounded, and decodes to the name: two pipelines have two sources."""
    source = source_of(f"/subscriptions/0/resourceGroups/{group}", name)
    assert validate_rfc3986(source, rule="URI_reference"), source
    last = source.rpartition("/pipelines/")[2]
    assert "/" not in last
    assert unquote(last) == name.encode(errors="replace").decode()


def test_plain_names_are_not_encoded() -> None:
    """Sources that consumers already know stay the same."""
    assert source_of(FACTORY_ID, "load_orders-2") == f"{FACTORY_ID}/pipelines/load_orders-2"
    assert source_of(FACTORY_ID, "Load orders (new)") == f"{FACTORY_ID}/pipelines/Load%20orders%20(new)"
    assert source_of("", "load") == "/"
