"""The Web activity against real servers on sockets."""

import asyncio
import json
import socket
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from adf_trigger.emulator.activities.web import web
from adf_trigger.emulator.contract.activity import ActivityFailed, ResolvedDataset
from adf_trigger.emulator.serving.servers import serving
from tests.integration.emulator.activities.conftest import Endpoint, Stage, context_of, ok

NO_CERTIFICATE = "ExtractAuthorizationCertificate: Unable to generate a certificate from a Base64 string/password combination"  # noqa: E501 - the service's own words
UNREACHABLE = (
    "Error calling the endpoint '{}'. Response status code: 'NA - Unknown'. More details: Exception message: "
)


def test_a_json_object_becomes_the_output(stage: Stage) -> None:
    """Its properties stand beside the response headers and the billing fields of the run."""
    answer = JSONResponse({"answer": 42, "list": [1]}, headers={"X-Trace": "t1"})

    result = stage.run(web, {"method": "GET", "url": "$URL/a?q=1"}, Endpoint(a=lambda _: answer))

    output = result.output
    assert (output["answer"], output["list"]) == (42, [1])
    headers = {name.lower(): value for name, value in output["ADFWebActivityResponseHeaders"].items()}
    assert headers["x-trace"] == "t1"
    assert headers["content-type"] == "application/json"
    assert output["effectiveIntegrationRuntime"] == "AutoResolveIntegrationRuntime (East US)"
    assert output["durationInQueue"] == {"integrationRuntimeQueue": 0}
    assert output["billingReference"] == {
        "activityType": "ExternalActivity",
        "billableDuration": [{"meterType": "AzureIR", "duration": 1 / 60, "unit": "Hours"}],
    }
    assert result.input == {"method": "GET", "url": f"{stage.url}/a?q=1"}
    assert stage.endpoint.seen[0].body == ""


@pytest.mark.parametrize("body", ["", "plain text", "[1,2]", '"text"', "12", "<a/>", '{"broken": '])
def test_a_reply_that_is_no_object_becomes_response(body: str, stage: Stage) -> None:
    """Real pipelines read arrays as json(activity('Web').output.Response)."""
    result = stage.run(web, {"method": "GET", "url": "$URL/a"}, Endpoint(a=lambda _: PlainTextResponse(body)))

    assert result.output["Response"] == body


@pytest.mark.parametrize("method", ["Post", "PUT", "patch", "DELETE"])
def test_the_body_is_sent_as_json_unless_a_header_says_otherwise(method: str, stage: Stage) -> None:
    """Objects are written compactly, with a Content-Type of their own."""
    stage.run(web, {"method": method, "url": "$URL/a", "body": {"a": [1.0, None]}}, Endpoint(a=ok))

    seen = stage.endpoint.seen[0]
    assert seen.method == method.upper()
    assert seen.body == '{"a":[1.0,null]}'
    assert seen.headers["content-type"] == "application/json"


def test_a_text_body_is_sent_unchanged(stage: Stage) -> None:
    """The OAuth template sends a form to a token endpoint this way."""
    form = "grant_type=client_credentials&client_id=a&client_secret=b%2Bc"
    properties = {
        "method": "POST",
        "url": "$URL/token",
        "headers": {"Content-Type": "application/x-www-form-urlencoded", "X-Count": 1, "X-None": None},
        "body": form,
    }

    stage.run(web, properties, Endpoint(token=ok))

    seen = stage.endpoint.seen[0]
    assert seen.body == form
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.headers["x-count"] == "1"
    assert "x-none" not in seen.headers


@pytest.mark.parametrize(
    ("properties", "code", "message"),
    [
        ({"method": "GET"}, "2103", "Please provide value for the required property 'url'."),
        ({"url": "$URL"}, "2103", "Please provide value for the required property 'method'."),
        ({"method": "POST", "url": "$URL"}, "2103", "Please provide value for the required property 'body'."),
        ({"method": "GET", "url": 1}, "2104", "The type of the property 'url' is incorrect."),
        (
            {"method": "GET", "url": "$URL", "headers": "a"},
            "2104",
            "The type of the property 'headers' is incorrect.",
        ),
        (
            {"method": "GET", "url": "$URL", "httpRequestTimeout": "soon"},
            "2104",
            "The type of the property 'httpRequestTimeout' is incorrect.",
        ),
        (
            {"method": "GET", "url": "$URL", "body": "x"},
            "BadRequest",
            "A body is not allowed for the method GET.",
        ),
        ({"method": "HEAD", "url": "$URL"}, "BadRequest", "The method 'HEAD' is not supported."),
        (
            {"method": "GET", "url": "$URL", "authentication": {"type": "Basic", "username": "u"}},
            "2103",
            "Please provide value for the required property 'password'.",
        ),
        (
            {"method": "GET", "url": "$URL", "authentication": {"type": "ClientCertificate", "pfx": "eA=="}},
            "2113",
            NO_CERTIFICATE,
        ),
        (
            {"method": "GET", "url": "$URL", "authentication": {"type": "Digest"}},
            "NotEmulated",
            "The authentication type 'Digest' is not emulated by this local Data Factory.",
        ),
    ],
)
def test_an_invalid_request_fails_before_it_is_sent(
    properties: dict[str, Any], code: str, message: str, stage: Stage
) -> None:
    """Codes and texts are those of the troubleshooting guide where it has them."""
    failure = stage.fail(web, properties, Endpoint(root=ok))

    assert (failure.error_code, failure.message) == (code, message)
    assert stage.endpoint.seen == []


