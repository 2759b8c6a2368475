"""A callback over a real socket: in the WebHook activity's form, sent once, bounded, without redirects."""

import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from adf_trigger.azure.public_addresses import addresses_of
from adf_trigger.contracts import MAX_CALL_BACK_URI, RunLinks
from adf_trigger.errors import PublishError
from adf_trigger.events.callbacks import CallbackPoster, callback_text
from adf_trigger.events.posting import Poster
from adf_trigger.events.texts import MAX_MESSAGE_BYTES
from adf_trigger.news import CompletionEvent, EventData
from tests.support.webhook_server import (
    Handler,
    answered,
    body_without_end,
    drip,
    headers_without_end,
    served,
)

HOST = "https://dpeastus.svc.datafactory.azure.com"
REAL = [400, 404, 410, 429, 500, 503]


def event(status: str = "Succeeded", **data: Any) -> CompletionEvent:
    """An event of the end of a run."""
    event_data = EventData(
        request_id="größe.1",
        run_id=UUID("50974cdf-eb29-4e22-ba3d-e34476bf9463"),
        factory="f",
        pipeline="Load orders",
        status=status,
        ended=True,
        requested_at=datetime(2026, 1, 5, tzinfo=UTC),
        links=RunLinks(self="/x"),
        **data,
    )
    return CompletionEvent(
        id="1",
        source="/factories/f/pipelines/Load%20orders",
        subject="größe.1",
        type=f"dev.adf-trigger.run.{status.lower()}",
        time=datetime(2026, 1, 5, tzinfo=UTC),
        data=event_data,
    )


def call(uri: str, completed: CompletionEvent | None = None, *, seconds: float = 30) -> int:
    """Send a callback to this machine."""
    poster = Poster("the callback", loopback=True, seconds=seconds, longest=MAX_CALL_BACK_URI)
    return CallbackPoster(poster).call(uri, completed or event())


def test_the_output_of_a_run_that_succeeded_is_posted() -> None:
    """One POST goes to the exact URI, without headers of our own."""
    with served(answered(200)) as (port, calls):
        query = "callbackUrl=https%3a%2f%2frp%2f1%3fa%3db&sig=" + "x" * 5_000
        assert (
            call(f"http://127.0.0.1:{port}/workflow/callback/1?{query}", event(return_value={"n": 1})) == 200
        )
    ((path, headers, body),) = calls
    assert path == f"/workflow/callback/1?{query}"
    posted = json.loads(body)
    assert posted.keys() == {"Output", "StatusCode"}
    assert posted["StatusCode"] == "200"
    assert posted["Output"]["requestId"] == "größe.1"
    assert posted["Output"]["returnValue"] == {"n": 1}
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert not {"authorization", "cookie", "x-functions-key", "traceparent"} & headers.keys()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("Failed", "RunFailed"),
        ("Cancelled", "RunCancelled"),
        ("Rejected", "RequestRejected"),
        ("Unknown", "OutcomeUnknown"),
    ],
)
def test_every_other_status_is_an_error_with_its_reason(status: str, code: str) -> None:
    """StatusCode is the text of a number of 400 or more, with a code and a sentence."""
    posted = json.loads(callback_text(event(status, reason="CopyOrders: UserErrorSourceBlobNotExist")))
    assert posted["StatusCode"] == "500"
    assert posted["Error"] == {
        "ErrorCode": code,
        "Message": "run 50974cdf-eb29-4e22-ba3d-e34476bf9463 of Load orders is "
        f"{status}: CopyOrders: UserErrorSourceBlobNotExist",
    }
    assert posted["Output"]["status"] == status


def test_the_body_of_a_callback_is_bounded() -> None:
    """A larger output is truncated like its event, and marked as truncated."""
    posted = callback_text(event("Failed", message="ü" * 200_000, return_value={"x": "y" * 300_000}))
    assert len(posted.encode()) < MAX_MESSAGE_BYTES + 10_000
    assert json.loads(posted)["Output"]["truncated"] is True


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, *REAL])
def test_the_status_is_reported_and_no_redirect_is_followed(status: int) -> None:
    """The Location of a redirect is ignored."""
    with served(answered(200)) as (inside, reached):
        redirect = answered(status, Location=f"http://127.0.0.1:{inside}/inside")
        with served(redirect) as (port, calls):
            assert call(f"http://127.0.0.1:{port}/") == status
    assert (len(calls), reached) == (1, [])


@pytest.mark.parametrize("handle", [drip, headers_without_end])
def test_a_call_is_limited(handle: Handler) -> None:
    """The limits hold for a reply that drips and for headers without an end."""
    with served(handle) as (port, _):
        began = time.monotonic()
        with pytest.raises(PublishError, match="the callback gave no answer"):
            call(f"http://127.0.0.1:{port}/?sig=secret-part", seconds=1)
        assert time.monotonic() - began < 20


def test_the_body_of_a_reply_is_not_read() -> None:
    """The status alone decides."""
    with served(body_without_end) as (port, _):
        assert call(f"http://127.0.0.1:{port}/") == 200


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["10.0.0.4"],
        ["169.254.169.254"],
        ["168.63.129.16"],
        ["::ffff:169.254.169.254"],
        ["20.50.2.1", "10.0.0.4"],
    ],
)
def test_a_name_of_data_factory_that_resolves_to_a_private_address_is_not_called(found: list[str]) -> None:
    """Whoever answers there; it is rejected before connecting, and the text does not show the address."""
    poster = Poster("the callback", resolve=lambda _host, _port: found)
    with pytest.raises(PublishError, match="leads to an address that is not public") as caught:
        CallbackPoster(poster).call(f"{HOST}/1?sig=secret-part", event())
    assert "secret-part" not in str(caught.value)


def test_the_checked_address_is_the_one_connected_to() -> None:
    """The name is resolved once, so a second answer of the resolver has no effect."""
    with served(answered(200)) as (port, calls):
        answers = iter([["127.0.0.1"]])
        poster = Poster("the callback", loopback=True, resolve=lambda _host, _port: next(answers))
        assert CallbackPoster(poster).call(f"http://localhost:{port}/", event()) == 200
    assert len(calls) == 1


def test_without_the_setting_this_machine_is_not_called() -> None:
    """The setting is for tests alone."""
    with served(answered(200)) as (port, calls):
        poster = Poster("the callback", resolve=addresses_of)
        for uri in (f"http://127.0.0.1:{port}/", f"https://localhost:{port}/"):
            with pytest.raises(PublishError, match="the callback's address must"):
                CallbackPoster(poster).call(uri, event())
    assert calls == []
