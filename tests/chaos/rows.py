"""Rows: one kind of trouble each, made on purpose and counted, with nothing else in the way."""

import base64
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from types import TracebackType
from typing import Self
from uuid import uuid4

from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobLeaseClient, BlobServiceClient

from adf_trigger.settings import POISON_SUFFIX
from tests.chaos.callers import Callers
from tests.chaos.faults import Control
from tests.chaos.history import History
from tests.chaos.load import PIPELINES, Request, plan
from tests.support.storage_answers import Rule, StorageAnswers, queue_port, through


class Row:
    """One kind of trouble, between `__enter__` and `__exit__`, which is made from `begin` on until `end`.

    Args:
        connection: of the storage, without anything in front of it.
        requests_queue: name of the queue that requests come by.
        history: records how often each fault was met.
        seed: of all dice.
        control: of the emulator.

    Attributes:
        name: of the row.
        kinds: of faults; each must be met.
        host_id: that all hosts share; None where each start has one of its own.
        settings: app settings of this row.
        may_reject: whether a request that was accepted may end as rejected, published once for each time.
        keys: of what the row itself has put on the queue.
        counts: how often each fault was met.
    """

    name = ""
    kinds: Sequence[str] = ()
    host_id: str | None = None
    settings: Mapping[str, str] = {}
    may_reject = False

    def __init__(
        self, connection: str, requests_queue: str, history: History, seed: int, control: Control
    ) -> None:
        self.control = control
        self.keys: list[str] = []
        self.counts: Counter[str] = Counter()
        self._connection = connection
        self._requests_queue = requests_queue
        self._history = history
        self._dice = random.Random(f"{seed} {self.name}")  # noqa: S311 - dice of a test
        self._opened = ExitStack()
        self._over = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=self.name)
        self._work: Future[None] | None = None

    def between(self, connection: str) -> str:
        """What hosts and app are given as the storage's connection string."""
        return connection

    def before_factory(self, url: str) -> str:
        """What the app is given as Data Factory's address."""
        return url

    def requests(self, count: int, seed: int) -> list[Request]:
        """The requests of this row."""
        return plan(count, seed)

    def trouble(self, callers: Callers) -> AbstractContextManager[object]:
        """The trouble, as long as the context lasts."""
        return _Trouble(lambda: self.begin(callers), self.end)

    def begin(self, callers: Callers) -> None:
        """Make trouble from now on."""

    def end(self) -> None:
        """Stop making faults, and record how many there were."""
        self._over.set()
        self._thread.shutdown()
        if self._work is not None:
            self._work.result()  # trouble that could not be made must not look like trouble that did no harm
        faults = {kind: self.counts[kind] for kind in self.kinds}
        self._history.note("row", name=self.name, faults=faults, may_reject=self.may_reject)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._opened.close()


