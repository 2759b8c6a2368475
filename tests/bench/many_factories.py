"""What a tick takes with fifty factories in one app, and whether one that answers late slows the others.

Storage is Azurite; each Data Factory is in memory.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from adf_trigger.clock import utcnow
from adf_trigger.datafactory.models import ActivityRun, Page, PipelineRun, RunFilter, RunGlance, TimeWindow
from adf_trigger.local.azurite import Azurite
from adf_trigger.service.factories import Factories, FactoryHandle
from tests.bench.figures import BenchFailed, Figure
from tests.bench.watching import Wired, start
from tests.support.memory_factory import MemoryFactory
from tests.support.world import FACTORY_ID

FACTORIES = 50
ACTIVE = 20
LATE_SECONDS = 5.0
PIPELINE = "load"


class Late(MemoryFactory):
    """A Data Factory that may answer late, and notes when it was last asked for a run's activities."""

    late = 0.0
    asked_at: float | None = None

    def query_runs(
        self, run_filter: RunFilter, *, wanted: Callable[[RunGlance], bool] | None = None
    ) -> Iterator[Page[PipelineRun]]:
        """See PipelineRuns."""
        time.sleep(self.late)
        yield from super().query_runs(run_filter, wanted=wanted)

    def query_activity_runs(
        self, run_id: UUID, *, window: TimeWindow, newest_first: bool = False
    ) -> Iterator[Page[ActivityRun]]:
        """See PipelineRuns."""
        self.asked_at = time.perf_counter()
        yield from super().query_activity_runs(run_id, window=window, newest_first=newest_first)


def measure(repeats: int, *, factories: int = FACTORIES, active: int = ACTIVE) -> list[Figure]:
    """Tick with nothing changed, with a run ended in each, and the same beside one that answers late."""
    idle, calls, storage, ended, beside = [], [], [], [], []
    with TemporaryDirectory() as folder, Azurite(log=Path(folder) / "azurite.log") as server:
        clients = {f"factory-{number}": Late(utcnow) for number in range(factories)}
        ids = {alias: FACTORY_ID.replace("factory-one", alias) for alias in clients}
        handles = {alias: FactoryHandle(alias, ids[alias], client) for alias, client in clients.items()}
        wired = Wired(server.connection_string, Factories(handles))
        running = {alias: _start(wired, ids[alias], client, active) for alias, client in clients.items()}
        for _ in range(repeats):
            wired.services.tick.run()
            for client in clients.values():
                client.calls.clear()
            before = wired.requests.count
            idle.append(_ticked(wired))
            calls.append(sum(len(client.calls) for client in clients.values()) / factories)
            storage.append((wired.requests.count - before) / factories)
            ended.append(
                _last_asked(wired, list(clients.values()), [running[each].pop() for each in running])
            )
            first, *others = clients.values()
            first.late = LATE_SECONDS
            _, *ids_of_others = [running[each].pop() for each in running]
            beside.append(_last_asked(wired, others, ids_of_others))
            first.late = 0.0
    named = f"{factories} factories with {active} active runs each"
    return [
        Figure(name=f"{named}, nothing changed: a tick", unit="s", values=idle, below=10),
        Figure(name="  calls of Data Factory, for each", unit="calls", values=calls, below=4),
        Figure(name="  calls of storage, for each", unit="calls", values=storage, below=8),
        Figure(
            name="  one run ended in each: until the last was looked at", unit="s", values=ended, below=15
        ),
        Figure(
            name=f"  the same beside one that answers after {LATE_SECONDS:g} s",
            unit="s",
            values=beside,
            below=15,
        ),
    ]


def _start(wired: Wired, factory: str, client: Late, count: int) -> list[UUID]:
    client.declare(PIPELINE)
    records = [start(factory, client, PIPELINE) for _ in range(count)]
    wired.keep(records)
    return [record.run_id for record in records]


def _ticked(wired: Wired) -> float:
    begun = time.perf_counter()
    wired.services.tick.run()
    return time.perf_counter() - begun


def _last_asked(wired: Wired, clients: Sequence[Late], run_ids: Sequence[UUID]) -> float:
    """Seconds from a tick's beginning until the last of these ends was looked at."""
    for client, run_id in zip(clients, run_ids, strict=True):
        client.finish(run_id)
        client.asked_at = None
    begun = time.perf_counter()
    wired.services.tick.run()
    asked = [client.asked_at for client in clients if client.asked_at is not None]
    if len(asked) < len(clients):
        raise BenchFailed(f"{len(clients) - len(asked)} ends were not looked at in one tick")
    return max(asked) - begun
