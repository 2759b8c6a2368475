"""Callers and producers: they ask until they are answered, and write down every try and every answer."""

import json
import random
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Sequence

import requests
from azure.storage.queue import QueueClient

from tests.chaos.history import History
from tests.chaos.hosts import Host
from tests.chaos.load import Request, document_of

TIMEOUTS = (1.0, 5.0)
"""Seconds to connect and to the next byte: a caller does not wait for a host that stands still."""

LONGEST_PAUSE = 1.0
"""Seconds between two tries, at most, whatever Retry-After says: these callers press."""

_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})


class Callers:
    """Asks by HTTP and by queue. Thread-safe.

    Args:
        hosts: one of those that answer is asked, at random.
        key: opens their functions.
        queue: the requests queue, not behind the proxy: what is on it is acknowledged.
        history: records everything.
        seed: of the dice.
    """

    def __init__(
        self, hosts: Sequence[Host], *, key: str, queue: QueueClient, history: History, seed: int
    ) -> None:
        self.hosts = hosts
        self.headers = {"x-functions-key": key}
        self._queue = queue
        self._history = history
        self._dice = random.Random(seed)  # noqa: S311 - dice of a test, nothing secret
        self._threads = threading.local()
        self._deadline = float("inf")

    def give_up_after(self, seconds: float) -> None:
        """After that many seconds, callers that still ask give up unanswered."""
        self._deadline = time.monotonic() + seconds

    def send(self, request: Request) -> None:
        """Put one copy of a request on the queue."""
        self._history.note("invoke", key=request.key, by="queue")
        text = {"pipeline": request.pipeline, "requestId": request.key, "parameters": request.parameters}
        self._queue.send_message(json.dumps(text))
        self._history.note("return", key=request.key, by="queue", acknowledged=True)

    def send_event(self, request: Request) -> None:
        """Put the event that makes a request on the queue, once, in base64."""
        self._history.note("invoke", key=request.key, by="queue")
        self._queue.send_message(b64encode(json.dumps(document_of(request)).encode()).decode())
        self._history.note("return", key=request.key, by="queue", acknowledged=True)

    def deliver(self, request: Request) -> None:
        """Deliver the event that makes a request, once, until it is taken."""
        self._until_answered(
            request.key,
            lambda url: self._session.post(
                f"{url}/api/events", json=[document_of(request)], headers=self.headers, timeout=TIMEOUTS
            ),
        )

    def send_poison(self, text: str, suffix: str) -> str:
        """Put a message that can never work on the queue, or on its poison queue; the key that it goes by."""
        queue = self._queue
        if suffix:
            queue = QueueClient(
                queue.url.removesuffix(queue.queue_name).rstrip("/"),
                queue.queue_name + suffix,
                credential=queue.credential,
            )
        key = str(queue.send_message(text).id)
        self._history.note("invoke", key=key, by="queue", expect="Rejected")
        self._history.note("return", key=key, by="queue", acknowledged=True)
        return key

    def ask(self, request: Request) -> None:
        """Ask for a run by HTTP until there is an answer that is no passing trouble."""
        path = f"/api/pipelines/{request.pipeline}/runs"
        headers = {**self.headers, "Idempotency-Key": request.key}
        for _ in range(2 if request.again else 1):
            self._until_answered(
                request.key,
                lambda url: self._session.post(
                    url + path, json={"parameters": request.parameters}, headers=headers, timeout=TIMEOUTS
                ),
            )

    def look(self, key: str) -> None:
        """Write down what GET /runs/{id} says of a request in the end."""
        while (url := self._some_url()) is not None:
            try:
                answer = self._session.get(f"{url}/api/runs/{key}", headers=self.headers, timeout=TIMEOUTS)
                run = answer.json()
            except requests.RequestException as exc:
                self._history.note("not_seen", key=key, error=type(exc).__name__)
            else:
                if answer.status_code not in _TRY_AGAIN:
                    self._history.note("view", key=key, status=answer.status_code, run=run)
                    return
            time.sleep(LONGEST_PAUSE)

    def _until_answered(self, key: str, call: Callable[[str], requests.Response]) -> None:
        while (url := self._some_url()) is not None:
            self._history.note("invoke", key=key, by="http")
            try:
                answer = call(url)
                body = answer.json()
            except requests.RequestException as exc:
                self._history.note("return", key=key, by="http", error=type(exc).__name__)
            else:
                status = answer.status_code
                facts = {"status": status, "runId": body.get("runId"), "said": body.get("detail")}
                known = {name: fact for name, fact in facts.items() if fact is not None}
                self._history.note("return", key=key, by="http", acknowledged=status in {200, 202}, **known)
                if status not in _TRY_AGAIN:
                    return
            time.sleep(self._dice.uniform(0.1, LONGEST_PAUSE))

    def _some_url(self) -> str | None:
        """A host that runs; None where the time is over before there is one."""
        while time.monotonic() < self._deadline:
            urls = [host.url for host in self.hosts if host.url is not None]
            if urls:
                return self._dice.choice(urls)
            time.sleep(0.1)
        return None

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._threads, "session"):
            self._threads.session = requests.Session()
        session: requests.Session = self._threads.session
        return session
