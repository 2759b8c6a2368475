"""The host's HTTP side, called without sockets."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import azure.functions as func
import httpx
import pytest

from adf_trigger.functions_host.common.host_json import HttpOptions
from adf_trigger.functions_host.http.admin import Admin
from adf_trigger.functions_host.http.app import Front, FunctionRoutes, application
from adf_trigger.functions_host.http.keys import Keys
from adf_trigger.functions_host.http.routing import route
from adf_trigger.functions_host.http.throttle import RequestQueue
from adf_trigger.functions_host.worker.index import AuthLevel, HttpTrigger, IndexedFunction
from adf_trigger.functions_host.worker.invoker import Invoker
from tests.unit.functions_host.doubles import a_function

HOST = {"x-functions-key": "host"}
MASTER = {"x-functions-key": "master"}
KEYS = Keys("host", "master")
Client = httpx.AsyncClient


@dataclass(frozen=True)
class Served:
    """A loaded app."""

    functions: tuple[IndexedFunction, ...]
    http: FunctionRoutes
    run_by_hand: Callable[[IndexedFunction, str], Coroutine[Any, Any, None]]


def serve(
    functions: list[IndexedFunction],
    requests: Callable[[Client], Coroutine[Any, Any, None]],
    *,
    options: HttpOptions = HttpOptions(),  # noqa: B008 - frozen
    body_limit: int = 1000,
    run: Callable[[IndexedFunction, str], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Build the application of some functions and send it requests."""

    async def nothing(_: IndexedFunction, __: str) -> None:
        raise AssertionError("no function may be run by hand here")

    async def main() -> None:
        invoker, front = Invoker(), Front()
        table = [
            route(function, function.trigger, options.route_prefix)
            for function in functions
            if isinstance(function.trigger, HttpTrigger)
        ]
        http = FunctionRoutes(table, KEYS, invoker, RequestQueue(options), body_limit)
        front.serve(Served(tuple(functions), http, run or nothing))
        transport = httpx.ASGITransport(app=application(front, Admin(KEYS, "the-host", front).routes()))
        async with httpx.AsyncClient(transport=transport, base_url="http://host:7071") as client:
            await requests(client)
        invoker.close()

    asyncio.run(main())


def http(
    call: Callable[..., Any], route: str = "x", level: AuthLevel = "anonymous", **changes: Any
) -> IndexedFunction:
    """A function with an HTTP trigger."""
    return a_function(call, HttpTrigger(route, None, level), **changes)


def test_a_request_arrives_as_from_the_worker() -> None:
    """Method, URL, headers, query, route values and body, as azure.functions has them."""
    seen: list[func.HttpRequest] = []

    def work(_value: func.HttpRequest) -> str:
        seen.append(_value)
        return "ok"

    async def requests(client: Client) -> None:
        headers = [("X-A", "1"), ("x-a", "2"), ("Content-Type", "application/json")]
        url = "/api/things/b%20c?q=1&q=2&empty=&code=zzz"
        response = await client.put(url, headers=headers, content=b'{"n": 1}')
        assert (response.status_code, response.text) == (200, "ok")
        assert response.headers["content-type"] == "text/plain; charset=utf-8"

    serve([http(work, "things/{id}")], requests)
    (request,) = seen
    assert request.method == "PUT"
    assert request.url == "http://host:7071/api/things/b%20c?q=1&q=2&empty=&code=zzz"
    assert dict(request.params) == {"q": "1,2", "code": "zzz"}
    assert dict(request.route_params) == {"id": "b c"}
    assert request.headers["X-a"] == "1,2"
    assert (request.get_body(), request.get_json()) == (b'{"n": 1}', {"n": 1})


def test_a_response_is_sent_as_the_function_returned_it() -> None:
    """Status, body, type and headers; cookies one by one, rewritten as by the platform."""

    def work(_value: func.HttpRequest) -> func.HttpResponse:
        response = func.HttpResponse(
            json.dumps({"a": 1}),
            status_code=202,
            mimetype="application/problem+json",
            headers={"Location": "/api/runs/1"},
        )
        response.headers.add("Set-Cookie", "a=1; Path=/")
        response.headers.add("Set-Cookie", "b=2")
        return response

    async def requests(client: Client) -> None:
        response = await client.get("/api/x")
        assert (response.status_code, response.json()) == (202, {"a": 1})
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["location"] == "/api/runs/1"
        assert response.headers.get_list("set-cookie") == ["a=1; domain=; path=/", "b=2; domain=; path="]

    serve([http(work)], requests)


