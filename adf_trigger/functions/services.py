"""The use cases and further objects that the functions use."""

from dataclasses import dataclass

from adf_trigger.ledger.notes import Notes
from adf_trigger.service.apps.unconfigured import UnconfiguredFactoryWatcher
from adf_trigger.service.calls.factory_states import FactoryStates
from adf_trigger.service.factories import Factories
from adf_trigger.service.health.health import HealthReader
from adf_trigger.service.health.ledger_identity import LedgerIdentity
from adf_trigger.service.health.observe import Observer
from adf_trigger.service.intake.event_intake import EventIntake
from adf_trigger.service.intake.intake import Intake
from adf_trigger.service.news.views import RunViews
from adf_trigger.service.reading.activities import ActivityLister
from adf_trigger.service.reading.pipelines import PipelineLister
from adf_trigger.service.reading.query import RunFinder
from adf_trigger.service.reading.runs import RunLister
from adf_trigger.service.starting.batch import BatchStarter
from adf_trigger.service.starting.preview import Previewer
from adf_trigger.service.starting.submit import Submitter
from adf_trigger.service.steering.cancel import Canceller
from adf_trigger.service.steering.holding import Holder
from adf_trigger.service.steering.steerer import Steerer
from adf_trigger.service.threads.workers import Workers
from adf_trigger.service.timer.fallback import FallbackTicker
from adf_trigger.service.timer.tick import TickRunner
from adf_trigger.service.watching.refresh import RunRefresher
from adf_trigger.service.watching.wait import Waiter
from adf_trigger.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases and further objects that the functions need."""

    settings: Settings
    workers: Workers
    factories: Factories
    notes: Notes
    states: FactoryStates
    views: RunViews
    submitter: Submitter
    batch: BatchStarter
    preview: Previewer
    query: RunFinder
    runs: RunLister
    activities: ActivityLister
    pipelines: PipelineLister
    refresher: RunRefresher
    waiter: Waiter
    intake: Intake
    event_intake: EventIntake
    tick: TickRunner
    canceller: Canceller
    steering: Steerer
    holder: Holder
    fallback_ticker: FallbackTicker
    unconfigured: UnconfiguredFactoryWatcher
    observer: Observer
    health: HealthReader
    ledger_identity: LedgerIdentity