def test_an_error_status_fails_with_its_status_and_body(stage: Stage) -> None:
    """The text is that of real runs; the output has the billing fields but no body."""
    refusal = JSONResponse({"why": "no"}, status_code=401)

    failure = stage.fail(web, {"method": "GET", "url": "$URL/a"}, Endpoint(a=lambda _: refusal))

    assert failure.error_code == "2108"
    assert failure.message == (
        "Invoking Web Activity failed with HttpStatusCode - '401 : Unauthorized', message - '{\"why\":\"no\"}'"
    )
    assert set(failure.output) == {
        "effectiveIntegrationRuntime", "executionDuration", "durationInQueue", "billingReference",
    }  # fmt: skip
    assert failure.input == {"method": "GET", "url": f"{stage.url}/a"}


def test_an_endpoint_that_cannot_be_reached_is_2108(stage: Stage) -> None:
    """Nothing listens on the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a"

    failure = stage.fail(web, {"method": "GET", "url": url}, Endpoint())

    assert failure.error_code == "2108"
    assert failure.message.startswith(UNREACHABLE.format(url))


@pytest.mark.parametrize(
    "url", ["nowhere", "ftp://127.0.0.1/a", "http://127.0.0.1:99999/", "http:///a", "http://[::1"]
)
def test_an_invalid_url_is_2108(url: str, stage: Stage) -> None:
    """The message quotes the invalid URL."""
    failure = stage.fail(web, {"method": "GET", "url": url}, Endpoint())

    assert failure.error_code == "2108"
    assert f"Invalid Url: {url}." in failure.message


def test_no_answer_in_time_is_2128(stage: Stage) -> None:
    """httpRequestTimeout limits the time of the whole reply."""

    async def slow(_request: Request) -> Response:
        await asyncio.sleep(1)
        return Response()

    properties = {"method": "GET", "url": "$URL/a", "httpRequestTimeout": "00:00:00.1"}

    failure = stage.fail(web, properties, Endpoint(a=slow))

    assert failure.error_code == "2128"
    assert failure.message.startswith("No response from the endpoint. Possible causes: network connectivity")


def test_a_connection_that_closes_without_an_answer_is_2128() -> None:
    """The request reached the server, but no reply was sent."""

    async def story() -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with server, httpx.AsyncClient(trust_env=False) as http:
            with pytest.raises(ActivityFailed) as caught:
                await web(context_of({"method": "GET", "url": url}, http))
        assert caught.value.error_code == "2128"

    asyncio.run(story())


def test_a_reply_beyond_4_mb_is_2001(stage: Stage) -> None:
    """Exactly 4 MB still fits."""
    text = "x" * (4 * 1024 * 1024)
    properties = {"method": "GET", "url": "$URL/a"}

    assert (
        stage.run(web, properties, Endpoint(a=lambda _: PlainTextResponse(text))).output["Response"] == text
    )
    failure = stage.fail(web, properties, Endpoint(a=lambda _: PlainTextResponse(text + "x")))

    assert failure.error_code == "2001"
    assert failure.message == "The length of execution output is over limit (around 4MB currently)."


def accepted_then_done(polls: int) -> Endpoint:
    """An endpoint of the asynchronous request-reply pattern that is done after a number of polls."""
    left = iter([*[202] * polls, 200])

    def status(_request: Request) -> Response:
        if next(left) == 200:
            return JSONResponse({"state": "done"})
        return Response(status_code=202, headers={"Location": "/status", "Retry-After": "7"})

    return Endpoint(start=lambda _: Response(status_code=202, headers={"Location": "status"}), status=status)


def test_a_202_with_a_location_is_polled_to_its_end(stage: Stage) -> None:
    """GETs with the same credentials follow Retry-After; the last reply is the output."""
    properties = {
        "method": "POST",
        "url": "$URL/start",
        "body": {"a": 1},
        "headers": {"X-Key": "k"},
        "authentication": {"type": "MSI", "resource": "https://r/"},
    }

    result = stage.run(web, properties, accepted_then_done(2))

    assert result.output["state"] == "done"
    assert stage.context.slept == [10.0, 7.0, 7.0]
    first, *polls = stage.endpoint.seen
    assert (first.method, first.path) == ("POST", "/start")
    assert [(poll.method, poll.path, poll.body) for poll in polls] == [("GET", "/status", "")] * 3
    assert {poll.headers["authorization"] for poll in polls} == {"Bearer token-for-https://r/"}
    assert {poll.headers["x-key"] for poll in polls} == {"k"}
    assert all("content-type" not in poll.headers for poll in polls)


def test_polling_another_host_sends_it_no_secrets() -> None:
    """A Location on another host gets neither the headers nor the token."""
    elsewhere = Endpoint(status=ok)

    async def story() -> None:
        async with serving(elsewhere) as other, httpx.AsyncClient(trust_env=False) as http:
            answer = Response(status_code=202, headers={"Location": f"{other}/status"})
            async with serving(Endpoint(start=lambda _: answer)) as url:
                properties = {
                    "method": "GET",
                    "url": f"{url}/start",
                    "headers": {"X-Key": "k"},
                    "authentication": {"type": "Basic", "username": "u", "password": "p"},
                }
                assert (await web(context_of(properties, http))).output["answer"] == 42

    asyncio.run(story())

    assert not {"authorization", "x-key"} & set(elsewhere.seen[0].headers)


def test_turn_off_async_takes_the_202_as_the_reply(stage: Stage) -> None:
    """The Location can then be read from the response headers."""
    properties = {"method": "GET", "url": "$URL/start", "turnOffAsync": True}

    result = stage.run(web, properties, accepted_then_done(0))

    headers = {name.lower(): value for name, value in result.output["ADFWebActivityResponseHeaders"].items()}
    assert headers["location"] == "status"
    assert len(stage.endpoint.seen) == 1


def test_a_failed_poll_fails_the_activity(stage: Stage) -> None:
    """The work was accepted, but a poll returned an error."""
    accepted = Response(status_code=202, headers={"Location": "status", "Retry-After": "0"})
    endpoint = Endpoint(
        start=lambda _: accepted, status=lambda _: PlainTextResponse("broken", status_code=500)
    )

    failure = stage.fail(web, {"method": "GET", "url": "$URL/start"}, endpoint)

    assert "'500 : InternalServerError', message - 'broken'" in failure.message


def test_redirects_are_followed(stage: Stage) -> None:
    """Redirects are followed as .NET's client does."""
    endpoint = Endpoint(a=lambda _: RedirectResponse("/b", status_code=302), b=ok)

    assert stage.run(web, {"method": "GET", "url": "$URL/a"}, endpoint).output["answer"] == 42


