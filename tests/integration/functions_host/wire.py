"""A toy that reports what reached it, and requests as bytes."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.integration.functions_host.conftest import Toy

    MakeToy = Callable[..., Toy]

APP = """
@app.route(route="echo/{name}", auth_level="anonymous")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    document = {"method": req.method, "url": req.url, "name": req.route_params["name"], "query": dict(req.params)}
    document |= {"headers": dict(req.headers), "body": req.get_body().decode("latin-1")}
    return func.HttpResponse(json.dumps(document), mimetype="application/json")

@app.route(route="only-get", methods=["GET"], auth_level="anonymous")
def only_get(req: func.HttpRequest) -> str:
    return "ok"

@app.route(route="guarded/{name}")
def guarded(req: func.HttpRequest) -> str:
    note(called=True)
    return "ok"

@app.route(route="own/{kind}", auth_level="anonymous")
def own(req: func.HttpRequest) -> func.HttpResponse:
    headers = {
        "length": {"Content-Length": "2"}, "wrong-length": {"Content-Length": "3"}, "date": {"Date": "then"},
        "server": {"Server": "mine"}, "newline": {"X-A": "a\\nb"}, "unicode": {"X-A": "\\u00fc"}, "space": {"X A": "a"},
    }[req.route_params["kind"]]
    return func.HttpResponse("ok", headers=headers)

@app.route(route="slow/{name}", auth_level="anonymous")
async def slow(req: func.HttpRequest) -> str:
    await asyncio.sleep(2)
    return "ok"

WAITING = []
RELEASED = asyncio.Event()

@app.route(route="wait/{name}", auth_level="anonymous")
async def wait(req: func.HttpRequest) -> str:
    WAITING.append(req.route_params["name"])
    await RELEASED.wait()
    return "ok"

@app.route(route="waiting", auth_level="anonymous")
def waiting(req: func.HttpRequest) -> str:
    return str(len(WAITING))

@app.route(route="release", auth_level="anonymous")
async def release(req: func.HttpRequest) -> str:
    RELEASED.set()
    return "ok"
"""


async def ask(url: str, request: bytes, *, end: bool = False) -> tuple[int, dict[str, str], bytes]:
    """Send bytes; returns the reply's status, headers and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(request)
    if end:
        writer.write_eof()
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
        status, *lines = head.decode().rstrip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        if "chunked" in headers.get("transfer-encoding", ""):
            body = b""
            while size := int(await reader.readline(), 16):
                body += (await reader.readexactly(size + 2))[:-2]
        else:
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            assert await reader.read() in (b"", b"\r\n")
    writer.close()
    return int(status.split()[1]), headers, body


def on_a_host(
    make_toy: "MakeToy", work: Callable[[str], Any], host_json: dict[str, Any] | None = None
) -> None:
    """Run a coroutine with the URL of a host that serves the toy."""
    toy = make_toy(APP, host_json)

    async def main() -> None:
        async with toy.hosted(make_queue=False, key="Key") as host:
            await work(host.url)

    asyncio.run(main())
