"""The WebHook activity on real sockets: an endpoint that is called and that calls back."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from adf_trigger.emulator.activities.callbacks import CALLBACK_PATH, PendingCallbacks
from adf_trigger.emulator.activities.webhook import webhook
from adf_trigger.emulator.contract.activity import ActivityFailed, ActivityResult
from adf_trigger.emulator.serving.servers import serving
from tests.integration.emulator.activities.conftest import Endpoint, context_of

PROPERTIES = {
    "method": "POST",
    "url": "$URL/work",
    "headers": {"Content-Type": "application/json"},
    "body": {"key": "value"},
    "timeout": "00:00:05",
}


class Party:
    """An endpoint that is given a callback URL, and the server where callbacks arrive."""

    def __init__(self, *replies: Any, status: int = 200) -> None:
        self.replies = replies
        self.status = status
        self.endpoint = Endpoint(work=self._work)
        self.callback_urls: list[str] = []
        self.delivered: list[int] = []
        self.calling: list[asyncio.Task[None]] = []

    def _work(self, _request: Request) -> Response:
        url = json.loads(self.endpoint.seen[-1].body)["callBackUri"]
        self.callback_urls.append(url)
        self.calling.append(asyncio.create_task(self._call_back(url)))
        return Response(status_code=self.status)

    async def _call_back(self, url: str) -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            for reply in self.replies:
                self.delivered.append((await http.post(url, json=reply)).status_code)

    def run(self, **changes: Any) -> ActivityResult:
        """Run the activity against the endpoint until it has called back as often as it wants."""

        async def story() -> ActivityResult:
            callbacks: PendingCallbacks

            async def arrivals(scope: Any, receive: Any, send: Any) -> None:
                request = Request(scope, receive)
                path, _, token = request.url.path.rpartition("/")
                known = path == CALLBACK_PATH and callbacks.deliver(token, await request.json())
                await Response(status_code=202 if known else 404)(scope, receive, send)

            async with (
                serving(arrivals) as emulator,
                serving(self.endpoint) as url,
                httpx.AsyncClient(trust_env=False) as http,
            ):
                callbacks = PendingCallbacks(lambda: emulator)
                properties = json.loads(json.dumps({**PROPERTIES, **changes}).replace("$URL", url))
                try:
                    return await webhook(callbacks)(context_of(properties, http, sleeper=asyncio.sleep))
                finally:
                    await asyncio.gather(*self.calling)

        return asyncio.run(story())

    def fail(self, **changes: Any) -> ActivityFailed:
        """The failure that the activity ends with."""
        with pytest.raises(ActivityFailed) as caught:
            self.run(**changes)
        return caught.value


def test_the_endpoint_gets_a_callback_url_and_what_it_posts_is_the_output() -> None:
    """callBackUri is added to the body; the callback's whole body is the output, whatever its status."""
    party = Party({"result": [1, 2], "StatusCode": "500"})

    result = party.run()

    assert result.output == {"result": [1, 2], "StatusCode": "500"}
    sent = json.loads(party.endpoint.seen[0].body)
    assert sent == {"key": "value", "callBackUri": party.callback_urls[0]}
    assert party.delivered == [202]
    assert result.input["body"] == {"key": "value"}


def test_a_body_may_be_the_text_of_an_object() -> None:
    """Studio writes such bodies; callBackUri is added inside the object."""
    party = Party({})

    party.run(body='{"key": [1.0]}')

    assert json.loads(party.endpoint.seen[0].body)["key"] == [1.0]


def test_a_callback_url_works_once() -> None:
    """A second post is rejected and changes nothing."""
    party = Party({"n": 1}, {"n": 2})

    assert party.run().output == {"n": 1}
    assert party.delivered == [202, 404]


@pytest.mark.parametrize(
    "callback",
    [
        {"Output": {"testProp": "testPropValue"}},
        {"output": {"testProp": "testPropValue"}, "statusCode": 200},
        {"Output": {"testProp": "testPropValue"}, "StatusCode": "399", "Error": {"Message": "m"}},
    ],
)
def test_a_reported_success_gives_its_output(callback: dict[str, Any]) -> None:
    """With reportStatusOnCallBack, only Output is the output; names match in any case."""
    assert Party(callback).run(reportStatusOnCallBack=True).output == {"testProp": "testPropValue"}


@pytest.mark.parametrize(
    ("callback", "code", "message"),
    [
        (
            {
                "Output": {"a": 1},
                "Error": {"ErrorCode": "testErrorCode", "Message": "said the endpoint"},
                "StatusCode": "403",
            },
            "testErrorCode",
            "said the endpoint",
        ),
        ({"output": {"a": 1}, "error": {"message": "m"}, "statusCode": 500}, "500", "m"),
        ({"output": {"a": 1}, "statusCode": "400"}, "400", ""),
        (
            {"output": {"a": 1}, "statusCode": "bad"},
            "BadRequest",
            "The StatusCode 'bad' of the callback is not a number.",
        ),
    ],
)
def test_a_reported_failure_fails_the_activity(callback: dict[str, Any], code: str, message: str) -> None:
    """A status of 400 or more fails it with the reported code and message; Output is still shown."""
    failure = Party(callback).fail(reportStatusOnCallBack="true")

    assert (failure.error_code, failure.message, failure.output) == (code, message, {"a": 1})
    assert failure.status == "Failed"


def test_without_a_callback_the_activity_times_out_and_the_url_is_forgotten() -> None:
    """The status is TimedOut, not Failed."""
    party = Party()

    failure = party.fail(timeout="00:00:00.1")

    assert failure.status == "TimedOut"
    assert "00:00:00.1" in failure.message


def test_an_error_of_the_endpoint_fails_the_activity() -> None:
    """The activity does not wait for a callback then."""
    failure = Party(status=500).fail()

    assert failure.error_code == "2108"
    assert failure.message.endswith("Response status code: '500'")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"body": None}, "2103"),
        ({"body": "text"}, "2105"),
        ({"body": [1]}, "2104"),
        ({"method": "GET"}, "BadRequest"),
        ({"timeout": "long"}, "2104"),
        ({"url": "nowhere"}, "2108"),
        ({"authentication": {"type": "Basic"}}, "2103"),
    ],
)
def test_an_invalid_webhook_fails(changes: dict[str, Any], code: str) -> None:
    """Codes are those of the troubleshooting guide where it has them."""
    assert Party({}).fail(**changes).error_code == code


def test_callback_urls_are_new_each_time_and_forgotten_after_a_cancel() -> None:
    """A cancelled wait, as of a cancelled run, removes its URL."""

    async def story() -> None:
        callbacks = PendingCallbacks(lambda: "http://127.0.0.1:1/")
        first, second = callbacks.register(), callbacks.register()
        token: Callable[[str], str] = lambda url: url.rpartition("/")[2]  # noqa: E731 - said once

        assert first.url.startswith(f"http://127.0.0.1:1{CALLBACK_PATH}/")
        assert first.url != second.url
        assert callbacks.deliver(token(second.url), {"n": 2})
        assert await second.posted == {"n": 2}
        first.posted.cancel()
        await asyncio.sleep(0)
        assert not callbacks.deliver(token(first.url), {})
        assert not callbacks.deliver(token(second.url), {})
        assert not callbacks.deliver("unknown", {})

    asyncio.run(story())
