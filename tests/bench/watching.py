"""What a tick takes with many active runs: seconds, calls of Data Factory, calls of storage.

Storage is Azurite on Node, which shares this machine's processors with the tick; Data Factory is in memory and answers
at once, so that the seconds are ours and storage's. The peers' way asks for every active run in every tick; what that
takes is measured on the emulator, with the official SDK.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import psutil

from adf_trigger.clock import utcnow
from adf_trigger.events.callbacks import CallbackPoster
from adf_trigger.events.posting import Poster
from adf_trigger.events.queues import QueueOutbox
from adf_trigger.events.routes import Routes
from adf_trigger.events.webhooks import WebhookSender
from adf_trigger.functions.services import Services
from adf_trigger.functions.wiring import wire
from adf_trigger.ledger.encoding import encode_record
from adf_trigger.ledger.keys import partition_key, run_key
from adf_trigger.ledger.opening import open_table_ledger
from adf_trigger.ledger.records import RunRecord, RunState
from adf_trigger.ledger.rows import operations, rows_of
from adf_trigger.ledger.table import TableLedger
from adf_trigger.local.azurite import Azurite
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.steps import logged_steps
from adf_trigger.service.threads.tick_threads import THREADS, TickThreads
from tests.bench.counted_storage import counted
from tests.bench.figures import BenchFailed, Figure
from tests.support.memory_factory import MemoryFactory, Run
from tests.support.world import FACTORY_ID, settings

SIZES = (100, 1_000, 10_000)
PAGE = 1_000
"""Rows of a page of Table storage."""
OTHERS = 19
"""Runs of others that end for each of ours: 95% of all."""
PATIENCE_TICKS = 20
_TABLE = "bench"
_RECORDS_A_TRANSACTION = 25
"""Each has four rows, and a transaction holds a hundred."""
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What ticks took.

    Attributes:
        seconds: by the clock.
        calls: of Data Factory, of any kind.
        lists: those of them that list runs.
        storage: calls of storage.
    """

    seconds: float
    calls: int
    lists: int
    storage: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.seconds + other.seconds,
            self.calls + other.calls,
            self.lists + other.lists,
            self.storage + other.storage,
        )


@dataclass(slots=True)
class Measured:
    """The measurements with a number of active runs, one value a repeat."""

    active: int
    idle: list[Cost] = field(default_factory=list)
    ended: list[Cost] = field(default_factory=list)
    beside_others: list[Cost] = field(default_factory=list)


class Wired:
    """The service over Azurite and Data Factories that are in memory.

    Args:
        connection_string: of Azurite.
        factories: what it serves.
    """

    def __init__(self, connection_string: str, factories: Factories) -> None:
        account, self.requests = counted(connection_string)
        self._account = account
        self.ledger: TableLedger = open_table_ledger(account, table=_TABLE, create_missing=True)
        self.ledger.create_table_if_missing()
        outbox = QueueOutbox(
            events=account.queue("bench-events"),
            rejected=account.queue("bench-rejected"),
            requests=account.queue("bench-requests", encoding="none"),
            poison=account.queue("bench-requests-poison", encoding="none"),
        )
        self.services: Services = wire(
            settings(),
            factories=factories,
            ledger=self.ledger,
            declarations=self.ledger.declarations(),
            notes=self.ledger.notes(),
            rejected=self.ledger.rejected(),
            routes=Routes({}, {}, WebhookSender(utcnow)),
            callback_sender=CallbackPoster(Poster("the callback")),
            outbox=outbox,
            landmark=outbox,
            clock=utcnow,
            new_id=uuid4,
            steps=logged_steps,
            tick_threads=TickThreads(THREADS),
        )

    def keep(self, records: Sequence[RunRecord]) -> None:
        """Write records of one factory as claims do, as many in a transaction as it holds: the rows are the same."""
        with self._account.table(_TABLE) as client:
            for first in range(0, len(records), _RECORDS_A_TRANSACTION):
                client.submit_transaction(
                    operation
                    for record in records[first : first + _RECORDS_A_TRANSACTION]
                    for operation in operations(
                        partition_key(record.factory),
                        run_key(record.request_id),
                        {},
                        rows_of(record, encode_record(record)),
                        etag=None,
                        write_id="bench",
                    )
                )


def start(factory_id: str, factory: MemoryFactory, pipeline: str) -> RunRecord:
    """The record of a run that is in progress, and was seen just now."""
    now, run_id = utcnow(), uuid4()
    factory.runs[run_id] = Run(run_id, pipeline, {}, now, now)
    return RunRecord(
        factory=factory_id,
        request_id=str(uuid4()),
        pipeline=pipeline,
        digest="0" * 64,
        run_id=run_id,
        state=RunState.SUBMITTED,
        status="InProgress",
        requested_at=now,
        submitted_at=now,
        sent_at=now - timedelta(hours=1),
        last_seen_at=now,
        started_at=now - timedelta(seconds=1),
        declares_secrets=False,
    )


