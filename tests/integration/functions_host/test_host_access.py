"""Access keys and limits of concurrent calls, on real sockets: as observed on the platform's own host."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx

from tests.integration.functions_host.wire import APP, on_a_host

if TYPE_CHECKING:
    from tests.integration.functions_host.conftest import Toy

    MakeToy = Callable[..., Toy]


def test_hundreds_of_async_calls_do_not_block_a_plain_one(make_toy: "MakeToy") -> None:
    """maxConcurrentRequests counts all calls, threads only plain functions: 300 wait, and others are answered."""
    limits = {"extensions": {"http": {"maxConcurrentRequests": 1000, "maxOutstandingRequests": 1000}}}

    async def work(url: str) -> None:
        connections = httpx.Limits(max_connections=400)
        async with httpx.AsyncClient(base_url=url, limits=connections, timeout=60) as client:
            held = [asyncio.create_task(client.get(f"/api/wait/{number}")) for number in range(300)]
            async with asyncio.timeout(60):
                while (await client.get("/api/waiting")).text != "300":  # noqa: ASYNC110 - the host has no event for it
                    await asyncio.sleep(0.1)
            assert (await client.get("/api/only-get")).status_code == 200
            assert not any(each.done() for each in held)
            await client.get("/api/release")
            assert {(await each).status_code for each in held} == {200}

    on_a_host(make_toy, work, limits)


def test_calls_beyond_the_limits_wait_and_then_get_429(
    make_toy: "MakeToy",
) -> None:
    """The 429 is immediate, without Retry-After, with the platform's own header and no body."""
    limits = {"extensions": {"http": {"maxConcurrentRequests": 2, "maxOutstandingRequests": 3}}}

    async def work(url: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            calls = [asyncio.create_task(client.get(f"/api/slow/{number}")) for number in range(5)]
            answers = [await each for each in asyncio.as_completed(calls)]
            assert [each.status_code for each in answers] == [429, 429, 200, 200, 200]
            for each in answers[:2]:
                assert (each.content, each.headers["x-function-scaleout"]) == (b"", "1")
                assert "retry-after" not in each.headers

    on_a_host(make_toy, work, limits)


def test_each_key_opens_its_own_functions(make_toy: "MakeToy") -> None:
    """A function's key opens that function alone, the host key all of them, the master key /admin too."""
    toy = make_toy(APP)

    async def main() -> None:
        async with (
            toy.hosted(make_queue=False, key="Key", master_key="Master") as host,
            httpx.AsyncClient(base_url=host.url) as client,
        ):
            master = {"x-functions-key": "Master"}
            keys = (await client.get("/admin/functions/guarded/keys", headers=master)).json()["keys"]
            own, others = keys[0]["value"], host.keys.of("echo")
            answers = {
                (await client.get("/api/guarded/x", params=params, headers=headers)).status_code: name
                for name, params, headers in [
                    ("own, by query", {"code": own}, {}),
                    ("own, by header", {}, {"x-functions-key": own}),
                    ("own, by query in capitals", {"CODE": own}, {}),
                    ("host", {"code": "Key"}, {}),
                    ("master", {"code": "Master"}, {}),
                ]
            }
            assert set(answers) == {200}
            for wrong in (others, "", "nobody's"):
                assert (await client.get("/api/guarded/x", params={"code": wrong})).status_code == 401
            statuses = [
                (await client.get("/admin/host/status", headers=headers)).status_code
                for headers in ({}, {"x-functions-key": own}, {"x-functions-key": "Key"}, master)
            ]
            assert statuses == [401, 401, 403, 200]
            challenge = (await client.get("/admin/host/status")).headers["www-authenticate"]
            assert challenge == "Bearer"
            for path in ("/admin/host/ping", "/admin/warmup"):
                assert (await client.get(path)).status_code == 200
            webhook = [
                (await client.get("/runtime/webhooks/x", headers=headers)).status_code
                for headers in ({}, {"x-functions-key": "Key"}, master)
            ]
            assert webhook == [401, 403, 404]

    asyncio.run(main())