def test_datasets_and_linked_services_travel_in_the_body(stage: Stage) -> None:
    """Expressions and parameters in them are evaluated, as the article's endpoint reads them."""
    dataset = ResolvedDataset(
        "MySQLDataset", "AzureSqlTable", {"tableName": "department"}, "Sql", "AzureSqlDatabase", {}
    )
    properties = {
        "method": "POST",
        "url": "$URL/a",
        "body": '{"myMessage": "Sample"}',
        "datasets": [{"referenceName": "MySQLDataset", "type": "DatasetReference"}],
        "linkedServices": [{"referenceName": "Sql", "type": "LinkedServiceReference"}],
    }

    result = stage.run(
        web,
        properties,
        Endpoint(a=ok),
        datasets={"MySQLDataset": dataset},
        linked_services={"Sql": ("AzureSqlDatabase", {"connectionString": "Server=secret"})},
    )

    sent = json.loads(stage.endpoint.seen[0].body)
    assert sent["myMessage"] == "Sample"
    assert sent["datasets"][0]["properties"]["typeProperties"] == {"tableName": "department"}
    assert sent["linkedServices"] == [
        {
            "name": "Sql",
            "properties": {
                "type": "AzureSqlDatabase",
                "typeProperties": {"connectionString": "Server=secret"},
            },
        }
    ]
    assert "Server=secret" not in json.dumps(result.input)