class Watched(Wired):
    """The service over Azurite and one factory, with runs that end when the benchmark says so."""

    def __init__(self, connection_string: str) -> None:
        self.factory = MemoryFactory(utcnow)
        self.factory.declare("load")
        self.active: list[UUID] = []
        super().__init__(
            connection_string, Factories({"default": FactoryHandle("default", FACTORY_ID, self.factory)})
        )

    def fill(self, active: int) -> None:
        """Keep that many runs in progress, and none that has ended within the lists' overlap."""
        self.factory.runs = {run_id: self.factory.runs[run_id] for run_id in self.active}
        records = [start(FACTORY_ID, self.factory, "load") for _ in range(active - len(self.active))]
        self.keep(records)
        self.active += [record.run_id for record in records]

    def finish(self, count: int, *, others: int = 0) -> None:
        """End that many of them, and as many of others."""
        for run_id in self.active[:count]:
            self.factory.finish(run_id)
        del self.active[:count]
        now = utcnow()
        for _ in range(others):
            run_id = uuid4()
            self.factory.runs[run_id] = Run(run_id, "theirs", {}, now, now, status="Succeeded")

    def tick(self) -> Cost:
        """One tick. Calls that were allowed for earlier ticks are allowed again: each is judged by itself."""
        self.factory.calls.clear()
        before, begin = self.requests.count, time.perf_counter()
        self.services.tick.run()
        seconds = time.perf_counter() - begin
        calls = self.factory.calls
        return Cost(seconds, len(calls), calls.count("query_runs"), self.requests.count - before)

    def settle(self, events: int) -> Cost:
        """Tick until that many fewer runs are active; the sum of the ticks."""
        spent = Cost(0, 0, 0, 0)
        for _ in range(PATIENCE_TICKS):
            spent += self.tick()
            if len(self.ledger.active(FACTORY_ID)) == len(self.active):
                return spent
        raise BenchFailed(f"{events} ends were not all published in {PATIENCE_TICKS} ticks")


@contextmanager
def _watched() -> Iterator[Watched]:
    with TemporaryDirectory() as folder, Azurite(log=Path(folder) / "azurite.log") as server:
        yield Watched(server.connection_string)


def measure(repeats: int, *, sizes: Sequence[int] = SIZES) -> list[Figure]:
    """Tick with ever more active runs: with nothing changed, with 1% ended, and beside 95% of others'."""
    figures: list[Figure] = []
    with _watched() as watched:
        for size in sizes:
            measured = _measured(watched, size, repeats)
            figures += _figures(measured)
        memory = psutil.Process().memory_info().rss / _MEGABYTE
    figures.append(
        Figure(name="memory of this process at the end (RSS)", unit="MB", values=[memory], below=250)
    )
    return figures


def _measured(watched: Watched, size: int, repeats: int) -> Measured:
    measured, ending = Measured(size), max(1, size // 100)
    for _ in range(repeats):
        watched.fill(size)
        watched.tick()
        measured.idle.append(watched.tick())
        watched.finish(ending)
        measured.ended.append(watched.settle(ending))
        watched.fill(size)
        watched.finish(ending, others=OTHERS * ending)
        measured.beside_others.append(watched.settle(ending))
    return measured


def _figures(measured: Measured) -> list[Figure]:
    largest = measured.active == SIZES[-1]
    pages, ending = -(-measured.active // PAGE), max(1, measured.active // 100)
    idle, ended, others = measured.idle, measured.ended, measured.beside_others
    named = f"{measured.active:,} active"
    return [
        Figure(
            name=f"{named}, nothing changed: a tick",
            unit="s",
            values=[cost.seconds for cost in idle],
            below=5 if largest else None,
        ),
        Figure(
            name="  calls of Data Factory", unit="calls", values=[cost.calls for cost in idle], below=3 + 1
        ),
        Figure(
            name="  calls of storage",
            unit="calls",
            values=[cost.storage for cost in idle],
            below=pages + 6 + 1,
        ),
        Figure(
            name=f"{named}, {ending:,} ended: until all are published",
            unit="s",
            values=[cost.seconds for cost in ended],
            below=10 if largest else None,
        ),
        Figure(
            name="  list calls beside the activity queries",
            unit="calls",
            values=[cost.lists for cost in ended],
            below=3 + 1,
        ),
        Figure(
            name="  runs read by id, whose turn it was",
            unit="calls",
            values=[cost.calls - cost.lists - ending for cost in ended],
        ),
        Figure(
            name="  calls of storage an end, beside the rows",
            unit="calls",
            values=[(cost.storage - 2 * pages - 6) / ending for cost in ended],
            below=4.01,
        ),
        Figure(
            name=f"{named}, the same beside {OTHERS * ending:,} of others",
            unit="s",
            values=[cost.seconds for cost in others],
        ),
        Figure(name="  calls of storage", unit="calls", values=[cost.storage for cost in others]),
    ]
