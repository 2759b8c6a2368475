"""How a WebHook activity hears back: a URL to hand out, and a future of what is posted to it.

The engine has no HTTP: whoever serves the emulator takes `POST {prefix}/{token}` and calls `deliver`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from adf_trigger.emulator.common.clock import IdSource, new_id

CALLBACK_PATH: Final = "/dataplane/workflow/callback"
"""Where callbacks arrive, as in the service's own callback URIs; the token follows."""


@dataclass(frozen=True, slots=True)
class Callback:
    """One awaited callback.

    Attributes:
        url: what the endpoint is told to call.
        posted: the JSON object that it posts. Cancel it to stop waiting: the URL is then forgotten.
    """

    url: str
    posted: asyncio.Future[Mapping[str, Any]]


class Callbacks(Protocol):
    """Where callback URLs come from."""

    def register(self) -> Callback:
        """Make a new URL. Called from the event loop's thread."""


class PendingCallbacks:
    """Callbacks that have been registered and not yet arrived. Implements Callbacks.

    Args:
        base_url: scheme and authority under which the emulator is reached; asked for each time.
        new_id: where tokens come from.
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
        """Hand over what was posted; False if nobody waits for it (any more).

        Call it from the event loop's thread.
        """
        posted = self._waiting.get(token)
        if posted is None or posted.done():
            return False
        posted.set_result(body)
        return True
