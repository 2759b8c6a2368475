"""HTTP triggers on real sockets."""

import asyncio
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.waiting import LIMIT

if TYPE_CHECKING:
    from tests.integration.functions_host.conftest import Toy

    MakeToy = Callable[..., Toy]

APP = """
@app.route(route="echo/{*path}", auth_level="anonymous")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), headers={"X-Path": req.route_params["path"]})

@app.route(route="slow", auth_level="anonymous")
def slow(req: func.HttpRequest) -> str:
    note(begun=True)
    time.sleep(0.5)
    note(done=True)
    return "done"

@app.route(route="stuck", auth_level="anonymous")
async def stuck(req: func.HttpRequest) -> str:
    note(begun=True)
    await asyncio.sleep(60)

@app.route(route="guarded")
def guarded(req: func.HttpRequest, context: func.Context) -> str:
    return context.trace_context.trace_parent
"""


def test_requests_are_served_on_a_free_port(make_toy: "MakeToy") -> None:
    """Bytes, paths and trace context come through real HTTP, with the host key and without."""
    toy = make_toy(APP)
    body = bytes(range(256)) * 100

    async def main() -> None:
        async with toy.hosted(key="the-key") as host, httpx.AsyncClient(base_url=host.url) as client:
            response = await client.post("/api/echo/a%2Fb/c%20d", content=body)
            assert (response.status_code, response.content) == (200, body)
            assert response.headers["x-path"] == "a%2Fb/c d"
            assert response.headers["server"] == "Kestrel"
            assert (await client.get("/api/guarded")).status_code == 401
            headers = {"x-functions-key": "the-key", "traceparent": "00-aa-bb-01"}
            assert (await client.get("/api/guarded", headers=headers)).text == "00-aa-bb-01"

    asyncio.run(main())


def test_replies_on_a_kept_connection_are_sent_immediately(make_toy: "MakeToy") -> None:
    """No reply waits for the acknowledgement of earlier bytes, which callers delay by 40 ms."""
    toy = make_toy(APP)

    async def main() -> None:
        async with toy.hosted() as host, httpx.AsyncClient(base_url=host.url) as client:
            answers = [await client.post("/api/echo/x", content=b"x") for _ in range(30)]
            assert min(answer.elapsed for answer in answers[-15:]) < timedelta(milliseconds=35)

    asyncio.run(main())


def test_a_declared_length_beyond_the_limit_is_rejected_unread(make_toy: "MakeToy") -> None:
    """100 MiB and a byte are rejected by Content-Length, and the connection is closed."""
    toy = make_toy(APP)

    async def main() -> None:
        async with toy.hosted() as host:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(host.url.rpartition(":")[2]))
            writer.write(b"POST /api/echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 104857601\r\n\r\nbegin")
            await writer.drain()
            answer = await asyncio.wait_for(reader.read(), 60)
            writer.close()
            assert answer.startswith(b"HTTP/1.1 500 ")
            assert answer.endswith(b"\r\n\r\n")

    asyncio.run(main())


def test_a_caller_that_disconnects_does_not_stop_the_function(make_toy: "MakeToy") -> None:
    """As on the platform, the function runs to its end without its caller."""
    toy = make_toy(APP)

    async def main() -> None:
        async with toy.hosted() as host, httpx.AsyncClient(base_url=host.url) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get("/api/slow", timeout=0.2)
            await toy.until(lambda toy: len(toy.noted) == 2)

    asyncio.run(main())


def test_a_closing_host_answers_requests_in_progress_and_accepts_no_more(make_toy: "MakeToy") -> None:
    """A request in progress is answered; a new connection is rejected."""
    toy = make_toy(APP)

    async def main() -> None:
        async with httpx.AsyncClient() as client:
            async with toy.hosted() as host:
                url = host.url
                answer = asyncio.create_task(client.get(f"{url}/api/slow"))
                await toy.until(lambda toy: bool(toy.noted))
            assert (await answer).text == "done"
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{url}/api/slow")

    asyncio.run(main())


def test_a_host_closes_although_a_function_does_not_return(make_toy: "MakeToy") -> None:
    """After the drain time the caller's connection is reset; after the grace period the host closes."""
    toy = make_toy(APP)

    async def main() -> float:
        async with httpx.AsyncClient() as client:
            async with toy.hosted(drain_seconds=1.0, grace_seconds=0.5) as host:
                answer = asyncio.create_task(client.get(f"{host.url}/api/stuck", timeout=LIMIT))
                await toy.until(lambda toy: bool(toy.noted))
                began = time.monotonic()
            took = time.monotonic() - began
            with pytest.raises(httpx.ReadError):
                await answer
            return took

    assert asyncio.run(main()) < 30


def test_a_taken_port_ends_the_start(make_toy: "MakeToy") -> None:
    """The operating system's error is raised, and what had been started is closed."""
    toy = make_toy(APP)

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port: int = taken.getsockname()[1]
            with pytest.raises(OSError, match="in use"):
                async with toy.hosted(port=port):
                    pass

    asyncio.run(main())
