"""What every function is given: the use cases, and what is needed beside them."""

from dataclasses import dataclass

from adf_trigger.ledger.notes import Notes
from adf_trigger.service.activities import ActivityLister
from adf_trigger.service.batch import BatchStarter
from adf_trigger.service.cancel import Canceller
from adf_trigger.service.event_intake import EventIntake
from adf_trigger.service.factories import Factories
from adf_trigger.service.factory_states import FactoryStates
from adf_trigger.service.health import HealthReader
from adf_trigger.service.holding import Holder
from adf_trigger.service.intake import Intake
from adf_trigger.service.ledger_identity import LedgerIdentity
from adf_trigger.service.look import Looker
from adf_trigger.service.observe import Observer
from adf_trigger.service.pipelines import PipelineLister
from adf_trigger.service.preview import Previewer
from adf_trigger.service.query import RunFinder
from adf_trigger.service.runs import RunLister
from adf_trigger.service.stand_in import StandIn
from adf_trigger.service.steering import Steerer
from adf_trigger.service.strangers import StrangerWatcher
from adf_trigger.service.submit import Submitter
from adf_trigger.service.tick import Tick
from adf_trigger.service.views import RunViews
from adf_trigger.service.wait import Waiter
from adf_trigger.service.workers import Workers
from adf_trigger.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases and what the functions need beside them."""

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
    looker: Looker
    waiter: Waiter
    intake: Intake
    event_intake: EventIntake
    tick: Tick
    canceller: Canceller
    steering: Steerer
    holder: Holder
    stand_in: StandIn
    strangers: StrangerWatcher
    observer: Observer
    health: HealthReader
    ledger_identity: LedgerIdentity
