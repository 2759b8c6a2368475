"""The texts of messages: whole where they fit, cut where necessary, never over the limit."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adf_trigger.contracts import HistoryEntry, RunLinks
from adf_trigger.events.texts import MAX_MESSAGE_BYTES, event_text, original_text, rejected_text
from adf_trigger.news import CompletionEvent, EventData, RejectedMessage
from adf_trigger.results import ActivityError

NOW = datetime(2026, 1, 5, tzinfo=UTC)
ANY_TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=200)


def event(**data: Any) -> CompletionEvent:
    """An event with the given data."""
    fields: dict[str, Any] = {
        "request_id": "k",
        "factory": "f",
        "pipeline": "p",
        "status": "Failed",
        "ended": True,
        "requested_at": NOW,
        "links": RunLinks(self="/x"),
        **data,
    }
    return CompletionEvent(
        id="k/Failed", source="s", subject="k", type="t", time=NOW, data=EventData(**fields)
    )


def rejected(message: str, reason: str = "r") -> RejectedMessage:
    """A rejected message that contains a text."""
    return RejectedMessage(
        request_id="k", message_id="m", message=message, reason=reason, attempts=1, rejected_at=NOW
    )


def test_a_small_event_is_whole() -> None:
    """It is sent unchanged, and marked as not cut."""
    document = json.loads(event_text(event(message="why", parameters={"a": [1, {"b": None}]})))
    assert document["specversion"] == "1.0"
    assert document["data"]["truncated"] is False
    assert document["data"]["parameters"] == {"a": [1, {"b": None}]}


@settings(max_examples=40, deadline=None)
@given(text=st.sampled_from(["x", "\u20ac", "\U0001f600", '"', "\x01"]), size=st.integers(10_000, 70_000))
def test_a_large_event_is_cut_and_marked(text: str, size: int) -> None:
    """Whatever errors, parameters and labels hold, the message fits and stays JSON."""
    long = text * size
    large = event(
        message=long,
        parameters={f"{text}{number}": long for number in range(60)},
        metadata={f"{number}{text * 60}"[:64]: (text * 256)[:256] for number in range(20)},
        correlation_id=(text * 256)[:256],
        pipeline=(text * 260)[:260],
        factory=(text * 64)[:64],
        requested_by=text * 30_000,
        errors=[ActivityError(activity_name="a", message=long, error_code=long) for _ in range(50)],
        history=[
            HistoryEntry(at=NOW, by=(text * 256)[:256], action=f"a{n}", note=(text * 1024)[:1024])
            for n in range(50)
        ],
    )
    cut = event_text(large)
    assert len(cut.encode()) <= MAX_MESSAGE_BYTES
    document = json.loads(cut)
    assert document["data"]["truncated"] is True
    assert document["data"]["status"] == "Failed"
    assert document["data"]["errors"]
    assert document["data"]["history"][-1]["action"] == "a49"


def test_an_event_is_ascii() -> None:
    """Storage cannot hold every character in its XML, and one such message makes the reads of its batch fail."""
    text = event_text(event(message="\uffff größe \U0001f600"))
    assert text.isascii()
    assert json.loads(text)["data"]["message"] == "\uffff größe \U0001f600"


def test_broken_surrogates_do_not_break_an_event() -> None:
    """Invalid Unicode, as faulty software writes it, is sent with replacement characters."""
    assert json.loads(event_text(event(message="\ud800 broken")))["data"]["message"] == "? broken"


@settings(max_examples=60, deadline=None)
@given(part=ANY_TEXT, times=st.integers(1, 2000))
def test_a_rejected_message_can_be_read_back_whole(part: str, times: int) -> None:
    """The original text survives, packed where it is long, unless it cannot be made to fit."""
    original = (part * times)[:60_000]
    text = rejected_text(rejected(original))
    assert len(text.encode()) <= MAX_MESSAGE_BYTES
    read = RejectedMessage.model_validate_json(text)
    assert original_text(read) == original or "cut" in read.reason


def test_a_long_request_is_packed_and_not_cut() -> None:
    """JSON of nearly a whole message packs well: none of it is lost."""
    original = json.dumps({"pipeline": "p", "parameters": {f"name-{n}": f"value {n}" for n in range(2200)}})
    assert len(original) > 49_152
    read = RejectedMessage.model_validate_json(rejected_text(rejected(original)))
    assert original_text(read) == original
    assert read.message_encoding == "gzip+base64"


def test_a_shortened_reason_keeps_both_ends() -> None:
    """A cause may stand at either end."""
    text = rejected_text(
        rejected("x" * 49_000, reason=f"Data Factory refused it: {'y' * 5_900} no such role")
    )
    reason = RejectedMessage.model_validate_json(text).reason
    assert reason.startswith("Data Factory refused it: y")
    assert reason.endswith("y no such role")