@pytest.mark.parametrize(
    ("response", "status", "body", "content_type"),
    [
        (func.HttpResponse("grün", charset="latin-1"), 200, b"gr\xfcn", "text/plain; charset=latin-1"),
        (
            func.HttpResponse(b"\x00\x01", mimetype="application/octet-stream"),
            200,
            b"\x00\x01",
            "application/octet-stream",
        ),
        (func.HttpResponse(status_code=204), 204, b"", "text/plain; charset=utf-8"),
        (func.HttpResponse("ignored", status_code=304), 304, b"", "text/plain; charset=utf-8"),
    ],
)
def test_bodies_keep_their_bytes(
    response: func.HttpResponse, status: int, body: bytes, content_type: str
) -> None:
    """Text is sent in its charset, bytes unchanged, no body where HTTP allows none."""

    async def requests(client: Client) -> None:
        answer = await client.get("/api/x")
        assert (answer.status_code, answer.content) == (status, body)
        assert answer.headers["content-type"] == content_type

    serve([http(lambda _value: response)], requests)


@pytest.mark.parametrize("value", ["ünicode", "bell\x07"])
def test_a_header_that_http_forbids_is_a_500(value: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of such a response is sent, and the log gives the reason."""

    async def requests(client: Client) -> None:
        assert (await client.get("/api/x")).status_code == 500

    serve([http(lambda _value: func.HttpResponse("x", headers={"X-A": value}))], requests)
    assert "response_refused" in [record.__dict__.get("action") for record in caplog.records]


def test_an_exception_is_an_empty_500() -> None:
    """The caller learns nothing about the exception."""

    def work(_value: func.HttpRequest) -> str:
        raise ValueError("secret")

    async def requests(client: Client) -> None:
        response = await client.get("/api/x")
        assert (response.status_code, response.content) == (500, b"")

    serve([http(work)], requests)


def test_an_unknown_route_is_an_empty_404() -> None:
    """An unknown path, another prefix, a wrong method: all the same. The root has a page."""
    only_get = a_function(lambda _value: "ok", HttpTrigger("x", frozenset({"GET"}), "anonymous"))

    async def requests(client: Client) -> None:
        for method, path in (("GET", "/api/y"), ("GET", "/x"), ("POST", "/api/x"), ("POST", "/other")):
            response = await client.request(method, path)
            assert (response.status_code, response.content) == (404, b"")
        assert (await client.get("/api/x")).status_code == 200
        assert "running" in (await client.get("/")).text

    serve([only_get], requests)


def test_keys_allow_what_their_level_allows() -> None:
    """A missing or wrong key is 401; the host key is for level function, the master key for admin, too."""
    functions = [
        http(lambda _value: "ok", level, level, name=level)
        for level in ("anonymous", "function", "admin")  # type: ignore[misc,unused-ignore]
    ]

    async def requests(client: Client) -> None:
        answers: list[list[int]] = []
        for headers in ({}, {"x-functions-key": "wrong"}, HOST, MASTER):
            paths = ("/api/anonymous", "/api/function", "/api/admin")
            answers.append([(await client.get(path, headers=headers)).status_code for path in paths])
        assert answers == [[200, 401, 401], [200, 401, 401], [200, 200, 401], [200, 200, 200]]
        assert (await client.get("/api/function?code=host")).status_code == 200

    serve(functions, requests)


def test_a_disabled_function_is_hidden_but_for_the_master_key() -> None:
    """AzureWebJobs.{name}.Disabled hides a function; without a key the reply is 401 first."""

    async def requests(client: Client) -> None:
        codes = [(await client.get("/api/x", headers=headers)).status_code for headers in ({}, HOST, MASTER)]
        assert codes == [401, 404, 200]

    serve([http(lambda _value: "ok", level="function", disabled=True)], requests)


def test_a_body_beyond_the_limit_is_an_empty_500() -> None:
    """A body of exactly the limit passes, one byte more does not reach the function, and closes the connection."""
    seen: list[int] = []

    def work(_value: func.HttpRequest) -> str:
        seen.append(len(_value.get_body()))
        return "ok"

    async def requests(client: Client) -> None:
        assert (await client.post("/api/x", content=b"x" * 1000)).status_code == 200
        answer = await client.post("/api/x", content=b"x" * 1001)
        assert (answer.status_code, answer.content, answer.headers["connection"]) == (500, b"", "close")

    serve([http(work)], requests, body_limit=1000)
    assert seen == [1000]


def test_a_chunked_body_does_not_reach_the_function(caplog: pytest.LogCaptureFixture) -> None:
    """The platform gives a worker no body without a declared length; the log says so."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b"def"

    async def requests(client: Client) -> None:
        response = await client.post("/api/x", content=chunks())
        assert response.text == "b''"

    serve([http(lambda _value: repr(_value.get_body()))], requests)
    assert "chunked_body_dropped" in [record.__dict__.get("action") for record in caplog.records]


def test_requests_beyond_the_limits_wait_or_are_rejected() -> None:
    """Of ten requests, two run and three wait; the other five get 429 immediately."""
    most = running = 0

    async def work(_value: func.HttpRequest) -> str:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return "ok"

    async def requests(client: Client) -> None:
        answers = await asyncio.gather(*(client.get("/api/x") for _ in range(10)))
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 5
        assert (await client.get("/api/x")).status_code == 200

    serve([http(work)], requests, options=HttpOptions(max_concurrent_requests=2, max_outstanding_requests=5))
    assert most == 2


def test_admin_requires_the_master_key() -> None:
    """Without a key 401, with the host key 403; the status has id, state and version."""

    async def requests(client: Client) -> None:
        url = "/admin/host/status"
        assert [(await client.get(url, headers=headers)).status_code for headers in ({}, HOST)] == [401, 403]
        status = (await client.get(url, headers=MASTER)).json()
        assert (status["id"], status["state"], status["version"][0]) == ("the-host", "Running", "4")

    serve([], requests)


def test_a_function_may_be_run_by_hand() -> None:
    """202 immediately, the name in any case, the input as text; then the function runs."""
    ran: list[tuple[str, str]] = []
    all_ran = asyncio.Event()

    async def run(function: IndexedFunction, text: str) -> None:
        await asyncio.sleep(0)
        ran.append((function.name, text))
        if len(ran) == 4:
            all_ran.set()

    async def requests(client: Client) -> None:
        for document in ({"input": "text"}, {"input": {"a": 1}}, {"input": None}, {}):
            response = await client.post("/admin/functions/TICK", headers=MASTER, json=document)
            assert (response.status_code, response.content) == (202, b"")
        await asyncio.wait_for(all_ran.wait(), 60)

    serve([a_function(print, name="tick")], requests, run=run)
    assert ran == [("tick", "text"), ("tick", '{"a": 1}'), ("tick", ""), ("tick", "")]


@pytest.mark.parametrize(
    ("path", "content", "headers", "status"),
    [
        ("nobody", b"{}", MASTER, 404),
        ("tick", b"", MASTER, 400),
        ("tick", b"[]", MASTER, 400),
        ("tick", b"{", MASTER, 400),
        ("web", b"{}", MASTER, 400),
        ("tick", b"{}", HOST, 403),
        ("tick", b"{}", {}, 401),
    ],
)
def test_an_invalid_run_by_hand_is_rejected(
    path: str, content: bytes, headers: dict[str, str], status: int
) -> None:
    """An unknown name, no object, an HTTP function, no master key."""

    async def requests(client: Client) -> None:
        response = await client.post(f"/admin/functions/{path}", headers=headers, content=content)
        assert response.status_code == status

    serve([a_function(print, name="tick"), http(print, name="web")], requests)


def test_keys_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Neither a key in the query nor one in the header is in the log."""

    async def requests(client: Client) -> None:
        assert (await client.get("/api/x?code=host&other=1")).status_code == 200

    with caplog.at_level(logging.DEBUG, logger="adf_trigger.functions_host"):
        serve([http(lambda _value: "ok", level="function")], requests)
    ours = [record for record in caplog.records if record.name.startswith("adf_trigger.functions_host")]
    assert ours
    assert not any("code=" in record.getMessage() for record in ours)
