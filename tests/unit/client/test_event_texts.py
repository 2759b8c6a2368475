"""Messages of the events queue as a consumer reads them."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adf_trigger.client.events import event_of
from adf_trigger.events.texts import event_text
from adf_trigger.news import CompletionEvent
from tests.unit.client.service import run


def event(**members: Any) -> dict[str, Any]:
    """An event as the service publishes it."""
    return {
        "specversion": "1.0",
        "id": "key-1/Succeeded",
        "source": "/subscriptions/s/x",
        "subject": "key-1",
        "type": "dev.adf-trigger.run.succeeded",
        "time": "2026-11-26T06:00:00Z",
        "datacontenttype": "application/json",
        "data": run("Succeeded"),
        **members,
    }


def test_an_event_of_the_service_is_read() -> None:
    """Plain or base64, the same event is returned."""
    sent = CompletionEvent.model_validate(event())
    text = event_text(sent)
    assert event_of(text) == sent
    assert event_of(base64.b64encode(text.encode()).decode()) == sent


def test_events_of_earlier_and_later_versions_are_read() -> None:
    """One lacks new fields, and one has unknown ones."""
    earlier = {name: value for name, value in run("Failed").items() if name != "ended"}
    assert event_of(json.dumps(event(data=earlier))).data.ended
    later = event(data=run("Failed", ended=False, cost=5), dataschema="https://x")
    assert event_of(json.dumps(later)).data.status == "Failed"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hello", "neither JSON nor base64"),
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "neither JSON nor base64"),
        (base64.b64encode(b"[]").decode(), "not a completion event: see its outermost value"),
        (base64.b64encode(b"\xff\xfe").decode(), "neither JSON nor base64"),
        (json.dumps(event(data="secret-words")), "not a completion event: see data"),
        (json.dumps({"pipeline": "x"}), "not a completion event: see id, source, subject"),
        ("{" * 100_000, "not JSON"),
        ('{"data":' * 50_000, "not JSON"),
    ],
)
def test_an_invalid_event_is_reported_without_its_contents(text: str, why: str) -> None:
    """The fault names places, and shows nothing that the message holds."""
    with pytest.raises(ValueError, match=why) as caught:
        event_of(text)
    assert "secret-words" not in str(caught.value)


@given(
    st.one_of(
        st.text(), st.binary().map(lambda raw: base64.b64encode(raw).decode()), st.none(), st.integers()
    )
)
def test_any_text_is_an_event_or_a_value_error(content: object) -> None:
    """No message raises another error, so none can end a consumer."""
    try:
        event_of(content)
    except ValueError:
        return
