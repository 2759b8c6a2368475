"""The HTTP servers of the local stack's processes."""

import asyncio
import socket
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from starlette.responses import Response

from adf_trigger.emulator.serving.servers import serving


def test_replies_of_a_kept_connection_leave_at_once(serve: Callable[..., str]) -> None:
    """No reply waits for the acknowledgement of the bytes before it, which callers delay by 40 ms."""
    url = serve(Response(b"x"))
    with httpx.Client() as client:
        answers = [client.post(url, content=b"x") for _ in range(30)]
    assert min(answer.elapsed for answer in answers[-15:]) < timedelta(milliseconds=35)


async def _serve_at(port: int) -> None:
    async with serving(Response(), port=port):
        pass


def test_a_port_that_is_taken_is_an_error() -> None:
    """Two servers do not share a port."""
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        asyncio.run(_serve_at(other.getsockname()[1]))
