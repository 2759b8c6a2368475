"""The trouble: hosts killed and paused, storage that breaks, Data Factory that fails, until it is over."""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from tests.chaos import faults
from tests.chaos.faults import Control
from tests.chaos.history import History
from tests.chaos.hosts import Host
from tests.chaos.proxy import StorageProxies

STORAGE_RATE = 0.03
"""Share of the requests to storage that break."""

KILL_SECONDS = (3.0, 12.0)
PAUSE_SECONDS = (12.0, 25.0)
OUTAGE_SECONDS = (10.0, 25.0)
"""How long until the next kill, pause and storage outage: between these."""

PAUSED_SECONDS = 5.0
"""Past the lease of a request (3.5 s) and of a message (3 s)."""

LONGEST_OUTAGE = 2.0


class Trouble:
    """Makes trouble between `__enter__` and `__exit__`; afterwards everything works again.

    Args:
        hosts: to kill and to pause.
        proxies: in front of storage.
        control: of the emulator.
        history: records everything.
        seed: of all dice.

    """

    def __init__(
        self, hosts: Sequence[Host], proxies: StorageProxies, control: Control, history: History, seed: int
    ) -> None:
        self._hosts = hosts
        self._proxies = proxies
        self._control = control
        self._history = history
        self._seed = seed
        self._over = threading.Event()
        self._threads = ThreadPoolExecutor(thread_name_prefix="trouble")
        self._strikes: list[Future[None]] = []

    def __enter__(self) -> Self:
        self._history.note("trouble_begins", seed=self._seed)
        faults.begin(self._control, self._seed)
        self._proxies.break_at(STORAGE_RATE)
        self._strikes = [
            self._threads.submit(self._now_and_then, KILL_SECONDS, self._kill),
            self._threads.submit(self._now_and_then, PAUSE_SECONDS, self._pause),
            self._threads.submit(self._now_and_then, OUTAGE_SECONDS, self._outage),
        ]
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._threads.shutdown()
        self._proxies.break_at(0)
        self._history.note("factory", **faults.end(self._control))
        self._history.note("storage", faults=self._proxies.counts)
        self._history.note("trouble_ends")
        for strike in self._strikes:
            strike.result()  # trouble that could not be made must not look like trouble that did no harm

    def _now_and_then(self, between: tuple[float, float], strike: Callable[[random.Random], None]) -> None:
        dice = random.Random(f"{self._seed} {strike.__name__}")  # noqa: S311 - dice of a test
        while not self._over.wait(dice.uniform(*between)):
            strike(dice)

    def _kill(self, dice: random.Random) -> None:
        any(host.kill() for host in dice.sample(self._hosts, len(self._hosts)))

    def _pause(self, dice: random.Random) -> None:
        host = dice.choice(self._hosts)
        if host.pause():
            self._over.wait(PAUSED_SECONDS)
            host.resume()

    def _outage(self, dice: random.Random) -> None:
        self._history.note("storage_outage")
        self._proxies.outage()
        self._over.wait(dice.uniform(0.3, LONGEST_OUTAGE))
        self._proxies.recover()
