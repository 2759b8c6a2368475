"""Callbacks of WebHook activities: a URL for the endpoint, and a future of the body that is posted to it.

The engine has no HTTP server: the server of the emulator accepts `POST {prefix}/{token}` and calls `deliver`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from adf_trigger.emulator.common.clock import IdSource, new_id

CALLBACK_PATH: Final = "/dataplane/workflow/callback"
"""Path of callbacks, as in the service's own callback URIs; the token follows."""


@dataclass(frozen=True, slots=True)
class Callback:
    """One awaited callback.

    Attributes:
        url: the URL that the endpoint calls back.
        posted: the JSON object that the endpoint posts. Cancel it to stop waiting and remove the URL.
    """

    url: str
    posted: asyncio.Future[Mapping[str, Any]]


class Callbacks(Protocol):
    """Makes callback URLs."""

    def register(self) -> Callback:
        """Make a new URL. Called from the event loop's thread."""


class PendingCallbacks:
    """Callbacks that are registered and have not arrived yet. Implements Callbacks.

    Args:
        base_url: returns the emulator's scheme and authority; called for each callback.
        new_id: makes the tokens.
    """

    def __init__(self, base_url: Callable[[], str], new_id: IdSource = new_id) -> None:
        self._base_url = base_url
        self._new_id = new_id
        self._waiting: dict[str, asyncio.Future[Mapping[str, Any]]] = {}

    def register(self) -> Callback:
        """A new URL and the future of what is posted to it."""
        token = self._new_id().hex
        posted: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        posted.add_done_callback(lambda _: self._waiting.pop(token, None))
        self._waiting[token] = posted
        return Callback(f"{self._base_url().rstrip('/')}{CALLBACK_PATH}/{token}", posted)

    def deliver(self, token: str, body: Mapping[str, Any]) -> bool:
        """Deliver a posted body; False if no activity waits for it (any more).

        Call it from the event loop's thread.
        """
        posted = self._waiting.get(token)
        if posted is None or posted.done():
            return False
        posted.set_result(body)
        return True
