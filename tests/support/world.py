"""The whole service over memory adapters, with a clock that the test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from adf_trigger.clock import IdSource
from adf_trigger.contracts import RunRequest, Source
from adf_trigger.functions.services import Services
from adf_trigger.functions.wiring import wire
from adf_trigger.ledger.kept_messages import KeptMessage
from adf_trigger.ledger.records import RunRecord
from adf_trigger.service.factories import Factories, FactoryHandle
from adf_trigger.service.starting.submit import Submitted
from adf_trigger.service.steering.cancel import CancelOrder
from adf_trigger.service.steering.rerun import RerunOrder
from adf_trigger.service.steering.resolve import ResolveOrder
from adf_trigger.service.steering.steerer import RunSelector
from adf_trigger.service.steps import STEPS, Steps, logged_steps
from adf_trigger.service.submission import Submission
from adf_trigger.service.threads.tick_threads import TickThreads
from adf_trigger.settings import Settings
from tests.support.faulty_ledger import FaultyDeclarations, FaultyLedger, FaultyNotes, FaultyRejected
from tests.support.memory_factory import MemoryFactory
from tests.support.memory_outbox import MemoryCallbacks, MemoryOutbox, MemoryRoutes

FACTORY_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg"
    "/providers/Microsoft.DataFactory/factories/factory-one"
)
STARTED = frozenset({"Queued", "InProgress"})
"""Statuses of a started run: which of them is recorded depends on the looks at it since."""
START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@dataclass
class MovingClock:
    """A clock that stands still until it is moved, and the seconds that have passed meanwhile."""

    now: datetime = START
    passed: float = 0.0

    def __call__(self) -> datetime:
        """The present instant."""
        return self.now

    def seconds(self) -> float:
        """The elapsed seconds: this never goes back."""
        return self.passed

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.passed += max(0.0, seconds)

    def jump(self, seconds: float) -> None:
        """Set the clock, ahead or back, while no time passes."""
        self.now += timedelta(seconds=seconds)


def settings(**changes: str) -> Settings:
    """Settings of a test, with changes by environment name."""
    return Settings.from_env(
        {"ADF_TRIGGER_FACTORIES": FACTORY_ID, "AzureWebJobsStorage": "UseDevelopmentStorage=true", **changes}
    )


@contextmanager
def known_steps(name: str) -> Iterator[None]:
    """The steps of production, each of which has a listed name, by which logs are searched."""
    assert name in STEPS
    with logged_steps(name):
        yield


@dataclass(eq=False)
class World:
    """One factory, one service, all in memory."""

    clock: MovingClock = field(default_factory=MovingClock)
    steps: Steps = known_steps
    settings: Settings = field(default_factory=settings)
    ledger: FaultyLedger = field(default_factory=FaultyLedger)
    declarations: FaultyDeclarations = field(default_factory=FaultyDeclarations)
    notes: FaultyNotes = field(default_factory=FaultyNotes)
    rejected: FaultyRejected = field(default_factory=FaultyRejected)
    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    routes: MemoryRoutes = field(default_factory=MemoryRoutes)
    called_back: MemoryCallbacks = field(default_factory=MemoryCallbacks)
    new_id: IdSource = uuid4
    tick_threads: TickThreads | None = None
    factory: MemoryFactory = field(init=False)
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        self.factory = MemoryFactory(self.clock)
        self.restart()

    def restart(self) -> None:
        """A new process over the same storage: everything that was only in memory is lost."""
        handle = FactoryHandle("default", FACTORY_ID, self.factory)
        self.services = wire(
            self.settings,
            factories=Factories({"default": handle}),
            ledger=self.ledger,
            declarations=self.declarations,
            notes=self.notes,
            rejected=self.rejected,
            outbox=self.outbox,
            routes=self.routes,
            callback_sender=self.called_back,
            landmark=self.outbox,
            clock=self.clock,
            new_id=self.new_id,
            steps=self.steps,
            tick_threads=self.tick_threads,
            seconds=self.clock.seconds,
        )

    def submit(
        self, key: str = "key-1", pipeline: str = "load", *, source: Source = Source.HTTP, **fields: Any
    ) -> Submitted:
        """Submit a request as the functions do."""
        return self.services.submitter.submit(
            Submission(
                factory=self.services.factories.choose(None),
                pipeline=pipeline,
                request=RunRequest(**fields),
                request_id=key,
                source=source,
            )
        )

    def cancel(self, key: str = "key-1", **order: Any) -> RunRecord:
        """Cancel a run as the functions do."""
        return self.services.canceller.cancel(self.services.query.find(key), CancelOrder(**order))

    def rerun(self, run: str = "key-1", **order: Any) -> Submitted:
        """Rerun a run as the functions do."""
        steering = self.services.steering
        return steering._rerunner.rerun(self.services.query.find(run), RerunOrder(**order))

    def resolve(self, run: str, decision: Any, **order: Any) -> RunRecord:
        """Decide about a run as the functions do; returns the changed record."""
        self.services.steering.resolve(RunSelector(run), ResolveOrder(decision=decision, **order))
        return self.services.query.find(run)

    def tick(self, *, after: float = 0) -> None:
        """Let time pass, then tick once."""
        self.clock.forward(after)
        self.services.tick.run()

    def status(self, key: str = "key-1") -> str:
        """Status of a request's record."""
        return self.services.query.find(key).status

    def kept(self) -> list[KeptMessage]:
        """The messages that are kept in the ledger."""
        return list(self.rejected.list(limit=1_000))