class DeleteRefused(Row):
    """Storage refuses to delete a message whose function has ended, or fails to the end of the SDK's tries.

    Either ends the host, and every message that it held comes again, a delivery spent.
    """

    name = "delete refused"
    kinds = ("delete 403", "delete 500, six times")
    rate = 0.06
    most_refused: int | None = None
    """How many deletes are answered 403, each of which cuts the six tries of others; None for all that the dice say."""

    def between(self, connection: str) -> str:
        """Through a proxy in front of the queue service."""
        self._answers = self._opened.enter_context(StorageAnswers(queue_port(connection)))
        return through(connection, self._answers.port)

    def requests(self, count: int, seed: int) -> list[Request]:
        """Messages, all of them."""
        dice = random.Random(seed)  # noqa: S311 - dice of a test
        names = dice.choices(list(PIPELINES), [each.share for each in PIPELINES.values()], k=count)
        return [
            Request(key=f"request-{number}", pipeline=name, messages=1) for number, name in enumerate(names)
        ]

    def begin(self, callers: Callers) -> None:
        """Answer deletes in storage's place."""
        del callers
        path = f"/{self._requests_queue}/messages/"
        refused, broken = self.kinds
        self._answers.honour(
            [
                Rule(
                    name=refused,
                    method="DELETE",
                    path=path,
                    status=403,
                    left=self.most_refused,
                    when=self._once(),
                ),
                Rule(name=broken, method="DELETE", path=path, status=500, when=self._to_the_end()),
            ]
        )

    def end(self) -> None:
        """Let storage answer by itself again."""
        self._answers.honour([])
        refused, broken = self.kinds
        self.counts.update(
            {refused: self._answers.counts[refused], broken: self._answers.counts[broken] // 6}
        )
        super().end()

    def _once(self) -> Callable[[str], bool]:
        return lambda _: self._dice.random() < self.rate

    def _to_the_end(self) -> Callable[[str], bool]:
        """Fail every try of a delete that has once failed; a retry has the same pop receipt."""
        fates: dict[str, bool] = {}
        return lambda path: fates.setdefault(path, self._dice.random() < self.rate)


class LockLost(Row):
    """The lease of the timer's lock is broken under its holder, as by an operator or a clock that stood still.

    The host ends at its next renewal; the other one takes over.
    """

    name = "lock lost"
    kinds = ("lease broken",)
    host_id = f"chaos-{uuid4().hex[:12]}"
    pause_seconds = (8.0, 14.0)

    def begin(self, callers: Callers) -> None:
        """Break the lease now and then."""
        del callers
        self._work = self._thread.submit(self._break_now_and_then)

    def _break_now_and_then(self) -> None:
        path = f"locks/{self.host_id}/Host.Functions.tick.Listener"
        with BlobServiceClient.from_connection_string(self._connection) as service:
            blob = service.get_blob_client("azure-webjobs-hosts", path)
            while not self._over.wait(self._dice.uniform(*self.pause_seconds)):
                with suppress(HttpResponseError):  # no lease is held just now
                    BlobLeaseClient(blob).break_lease(0)
                    self.counts["lease broken"] += 1
                    self._history.note("lease_broken")


class PoisonousMessages(Row):
    """Messages that no function can work on, among good ones: on the requests queue, and as the host's poison.

    Each ends as rejected, once, under its true id.
    """

    name = "a poisonous message"
    kinds = ("named like the platform's", "no request", "on the poison queue")
    pause_seconds = (0.05, 0.25)

    def begin(self, callers: Callers) -> None:
        """Put one on a queue, again and again."""
        self._work = self._thread.submit(self._put_now_and_then, callers)

    def _put_now_and_then(self, callers: Callers) -> None:
        while not self._over.wait(self._dice.uniform(*self.pause_seconds)):
            kind = self._dice.choice(self.kinds)
            named = self._dice.random() < 0.5 if kind == "on the poison queue" else kind == self.kinds[0]
            text = self._named_like_the_platform_s() if named else self._dice.choice(_NO_REQUESTS)
            suffix = POISON_SUFFIX if kind == "on the poison queue" else ""
            self.keys.append(callers.send_poison(text, suffix))
            self.counts[kind] += 1

    def _named_like_the_platform_s(self) -> str:
        name = self._dice.choice(
            ["Id", "DequeueCount", "PopReceipt", "InsertionTime", "ExpirationTime", "NextVisibleTime"]
        )
        spelling = self._dice.choice([name, name.lower(), name.upper(), name[0].lower() + name[1:]])
        value = self._dice.choice(["garbage", 7, {"a": 1}, True, "2001-01-01T00:00:00Z"])
        return json.dumps({spelling: value, "pipeline": "quick"})


_NO_REQUESTS: Sequence[str] = (
    "hello",
    "",
    " \n ",
    "[]",
    "null",
    "{",
    '{"pipeline": 3}',
    '{"pipeline": "nowhere"}',
    '{"pipeline": "quick", "factory": "nowhere"}',
    '{"pipeline": "quick", "bogus": 1}',
    '{"pipeline": "quick", "parameters": {"key": "k", "other": 1}}',
    '{"pipeline": "quick", "pipeline": 7}',
    "\ufeff{}",
    "<run/> &amp; <![CDATA[",
    "gr\u00fcn \u202e \U0001f600",
    "[" * 5_000,
    "x" * 60_000,
    base64.b64encode(b"\xff\xfe\x00").decode(),
    base64.b64encode(b'{"InsertionTime": "garbage"}').decode(),
)


class _Trouble:
    def __init__(self, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self._begin = begin
        self._end = end

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()


STORAGE_ROWS: Mapping[str, type[Row]] = {
    row.name: row for row in (DeleteRefused, LockLost, PoisonousMessages)
}
