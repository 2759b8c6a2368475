"""A callback by its real socket: what the WebHook activity takes, called once, bounded, and led nowhere else."""

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
    """The end of a run."""
    told = EventData(
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
        data=told,
    )


def call(uri: str, told: CompletionEvent | None = None, *, seconds: float = 30) -> int:
    """Call this machine back."""
    poster = Poster("the callback", loopback=True, seconds=seconds, longest=MAX_CALL_BACK_URI)
    return CallbackPoster(poster).call(uri, told or event())


def test_the_output_of_a_run_that_succeeded_is_told() -> None:
    """By one POST to the very address, with nothing of ours beside it."""
    with served(answered(200)) as (port, calls):
        query = "callbackUrl=https%3a%2f%2frp%2f1%3fa%3db&sig=" + "x" * 5_000
        assert (
            call(f"http://127.0.0.1:{port}/workflow/callback/1?{query}", event(return_value={"n": 1})) == 200
        )
    ((path, headers, body),) = calls
    assert path == f"/workflow/callback/1?{query}"
    told = json.loads(body)
    assert told.keys() == {"Output", "StatusCode"}
    assert told["StatusCode"] == "200"
    assert told["Output"]["requestId"] == "größe.1"
    assert told["Output"]["returnValue"] == {"n": 1}
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
def test_every_other_end_is_an_error_with_its_reason(status: str, code: str) -> None:
    """A status that is a text of 400 or more, a code, and a sentence."""
    told = json.loads(callback_text(event(status, reason="CopyOrders: UserErrorSourceBlobNotExist")))
    assert told["StatusCode"] == "500"
    assert told["Error"] == {
        "ErrorCode": code,
        "Message": "run 50974cdf-eb29-4e22-ba3d-e34476bf9463 of Load orders is "
        f"{status}: CopyOrders: UserErrorSourceBlobNotExist",
    }
    assert told["Output"]["status"] == status


def test_what_is_told_has_its_bound() -> None:
    """A run with more to say is cut as its event is, and says so."""
    told = callback_text(event("Failed", message="ü" * 200_000, return_value={"x": "y" * 300_000}))
    assert len(told.encode()) < MAX_MESSAGE_BYTES + 10_000
    assert json.loads(told)["Output"]["truncated"] is True


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, *REAL])
def test_the_status_is_what_is_answered_and_no_redirect_is_followed(status: int) -> None:
    """Whatever it names."""
    with served(answered(200)) as (inside, reached):
        redirect = answered(status, Location=f"http://127.0.0.1:{inside}/inside")
        with served(redirect) as (port, calls):
            assert call(f"http://127.0.0.1:{port}/") == status
    assert (len(calls), reached) == (1, [])


@pytest.mark.parametrize("handle", [drip, headers_without_end])
def test_a_call_is_cut(handle: Handler) -> None:
    """In time, and in size."""
    with served(handle) as (port, _):
        began = time.monotonic()
        with pytest.raises(PublishError, match="the callback gave no answer"):
            call(f"http://127.0.0.1:{port}/?sig=secret-part", seconds=1)
        assert time.monotonic() - began < 20


def test_the_body_of_an_answer_is_not_read() -> None:
    """Its status says all that is asked."""
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
def test_a_name_of_data_factory_s_that_leads_inside_is_not_called(found: list[str]) -> None:
    """Whoever answers for it; before anything is dialled, and the text shows nothing of the address."""
    poster = Poster("the callback", resolve=lambda _host, _port: found)
    with pytest.raises(PublishError, match="leads to an address that is not public") as caught:
        CallbackPoster(poster).call(f"{HOST}/1?sig=secret-part", event())
    assert "secret-part" not in str(caught.value)


def test_the_address_that_was_checked_is_dialled() -> None:
    """A name that leads elsewhere the next moment gains nothing: it is asked for once."""
    with served(answered(200)) as (port, calls):
        answers = iter([["127.0.0.1"]])
        poster = Poster("the callback", loopback=True, resolve=lambda _host, _port: next(answers))
        assert CallbackPoster(poster).call(f"http://localhost:{port}/", event()) == 200
    assert len(calls) == 1


def test_without_the_setting_this_machine_is_not_called() -> None:
    """It is for tests alone."""
    with served(answered(200)) as (port, calls):
        poster = Poster("the callback", resolve=addresses_of)
        for uri in (f"http://127.0.0.1:{port}/", f"https://localhost:{port}/"):
            with pytest.raises(PublishError, match="the callback's address must"):
                CallbackPoster(poster).call(uri, event())
    assert calls == []
