"""A caller of the service that uses only HTTP and a queue."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import requests
from azure.storage.queue import QueueClient

from adf_trigger.local.stack.endpoints import Endpoints

TIMEOUTS = (5.0, 30.0)
"""Seconds to connect and to the next byte."""
MESSAGES_PER_CALL = 32
"""The most that Queue storage returns; by default it returns one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        body: its JSON object; empty where it has none.
        text: its body, as received.
    """

    status: int
    body: dict[str, Any]
    text: str = ""

    @classmethod
    def of(cls, response: requests.Response) -> Self:
        """The answer of any response: the platform's own errors have no body."""
        try:
            found = response.json()
        except requests.JSONDecodeError:
            found = None
        return cls(response.status_code, found if isinstance(found, dict) else {}, response.text)


class Caller:
    """Starts runs by HTTP and by queue, and reads the events.

    Args:
        endpoints: of the stack.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._root = f"{endpoints.functions_url}/api"
        self._headers = {"x-functions-key": endpoints.functions_key}
        connection = endpoints.storage_connection_string
        self._requests = QueueClient.from_connection_string(connection, endpoints.requests_queue)
        self._events = QueueClient.from_connection_string(connection, endpoints.events_queue)

    def post(self, pipeline: str, body: dict[str, Any], *, key: str) -> Answer:
        """POST /pipelines/{pipeline}/runs."""
        response = requests.post(
            f"{self._root}/pipelines/{pipeline}/runs",
            json=body,
            headers={**self._headers, "Idempotency-Key": key},
            timeout=TIMEOUTS,
        )
        return Answer.of(response)

    def get(self, run: str) -> Answer:
        """GET /runs/{id}."""
        response = requests.get(f"{self._root}/runs/{run}", headers=self._headers, timeout=TIMEOUTS)
        return Answer.of(response)

    def send(self, message: dict[str, Any]) -> None:
        """Put a message on the requests queue."""
        self._requests.send_message(json.dumps(message))

    def events(
        self, count: int, *, within: float, meanwhile: Callable[[], None] = lambda: None
    ) -> list[dict[str, Any]]:
        """Take `count` events off their queue, in order of arrival; fewer if they do not arrive in time.

        Args:
            count: how many are expected.
            within: seconds to wait for them.
            meanwhile: called while waiting.
        """
        deadline = time.monotonic() + within
        taken: list[dict[str, Any]] = []
        while len(taken) < count and time.monotonic() < deadline:
            for message in self._events.receive_messages(
                messages_per_page=min(count, MESSAGES_PER_CALL), max_messages=count
            ):
                taken.append(json.loads(base64.b64decode(message.content)))
                self._events.delete_message(message)
            meanwhile()
            time.sleep(0.2)
        return taken
